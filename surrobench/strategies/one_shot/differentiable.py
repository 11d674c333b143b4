"""Architectures as numbers that follow a gradient: DARTS and GDAS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from surrobench.base.options import check_number, check_whole
from surrobench.spaces.architecture import Arch
from surrobench.strategies.one_shot.method import OneShotMethod, OneShotRun
from surrobench.strategies.one_shot.shared_training import Batch, Epoch, SharedTraining
from surrobench.strategies.one_shot.unrolled import unrolled_gradient
from surrobench.training.supernet import Mix, mixture, path

BETAS = (0.5, 0.999)
"""Decay rates of Adam for the architecture, as in DARTS."""


@dataclass(frozen=True, kw_only=True)
class Differentiable(OneShotMethod):
    """What DARTS and GDAS share: one number per edge and operation, the same for all cells.

    Weights follow the training images, the numbers the validation images, in turn, batch by batch.
    At the end each edge gets its largest number; as in NAS-Bench-201, no operation at all is one of
    the choices.

    Args:
        architecture_rate: learning rate of Adam for the numbers. The papers' 0.0003 belongs to
            tens of thousands of steps.
        architecture_decay: their weight decay.
    """

    architecture_rate: float = 0.003
    architecture_decay: float = 1e-3

    def __post_init__(self) -> None:
        """Refuse wrong options."""
        super().__post_init__()
        check_number(self, "architecture_rate", self.architecture_rate, 0.0, 10.0)
        check_number(self, "architecture_decay", self.architecture_decay, 0.0, 1.0)


class _DifferentiableRun(OneShotRun):
    def __init__(self, options: Differentiable, training: SharedTraining) -> None:
        self.training, space = training, training.space
        self.draws = torch.Generator().manual_seed(training.seed)
        start = torch.randn(len(space.edges), len(space.operations), generator=self.draws)
        self.alpha = (1e-3 * start).to(training.device).requires_grad_()
        self.optimiser = torch.optim.Adam(
            [self.alpha],
            lr=options.architecture_rate,
            betas=BETAS,
            weight_decay=options.architecture_decay,
        )

    def choose(self) -> Arch:
        """The largest number of each edge."""
        return tuple(int(choice) for choice in self.alpha.detach().argmax(dim=1).tolist())

    def follow(self, gradient: Tensor) -> None:
        """One step of the architecture."""
        self.alpha.grad = gradient
        self.optimiser.step()

    def gradient(self, mix: Mix, batch: Batch) -> Tensor:
        """Of the loss of a mix, by the numbers that it was made of."""
        (found,) = torch.autograd.grad(
            self.training.loss(mix, batch), [self.alpha], allow_unused=True, materialize_grads=True
        )
        return found


@dataclass(frozen=True, kw_only=True)
class Darts(Differentiable):
    """Every edge computes all its operations, weighted by a softmax of its numbers.

    Liu, Simonyan & Yang, DARTS: Differentiable Architecture Search, ICLR 2019.

    Args:
        order: 1 takes the weights as they are when the architecture moves; 2 looks through one
            step of the weights, at about three times the cost.
    """

    order: int = 1

    def __post_init__(self) -> None:
        """Refuse wrong options."""
        super().__post_init__()
        check_whole(self, "order", self.order, 1, 2)

    def start(self, training: SharedTraining) -> OneShotRun:
        """A run on shared weights that nothing was done to yet."""
        return _DartsRun(self, training)


class _DartsRun(_DifferentiableRun):
    def __init__(self, options: Darts, training: SharedTraining) -> None:
        super().__init__(options, training)
        self.order = options.order

    def train_epoch(self) -> Epoch:
        """Architecture and weights in turn."""
        training, losses = self.training, []
        for batch in training.batches():
            rate, validation = training.advance(), training.validation_batch()
            if self.order == 1:
                self.follow(self.gradient(mixture(self.alpha.softmax(dim=1)), validation))
            else:
                self.follow(self.unrolled(batch, validation, rate))
            mix = mixture(self.alpha.detach().softmax(dim=1))
            losses.append(training.step(mix, batch))
        return Epoch(float(torch.stack(losses).mean()), self.choose())

    def unrolled(self, train: Batch, validation: Batch, rate: float) -> Tensor:
        """The gradient through a step with momentum and weight decay, as the paper takes it.

        The real step looks ahead (Nesterov) and is clipped; neither depends on the architecture to
        first order, and both are left out.
        """
        named = dict(self.training.supernet.named_parameters())

        def loss(batch: Batch, weights: Sequence[Tensor], alpha: Tensor) -> Tensor:
            images, labels = batch
            mix = mixture(alpha.softmax(dim=1))
            values = dict(zip(named, weights, strict=True))
            scores = functional_call(self.training.supernet, values, (images, mix))
            return functional.cross_entropy(scores, labels)

        weights = list(named.values())
        return unrolled_gradient(
            lambda w, alpha: loss(train, w, alpha),
            lambda w, alpha: loss(validation, w, alpha),
            weights,
            self.alpha,
            rate=rate,
            drift=[self._drift(weight) for weight in weights],
        )

    def _drift(self, weight: Tensor) -> Tensor:
        """What SGD adds to the gradient of a weight: decay and momentum."""
        recipe = self.training.recipe
        drift = recipe.weight_decay * weight.detach()
        moving = self.training.optimiser.state.get(weight, {}).get("momentum_buffer")
        return drift if moving is None else drift + recipe.momentum * moving


@dataclass(frozen=True, kw_only=True)
class Gdas(Differentiable):
    """Every edge computes one operation, drawn by the Gumbel trick with hard samples.

    The draw is one-hot going forward; going back it is the softmax of the disturbed numbers, and
    only the operation that was computed passes on a gradient. Dong & Yang, Searching for a Robust
    Neural Architecture in Four GPU Hours, CVPR 2019.

    Args:
        first_temperature: of the softmax in the first epoch.
        last_temperature: in the last epoch; it falls linearly.
    """

    first_temperature: float = 10.0
    last_temperature: float = 0.1

    def __post_init__(self) -> None:
        """Refuse wrong options."""
        super().__post_init__()
        check_number(self, "first_temperature", self.first_temperature, 1e-3, 1e3)
        check_number(self, "last_temperature", self.last_temperature, 1e-3, 1e3)

    def start(self, training: SharedTraining) -> OneShotRun:
        """A run on shared weights that nothing was done to yet."""
        return _GdasRun(self, training)


class _GdasRun(_DifferentiableRun):
    def __init__(self, options: Gdas, training: SharedTraining) -> None:
        super().__init__(options, training)
        first, last = options.first_temperature, options.last_temperature
        self.temperatures = iter(torch.linspace(first, last, options.epochs).tolist())

    def train_epoch(self) -> Epoch:
        """Weights and architecture in turn, each on a draw of its own."""
        training, losses = self.training, []
        temperature = next(self.temperatures)
        for batch in training.batches():
            training.advance()
            drawn = hard_sample(self.alpha.detach(), temperature, self.draws)
            arch = tuple(int(choice) for choice in drawn.argmax(dim=1).tolist())
            losses.append(training.step(path(training.space, arch), batch))
            weights = hard_sample(self.alpha, temperature, self.draws)
            self.follow(self.gradient(drawn_only(weights), training.validation_batch()))
        return Epoch(float(torch.stack(losses).mean()), self.choose())


def hard_sample(alpha: Tensor, temperature: float, draws: torch.Generator) -> Tensor:
    """One-hot rows, drawn with probability softmax(``alpha``); the gradient is that of a softmax.

    Args:
        alpha: ``edges x operations``.
        temperature: of the softmax that the gradient is taken of.
        draws: on the CPU, so that draws are the same on every device.
    """
    noise = torch.empty(alpha.shape).exponential_(generator=draws).log_().neg_()  # Gumbel
    disturbed = alpha.log_softmax(dim=1) + noise.to(alpha.device, alpha.dtype)
    soft = (disturbed / temperature).softmax(dim=1)
    hard = functional.one_hot(disturbed.argmax(dim=1), alpha.shape[1]).to(alpha.dtype)
    return hard + (soft - soft.detach())


def drawn_only(weights: Tensor) -> Mix:
    """The mix of the drawn operations alone, each with its weight, which is 1.

    Args:
        weights: one-hot rows, ``edges x operations``.
    """
    choices = weights.detach().argmax(dim=1).tolist()
    return [[(choice, row[choice])] for choice, row in zip(choices, weights, strict=True)]
