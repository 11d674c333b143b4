"""One training recipe, readable from top to bottom."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from surrobench.training.digits import ImageData, Split
from surrobench.training.fused import fuse


@dataclass(frozen=True)
class Recipe:
    """SGD with Nesterov momentum; the learning rate falls to zero along a cosine, step by step."""

    epochs: int = 3
    batch_size: int = 128
    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-4


@dataclass(frozen=True)
class TrainingRun:
    """What one training gave; the tuples hold one entry per epoch.

    Attributes:
        status: ``"diverged"`` if a loss stopped being finite; from then on everything is NaN.
        validation_accuracy: percent.
        validation_cross_entropy: nats.
        train_loss: mean cross-entropy over the batches of the epoch, as seen while training, nats.
        test_accuracy: percent, after the last epoch.
        test_cross_entropy: nats, after the last epoch.
        train_seconds: CPU seconds of the optimisation without evaluation, shared equally by the
            networks that were trained together.
    """

    status: Literal["ok", "diverged"]
    validation_accuracy: tuple[float, ...]
    validation_cross_entropy: tuple[float, ...]
    train_loss: tuple[float, ...]
    test_accuracy: float
    test_cross_entropy: float
    train_seconds: float


def train(
    build: Callable[[], nn.Sequential], data: ImageData, recipe: Recipe, *, seeds: Sequence[int]
) -> list[TrainingRun]:
    """Train a network once per seed, all at the same time, and measure after every epoch.

    The trainings do not influence each other: each equals the training of its seed alone up to
    rounding. Bit-identical for equal arguments on one machine at one thread. The global random
    state is left as it was.

    Args:
        build: makes a network; its initial weights are drawn under each seed.
        data: images; the test images are used once, after training.
        recipe: the settings.
        seeds: each decides the initial weights and the order of the training images. The order is
            the same for every network, so networks of one seed see the same batches.

    Returns:
        One run per seed.
    """
    network = fuse([initialised(build, seed) for seed in seeds])
    orders = [torch.Generator().manual_seed(seed) for seed in seeds]
    optimiser = torch.optim.SGD(
        network.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.momentum > 0,
        fused=True,
    )
    losses, validations, seconds = [], [], 0.0
    for epoch in range(recipe.epochs):
        started = time.process_time()
        losses.append(_train_epoch(network, optimiser, data.train, recipe, epoch, orders))
        seconds += time.process_time() - started
        validations.append(evaluate(network, data.validation, len(seeds)))
    test = evaluate(network, data.test, len(seeds))
    return [
        _run(
            loss=[float(loss[member]) for loss in losses],
            accuracy=[float(accuracy[member]) for accuracy, _ in validations],
            entropy=[float(entropy[member]) for _, entropy in validations],
            test=(float(test[0][member]), float(test[1][member])),
            seconds=seconds / len(seeds),
        )
        for member in range(len(seeds))
    ]


def initialised(build: Callable[[], nn.Sequential], seed: int) -> nn.Sequential:
    """A new network whose initial weights are decided by ``seed``; global state untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


def _train_epoch(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    split: Split,
    recipe: Recipe,
    epoch: int,
    orders: Sequence[torch.Generator],
) -> Tensor:
    """One pass over the images, shuffled for each member; mean loss over batches of each."""
    network.train()
    # Shuffling once and slicing is cheaper than gathering every batch.
    shuffled = [torch.randperm(len(split), generator=order) for order in orders]
    images = torch.cat([split.images[order] for order in shuffled], dim=1)
    labels = torch.stack([split.labels[order] for order in shuffled])
    batches = list(
        zip(
            images.contiguous(memory_format=torch.channels_last).split(recipe.batch_size),
            labels.split(recipe.batch_size, dim=1),
            strict=True,
        )
    )
    total = torch.zeros(len(orders))
    for step, (inputs, targets) in enumerate(batches, start=epoch * len(batches)):
        optimiser.param_groups[0]["lr"] = cosine(step, recipe.epochs * len(batches), recipe)
        loss = _cross_entropy(network(inputs), targets)
        optimiser.zero_grad(set_to_none=True)
        loss.sum().backward()
        optimiser.step()
        total += loss.detach()
    return total / len(batches)


def cosine(step: int, steps: int, recipe: Recipe) -> float:
    """Learning rate of ``step`` (from 0) out of ``steps``: half a cosine from the peak to zero."""
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * step / steps))


@torch.no_grad()
def evaluate(
    network: nn.Module, split: Split, members: int, *, batch_size: int = 500
) -> tuple[Tensor, Tensor]:
    """Accuracy in percent and mean cross-entropy in nats of each member of a fused network."""
    network.eval()
    outputs = [
        network(images.repeat(1, members, 1, 1).contiguous(memory_format=torch.channels_last))
        for images in split.images.split(batch_size)
    ]
    scores = torch.cat(outputs, dim=1)
    labels = split.labels.expand(members, -1)
    correct = (scores.argmax(dim=2) == labels).sum(dim=1)
    return 100 * correct.double() / len(split), _cross_entropy(scores, labels)


def _cross_entropy(scores: Tensor, labels: Tensor) -> Tensor:
    """Mean over ``n`` of ``members x n x classes`` scores against ``members x n`` labels."""
    each = functional.cross_entropy(scores.flatten(0, 1), labels.flatten(), reduction="none")
    return each.view(labels.shape).mean(dim=1)


def _run(
    loss: list[float],
    accuracy: list[float],
    entropy: list[float],
    test: tuple[float, float],
    seconds: float,
) -> TrainingRun:
    """The record of one member; nothing after its first loss that is not finite counts."""
    epochs = range(len(loss))
    sound = next((i for i in epochs if not math.isfinite(loss[i] + entropy[i])), len(loss))
    finished = sound == len(loss) and math.isfinite(test[1])
    accuracy, entropy, loss = (
        [value if i < sound else math.nan for i, value in enumerate(values)]
        for values in (accuracy, entropy, loss)
    )
    return TrainingRun(
        status="ok" if finished else "diverged",
        validation_accuracy=tuple(accuracy),
        validation_cross_entropy=tuple(entropy),
        train_loss=tuple(loss),
        test_accuracy=test[0] if finished else math.nan,
        test_cross_entropy=test[1] if finished else math.nan,
        train_seconds=seconds,
    )
