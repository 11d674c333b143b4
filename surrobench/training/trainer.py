"""One training recipe, readable from top to bottom."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar, get_args

import torch
from torch import Tensor, nn

from surrobench.errors import UserError
from surrobench.training.clipping import clip_gradients
from surrobench.training.devices import CPU, clock
from surrobench.training.fusion import fuse
from surrobench.training.images import ImageData, Split
from surrobench.training.measures import Measures, cross_entropies, measure
from surrobench.training.training_run import TrainingRun, finished_run

Network = TypeVar("Network", bound=nn.Module)
OptimiserName = Literal["sgd", "adamw"]

_RANGES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "epochs": (lambda value: value >= 1, "at least 1"),
    "batch_size": (lambda value: value >= 1, "at least 1"),
    "learning_rate": (lambda value: 0 < value < math.inf, "above 0"),
    "momentum": (lambda value: 0 <= value < 1, "at least 0 and below 1"),
    "weight_decay": (lambda value: 0 <= value < math.inf, "at least 0"),
    "warm_up": (lambda value: 0 <= value < 1, "at least 0 and below 1"),
    "clip": (lambda value: value is None or 0 < value < math.inf, "above 0, or None"),
    "label_smoothing": (lambda value: 0 <= value < 1, "at least 0 and below 1"),
}
_ADDED = {"optimiser": "sgd", "warm_up": 0.0, "clip": None, "label_smoothing": 0.0}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; the learning rate falls to zero along a cosine, step by step.

    Attributes:
        epochs: passes over the training data.
        batch_size: examples in a step.
        learning_rate: at the peak.
        momentum: of SGD; for AdamW the decay rate of the mean of gradients (its first beta, the
            second is 0.999).
        weight_decay: of every parameter; for AdamW decoupled from the gradient.
        optimiser: ``"sgd"`` with Nesterov momentum, or ``"adamw"`` (Loshchilov & Hutter, ICLR
            2019).
        warm_up: share of the steps in which the learning rate first rises to the peak in equal
            parts.
        clip: largest norm of the gradient of a network (each for itself if several are trained
            together); None is no limit.
        label_smoothing: share of the target that is spread evenly over all classes, in training
            only.

    Raises:
        UserError: naming a field that is out of range.
    """

    epochs: int = 3
    batch_size: int = 128
    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-4
    optimiser: OptimiserName = "sgd"
    warm_up: float = 0.0
    clip: float | None = None
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        if self.optimiser not in get_args(OptimiserName):
            raise UserError(
                f"recipe: optimiser is {self.optimiser!r}; it must be 'sgd' or 'adamw'."
            )
        for name, (valid, range_) in _RANGES.items():
            value = getattr(self, name)
            if not valid(value):
                raise UserError(f"recipe: {name} is {value}; it must be {range_}.")

    @property
    def settings(self) -> dict[str, Any]:
        """The fields by name, as keys of what was trained hold them.

        Later additions are left out where they have no effect, so that older keys stay valid.
        """
        values = asdict(self)
        return {n: v for n, v in values.items() if n not in _ADDED or v != _ADDED[n]}


def train(
    build: Callable[[], nn.Module],
    data: ImageData,
    recipe: Recipe,
    *,
    seeds: Sequence[int],
    device: torch.device = CPU,
) -> list[TrainingRun]:
    """Train a network once per seed, all at the same time, and measure after every epoch.

    Args:
        build: makes a network; its initial weights are drawn under each seed.
        data: images; the test images are used once, after training.
        recipe: the settings.
        seeds: each decides the initial weights and the order of the training images.
        device: where to train.

    Returns:
        One run per seed.
    """
    networks = [initialised(build, seed) for seed in seeds]
    return train_together(networks, data, recipe, seeds=seeds, device=device)


