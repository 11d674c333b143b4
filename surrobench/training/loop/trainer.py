"""One training recipe, readable from top to bottom."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from surrobench.training.datasets.data import Data, Split
from surrobench.training.fusing.fusion import fuse
from surrobench.training.loop.clipping import clip_gradients
from surrobench.training.loop.devices import CPU, clock, forget_peak_memory, peak_memory
from surrobench.training.loop.early_stopping import early_stop_reason, least_accuracy
from surrobench.training.loop.evaluation import Evaluation, laid_out, scores_of
from surrobench.training.loop.graphs import GraphedStep
from surrobench.training.loop.measures import Measures, absolute_errors, cross_entropies
from surrobench.training.loop.members import separate, without_others
from surrobench.training.loop.recipe import Recipe as Recipe
from surrobench.training.loop.training_run import TrainingLog, TrainingRun

Network = TypeVar("Network", bound=nn.Module)


def train(
    build: Callable[[], nn.Module],
    data: Data,
    recipe: Recipe,
    *,
    seeds: Sequence[int],
    device: torch.device = CPU,
) -> list[TrainingRun]:
    """Train a network once per seed, all at the same time, and measure after every epoch.

    Args:
        build: makes a network; its initial weights are drawn under each seed.
        data: images or sequences; the test part is used once, after training.
        recipe: the settings.
        seeds: each decides the initial weights and the order of the training data.
        device: where to train.

    Returns:
        One run per seed.
    """
    networks = [initialised(build, seed) for seed in seeds]
    return train_together(networks, data, recipe, seeds=seeds, device=device)


def train_together(
    networks: Sequence[nn.Module],
    data: Data,
    recipe: Recipe,
    *,
    seeds: Sequence[int],
    device: torch.device = CPU,
    keep: Callable[[int, nn.Module], None] | None = None,
) -> list[TrainingRun]:
    """Train networks at the same time, and measure after every epoch.

    The trainings do not influence each other: each equals the training of its network alone up to
    rounding. Bit-identical for equal arguments on one machine at one thread. The global random
    state is left as it was.

    Args:
        networks: of one :func:`~surrobench.training.fusing.fusion.fusion_key`, or a single one of
            any kind; copies of them are trained.
        data: images or sequences; the test part is used once, after training.
        recipe: the settings.
        seeds: for each network what decides the order of the training data. Networks of one seed
            see the same batches; if all have the same seed the data are read once for all.
        device: where to train.
        keep: told the position of each network that was trained to the end, and its copy with the
            weights of then, on the CPU.

    Returns:
        One run per network. Networks whose training was stopped leave the others, which go on as
        they would have with them, up to rounding.

    Raises:
        UserError: if the networks cannot be trained together.
    """
    forget_peak_memory(device)
    group, data = _TrainingGroup(networks, recipe, seeds, device), data.to(device)
    for epoch in range(recipe.epochs):
        group.train_epoch(data, epoch)
        if not group.present:
            break
    return group.finish(data.test, keep)


class _TrainingGroup:
    """Networks on their way through one training, until they leave.

    Attributes:
        present: positions of those that are still trained.
    """

    def __init__(
        self,
        networks: Sequence[nn.Module],
        recipe: Recipe,
        seeds: Sequence[int],
        device: torch.device,
    ) -> None:
        self.recipe, self.device = recipe, device
        self.present = list(range(len(seeds)))
        self._networks, self._logs, self._note = list(networks), [TrainingLog() for _ in seeds], ""
        some = seeds[:1] if len(set(seeds)) == 1 else seeds
        self._orders = [torch.Generator().manual_seed(seed) for seed in some]
        network = fuse(networks).to(device)
        self._go_on_with(network, make_optimiser(network, recipe))

    def _go_on_with(self, network: nn.Module, optimiser: torch.optim.Optimizer) -> None:
        def step(inputs: Tensor, targets: Tensor) -> Tensor:
            return measured_step(network, optimiser, inputs, targets, self.recipe)

        self._network, self._optimiser, self._step = network, optimiser, step
        self._evaluation = Evaluation(network, self._networks, self.recipe)
        self._graph = None
        if self.recipe.cuda_graphs and self.device.type == "cuda":
            self._graph = GraphedStep(step)
        elif self.recipe.cuda_graphs:
            self._note = f"no CUDA graph: the device is {self.device.type}"

    def train_epoch(self, data: Data, epoch: int) -> None:
        """Train, measure, and let those go that are not worth going on with."""
        now, members = clock(self.device), len(self.present)
        started = now()
        losses, errors = self._pass(data.train, epoch, members).tolist()
        seconds = (now() - started) / members
        validation = self._evaluation(data.validation)
        found = zip(self.present, losses, errors, validation, strict=True)
        for member, loss, error, measured in found:
            self._logs[member].add(loss, error, measured, seconds)
        if self.recipe.stop_hopeless:
            self._stop(validation, epoch + 1, least_accuracy(data.validation))

    def _pass(self, split: Split, epoch: int, members: int) -> Tensor:
        """One pass over the data in each of the orders; means over batches of what steps give."""
        self._network.train()
        batches = _batches(split, self.recipe.batch_size, self._orders)
        total = torch.zeros(2, members, device=split.labels.device)
        step_of = self._graph or self._step
        for step, (inputs, targets) in enumerate(batches, start=epoch * len(batches)):
            set_rate(self._optimiser, cosine(step, self.recipe.epochs * len(batches), self.recipe))
            total += step_of(inputs, targets.expand(members, -1))
        if self._graph:
            self._note = self._graph.reason
        return total / len(batches)

    def _stop(self, validation: Sequence[Measures], epoch: int, least: float) -> None:
        for member, measured in zip(self.present, validation, strict=True):
            reason = early_stop_reason(measured, epoch, self.recipe.epochs, least)
            self._logs[member].stopped = reason
        stay = [p for p, member in enumerate(self.present) if not self._logs[member].stopped]
        if stay and len(stay) < len(self.present):

            def make(network: nn.Module) -> torch.optim.Optimizer:
                return make_optimiser(network, self.recipe)

            smaller = without_others(self._network, self._optimiser, self._networks, stay, make)
            self._networks = [self._networks[place] for place in stay]
            self._go_on_with(*smaller)
            if len(self._orders) > 1:
                self._orders = [self._orders[place] for place in stay]
        self.present = [self.present[place] for place in stay]

    def finish(
        self, test: Split, keep: Callable[[int, nn.Module], None] | None
    ) -> list[TrainingRun]:
        """Test those that came to the end; the records of all."""
        tests: dict[int, Measures] = {}
        if self.present:
            measured = self._evaluation(test)
            tests = dict(zip(self.present, measured, strict=True))
        if keep and self.present:
            members = separate(self._network, self._networks)
            for member, network in zip(self.present, members, strict=True):
                keep(member, network.cpu())
        facts: dict[str, Any] = {"peak_memory": peak_memory(self.device), "note": self._note}
        return [
            replace(log.run(self.recipe.epochs, tests.get(member)), **facts)
            for member, log in enumerate(self._logs)
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
    graphed = recipe.cuda_graphs and all(p.device.type == "cuda" for p in parameters)
    rate: float | Tensor = recipe.learning_rate
    if graphed:
        rate = torch.tensor(rate, device=parameters[0].device)
    if recipe.optimiser == "adamw":
        return torch.optim.AdamW(
            parameters,
            lr=rate,
            betas=(recipe.momentum, 0.999),
            weight_decay=recipe.weight_decay,
            fused=fused,
            capturable=graphed,
        )
    return torch.optim.SGD(
        parameters,
        lr=rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.momentum > 0,
        fused=fused,
    )


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate, in place where a recorded step reads it."""
    group = optimiser.param_groups[0]
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(rate)
    else:
        group["lr"] = rate


