"""What every one-shot method is: options, and a run that trains shared weights and chooses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from surrobench.base.options import check_number, check_whole
from surrobench.spaces.architecture import Arch
from surrobench.strategies.one_shot.shared_training import Epoch, OneShotResult, SharedTraining
from surrobench.training.datasets.data import Data
from surrobench.training.loop.devices import clock
from surrobench.training.loop.trainer import Recipe
from surrobench.training.supernet import Supernet

Progress = Callable[[int, int], None]


class OneShotRun(ABC):
    """One run of a method: epochs of training, then a choice."""

    @abstractmethod
    def train_epoch(self) -> Epoch:
        """Pass over the training images once."""

    @abstractmethod
    def choose(self) -> Arch:
        """The architecture that the method settles on."""


@dataclass(frozen=True, kw_only=True)
class OneShotMethod(ABC):
    """A search that trains one network of shared weights instead of many networks.

    Args:
        epochs: passes over the training images.
        batch_size: images of a step.
        learning_rate: of the shared weights; it falls to zero along a cosine.
        momentum: of the shared weights (Nesterov).
        weight_decay: of the shared weights.
        clip: largest norm of their gradient.

    Raises:
        UserError: for a wrong option.
    """

    epochs: int = 12
    batch_size: int = 64
    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-4
    clip: float = 5.0

    def __post_init__(self) -> None:
        """Refuse wrong options."""
        check_whole(self, "epochs", self.epochs, 1)
        check_whole(self, "batch_size", self.batch_size, 2)
        check_number(self, "learning_rate", self.learning_rate, 1e-9, 10.0)
        check_number(self, "momentum", self.momentum, 0.0, 0.9999)
        check_number(self, "weight_decay", self.weight_decay, 0.0, 1.0)
        check_number(self, "clip", self.clip, 1e-6)

    @abstractmethod
    def start(self, training: SharedTraining) -> OneShotRun:
        """A run on shared weights that nothing was done to yet."""

    def search(
        self,
        supernet: Supernet,
        data: Data,
        *,
        seed: int = 0,
        name: str = "",
        progress: Progress | None = None,
    ) -> OneShotResult:
        """Train the shared weights and choose an architecture.

        Bit-identical for equal arguments on one CPU at one thread. Global random states are left
        alone.

        Args:
            supernet: freshly initialised; trained in place, on the device of the images.
            data: images.
            seed: of all random draws.
            name: of the method in the result; that of its class if empty.
            progress: told the number of finished epochs and of all after every epoch.
        """
        recipe = Recipe(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            clip=self.clip,
        )
        training = SharedTraining(supernet, data, recipe, seed)
        run, history, now = self.start(training), [], clock(training.device)
        started = now()
        for epoch in range(self.epochs):
            history.append(run.train_epoch())
            if progress:
                progress(epoch + 1, self.epochs)
        trained = now()
        arch = run.choose()
        chosen = now()
        return OneShotResult(
            method=name or type(self).__name__,
            seed=seed,
            arch=arch,
            train_seconds=trained - started,
            choose_seconds=chosen - trained,
            history=tuple(history),
            training=training,
        )