def train_together(
    networks: Sequence[nn.Module],
    data: ImageData,
    recipe: Recipe,
    *,
    seeds: Sequence[int],
    device: torch.device = CPU,
) -> list[TrainingRun]:
    """Train networks at the same time, and measure after every epoch.

    The trainings do not influence each other: each equals the training of its network alone up to
    rounding. Bit-identical for equal arguments on one machine at one thread. The global random
    state is left as it was.

    Args:
        networks: of one :func:`~surrobench.training.fusion.fusion_key`, or a single one of any
            kind; copies of them are trained.
        data: images; the test images are used once, after training.
        recipe: the settings.
        seeds: for each network what decides the order of the training images. Networks of one seed
            see the same batches; if all have the same seed the images are read once for all.
        device: where to train.

    Returns:
        One run per network.

    Raises:
        UserError: if the networks cannot be trained together.
    """
    network, data = fuse(networks).to(device), data.to(device)
    shared = len(set(seeds)) == 1
    orders = [torch.Generator().manual_seed(seed) for seed in (seeds[:1] if shared else seeds)]
    optimiser = make_optimiser(network, recipe)
    losses, validations, seconds, now = [], [], 0.0, clock(device)
    for epoch in range(recipe.epochs):
        started = now()
        loss = _train_epoch(network, optimiser, data.train, recipe, epoch, orders, len(seeds))
        seconds += now() - started
        losses.append(loss.tolist())
        validations.append(evaluate(network, data.validation, len(seeds)))
    test = evaluate(network, data.test, len(seeds))
    return [
        finished_run(
            loss=[loss[member] for loss in losses],
            validation=[measured[member] for measured in validations],
            test=test[member],
            seconds=seconds / len(seeds),
        )
        for member in range(len(seeds))
    ]


def initialised(build: Callable[[], Network], seed: int) -> Network:
    """A new network whose initial weights are decided by ``seed``; global state untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


def make_optimiser(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Optimiser of the recipe over all parameters of a network, in one operation if possible."""
    parameters = list(network.parameters())
    fused = all(parameter.device.type in ("cpu", "cuda") for parameter in parameters)
    if recipe.optimiser == "adamw":
        return torch.optim.AdamW(
            parameters,
            lr=recipe.learning_rate,
            betas=(recipe.momentum, 0.999),
            weight_decay=recipe.weight_decay,
            fused=fused,
        )
    return torch.optim.SGD(
        parameters,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.momentum > 0,
        fused=fused,
    )


def _train_epoch(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    split: Split,
    recipe: Recipe,
    epoch: int,
    orders: Sequence[torch.Generator],
    members: int,
) -> Tensor:
    """One pass over the images in each of the orders; mean loss over batches of each member."""
    network.train()
    batches = _batches(split, recipe.batch_size, orders)
    total = torch.zeros(members, device=split.images.device)
    for step, (inputs, targets) in enumerate(batches, start=epoch * len(batches)):
        optimiser.param_groups[0]["lr"] = cosine(step, recipe.epochs * len(batches), recipe)
        total += train_step(network, optimiser, inputs, targets.expand(members, -1), recipe)
    return total / len(batches)


def _batches(
    split: Split, batch_size: int, orders: Sequence[torch.Generator]
) -> list[tuple[Tensor, Tensor]]:
    """Images of all orders side by side with their labels, ``orders x n``, in batches."""
    # Shuffling once and slicing is cheaper than gathering every batch.
    device = split.images.device
    shuffled = [torch.randperm(len(split), generator=order).to(device) for order in orders]
    images = torch.cat([split.images[order] for order in shuffled], dim=1)
    labels = torch.stack([split.labels[order] for order in shuffled])
    return list(
        zip(
            images.contiguous(memory_format=torch.channels_last).split(batch_size),
            labels.split(batch_size, dim=1),
            strict=True,
        )
    )


def train_step(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    inputs: Tensor,
    targets: Tensor,
    recipe: Recipe,
) -> Tensor:
    """One step of all members at once; their losses before it.

    The sum of the losses has in each member's weights the gradient of that member's loss, so the
    step is that of each member alone.

    Args:
        network: a fused network.
        optimiser: over its parameters.
        inputs: images of all members side by side, or the same images for all.
        targets: ``members x n`` labels.
        recipe: decides label smoothing and the clipping of gradients.
    """
    loss = cross_entropies(network(inputs), targets, recipe.label_smoothing)
    optimiser.zero_grad(set_to_none=True)
    loss.sum().backward()
    if recipe.clip is not None:
        clip_gradients(network, len(targets), recipe.clip)
    optimiser.step()
    return loss.detach()


def cosine(step: int, steps: int, recipe: Recipe) -> float:
    """Learning rate of ``step`` (from 0) out of ``steps``: half a cosine from the peak to zero.

    The warm-up comes first: its last step is at the peak, and the cosine takes what remains.
    """
    rising = round(recipe.warm_up * steps)
    if step < rising:
        return recipe.learning_rate * (step + 1) / rising
    progress = (step - rising) / (steps - rising)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


@torch.no_grad()
def evaluate(
    network: nn.Module, split: Split, members: int, *, batch_size: int = 500
) -> list[Measures]:
    """Measures of each member of a fused network."""
    network.eval()
    outputs = [
        network(images.repeat(1, members, 1, 1).contiguous(memory_format=torch.channels_last))
        for images in split.images.split(batch_size)
    ]
    return measure(torch.cat(outputs, dim=1), split.labels.expand(members, -1))