def _batches(
    split: Split, batch_size: int, orders: Sequence[torch.Generator]
) -> list[tuple[Tensor, Tensor]]:
    """Inputs of all orders side by side with their labels, ``orders x n``, in batches."""
    # Shuffling once and slicing is cheaper than gathering every batch.
    device = split.labels.device
    shuffled = [torch.randperm(len(split), generator=order).to(device) for order in orders]
    inputs = torch.cat([split.inputs[order] for order in shuffled], dim=1)
    labels = torch.stack([split.labels[order] for order in shuffled])
    return list(
        zip(
            laid_out(inputs).split(batch_size),
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
    """One step of all members at once; their losses before it, see :func:`measured_step`."""
    return measured_step(network, optimiser, inputs, targets, recipe)[0]


def measured_step(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    inputs: Tensor,
    targets: Tensor,
    recipe: Recipe,
) -> Tensor:
    """One step of all members at once.

    The sum of the losses has in each member's weights the gradient of that member's loss, so the
    step is that of each member alone.

    Args:
        network: a fused network.
        optimiser: over its parameters.
        inputs: those of all members side by side, or the same for all.
        targets: ``members x n`` labels.
        recipe: decides label smoothing and the clipping of gradients.

    Returns:
        ``2 x members``: losses before the step, and mean absolute errors of the probabilities.
    """
    scores = scores_of(network, inputs, recipe)
    loss = cross_entropies(scores, targets, recipe.label_smoothing)
    optimiser.zero_grad(set_to_none=True)
    loss.sum().backward()
    if recipe.clip is not None:
        clip_gradients(network, len(targets), recipe.clip)
    optimiser.step()
    return torch.stack([loss.detach(), absolute_errors(scores.detach(), targets)])


def cosine(step: int, steps: int, recipe: Recipe) -> float:
    """Learning rate of ``step`` (from 0) out of ``steps``: half a cosine from the peak to zero.

    The warm-up comes first: its last step is at the peak, and the cosine takes what remains.
    """
    rising = round(recipe.warm_up * steps)
    if step < rising:
        return recipe.learning_rate * (step + 1) / rising
    progress = (step - rising) / (steps - rising)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
