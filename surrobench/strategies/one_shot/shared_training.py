"""Training of shared weights, one mix after the other, and what comes out of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from surrobench.spaces.architecture import Arch
from surrobench.spaces.edge_cells import EdgeCells
from surrobench.training.datasets.data import Data, Split
from surrobench.training.loop.trainer import Recipe, cosine
from surrobench.training.supernet import Mix, Supernet

Batch = tuple[Tensor, Tensor]
"""Images and their labels."""


class SharedTraining:
    """Shared weights in training: batches, optimiser and schedule.

    Weights are fitted to the training images. What decides on the architecture may look at the
    validation images, as every search does; the test images are never looked at.

    All random draws come from generators of its own, on the CPU, so that they are the same on
    every device.

    Args:
        supernet: trained in place, on the device of the images.
        data: images.
        recipe: SGD with Nesterov momentum along a cosine, and the clipping; its other fields are
            not used. Weights that a mix does not use are not touched by its step, their momentum
            included.
        seed: of the order of the images and of every other draw.
    """

    def __init__(self, supernet: Supernet, data: Data, recipe: Recipe, seed: int) -> None:
        device = data.train.inputs.device
        # Channels last is quicker on CPU (torch's stubs do not know it).
        self.supernet = supernet.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.data, self.recipe, self.seed = data, recipe, seed
        self.rng = np.random.default_rng([seed, 1])
        self._train_order = torch.Generator().manual_seed(seed)
        self._validation_order = torch.Generator().manual_seed(seed)
        self._validation = self._endless(data.validation, self._validation_order)
        self._step = 0
        self.optimiser = torch.optim.SGD(
            self.supernet.parameters(),
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=recipe.momentum > 0,
        )

    @property
    def space(self) -> EdgeCells:
        """The space whose weights are shared."""
        return self.supernet.space

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.data.train.inputs.device

    def batches(self) -> Iterator[Batch]:
        """The training images once, in a random order."""
        return self._batches(self.data.train, self._train_order)

    def validation_batch(self) -> Batch:
        """The next validation images; they come in random order, all of them before any again."""
        return next(self._validation)

    def _endless(self, split: Split, order: torch.Generator) -> Iterator[Batch]:
        while True:
            yield from self._batches(split, order)

    def _batches(self, split: Split, order: torch.Generator) -> Iterator[Batch]:
        parts = -(-len(split) // self.recipe.batch_size)
        shuffled = torch.randperm(len(split), generator=order).to(split.labels.device)
        for chosen in shuffled.tensor_split(parts):
            images = split.inputs[chosen].contiguous(memory_format=torch.channels_last)
            yield images, split.labels[chosen]

    def loss(self, mix: Mix, batch: Batch) -> Tensor:
        """Mean cross-entropy of a mix."""
        images, labels = batch
        return functional.cross_entropy(self.supernet(images, mix), labels)

    def advance(self) -> float:
        """Set the learning rate of the next step, and return it."""
        per_epoch = -(-len(self.data.train) // self.recipe.batch_size)
        rate = cosine(self._step, self.recipe.epochs * per_epoch, self.recipe)
        self.optimiser.param_groups[0]["lr"] = rate
        self._step += 1
        return rate

    def step(self, mix: Mix, batch: Batch) -> Tensor:
        """One step of the weights that a mix uses; its loss before."""
        loss = self.loss(mix, batch)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if self.recipe.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.supernet.parameters(), self.recipe.clip)
        self.optimiser.step()
        return loss.detach()

    def accuracy(self, arch: Arch) -> float:
        """Of a cell with the shared weights, in percent of the validation images."""
        return self.supernet.measure(arch, self.data.validation).accuracy


@dataclass(frozen=True)
class Epoch:
    """What one epoch of a one-shot method gave.

    Attributes:
        train_loss: mean over the batches, of whatever mixes they trained, nats.
        arch: the architecture that the method would choose now, None if it cannot say without a
            search of its own.
        reward: mean reward of a controller, percent of a validation batch; NaN without one.
    """

    train_loss: float
    arch: Arch | None = None
    reward: float = float("nan")


@dataclass(frozen=True, eq=False)
class OneShotResult:
    """What a one-shot method found.

    Attributes:
        method: its name.
        seed: of all its random draws.
        arch: the architecture that it chose.
        train_seconds: spent on shared weights and architecture (CPU seconds, or of the wall on a
            GPU).
        choose_seconds: spent on choosing afterwards.
        history: one entry per epoch.
        training: the shared weights in their last state.
    """

    method: str
    seed: int
    arch: Arch
    train_seconds: float
    choose_seconds: float
    history: tuple[Epoch, ...]
    training: SharedTraining

    def score(self, archs: Sequence[Arch]) -> npt.NDArray[np.float64]:
        """Accuracy of architectures with the shared weights, percent of validation images, ``n``.

        Raises:
            UserError: for an architecture of another space.
        """
        return np.array([self.training.accuracy(arch) for arch in archs])


def random_cell(space: EdgeCells, rng: np.random.Generator) -> Arch:
    """A cell drawn uniformly from those with a path from input to output."""
    while True:
        (arch,) = space.sample(1, rng)
        if not space.disconnected(arch):
            return arch
