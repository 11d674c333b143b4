"""A controller that is rewarded by the accuracy of shared weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from surrobench.base.options import check_number, check_whole
from surrobench.spaces.architecture import Arch
from surrobench.strategies.one_shot.method import OneShotMethod, OneShotRun
from surrobench.strategies.one_shot.shared_training import Epoch, SharedTraining
from surrobench.strategies.reinforcement.adam import Adam
from surrobench.strategies.reinforcement.controllers import LSTMController
from surrobench.strategies.reinforcement.reinforcement import reinforce_loss
from surrobench.training.loop.measures import measure
from surrobench.training.supernet import path


@dataclass(frozen=True, kw_only=True)
class Enas(OneShotMethod):
    """Shared weights and a controller in turn, epoch by epoch.

    The weights are trained on cells that the controller draws; then the controller learns by
    REINFORCE, with the accuracy on a validation batch as reward and a moving average as baseline.
    At the end the best of some cells that it draws is chosen, by all validation images. Pham et
    al., Efficient Neural Architecture Search via Parameter Sharing, ICML 2018.

    Args:
        controller_steps: updates of the controller after each epoch.
        controller_batch: cells drawn for each update.
        controller_rate: learning rate of Adam.
        hidden: units of the controller.
        entropy: weight of the entropy of its decisions, which is added to the objective; rewards
            are between 0 and 1.
        baseline_decay: of the moving average, per update.
        evaluations: cells drawn at the end.
    """

    controller_steps: int = 50
    controller_batch: int = 5
    controller_rate: float = 0.005
    hidden: int = 32
    entropy: float = 1e-3
    baseline_decay: float = 0.95
    evaluations: int = 100

    def __post_init__(self) -> None:
        """Refuse wrong options."""
        super().__post_init__()
        check_whole(self, "controller_steps", self.controller_steps, 0)
        check_whole(self, "controller_batch", self.controller_batch, 1)
        check_number(self, "controller_rate", self.controller_rate, 0.0, 10.0)
        check_whole(self, "hidden", self.hidden, 2, 4096)
        check_number(self, "entropy", self.entropy, 0.0, 100.0)
        check_number(self, "baseline_decay", self.baseline_decay, 0.0, 1.0)
        check_whole(self, "evaluations", self.evaluations, 1)

    def start(self, training: SharedTraining) -> OneShotRun:
        """A run on shared weights that nothing was done to yet."""
        return _EnasRun(self, training)


class RewardedController:
    """An LSTM that draws architectures and learns which of them are rewarded.

    Args:
        cardinalities: number of choices of each variable.
        options: those of the controller.
        rng: draws its weights and the architectures.
    """

    def __init__(
        self, cardinalities: Sequence[int], options: Enas, rng: np.random.Generator
    ) -> None:
        self.options, self.rng = options, rng
        self.network = LSTMController(cardinalities, options.hidden, 1, rng)
        self._optimiser = Adam(list(self.network.parameters()), options.controller_rate)
        self._baseline: float | None = None
        self._variables = len(cardinalities)

    def draw(self, n: int) -> list[Arch]:
        """``n`` architectures, which may be equal."""
        uniform = torch.from_numpy(self.rng.random((n, self._variables)))
        return [tuple(row) for row in self.network.sample(uniform).tolist()]

    def learn(self, archs: Sequence[Arch], rewards: Sequence[float]) -> None:
        """One step of REINFORCE (Williams, 1992) on architectures that were drawn."""
        mean = float(np.mean(rewards))
        baseline = mean if self._baseline is None else self._baseline
        decay = self.options.baseline_decay
        self._baseline = decay * baseline + (1.0 - decay) * mean
        advantages = torch.tensor(rewards, dtype=torch.float32) - baseline
        chosen, entropies = self.network.log_probabilities(torch.tensor(archs))
        loss = reinforce_loss(chosen, advantages)
        self._optimiser.minimise(loss - self.options.entropy * entropies.sum(dim=1).mean())

    @torch.no_grad()
    def probability(self, arch: Arch) -> float:
        """Of drawing an architecture."""
        chosen, _ = self.network.log_probabilities(torch.tensor([arch]))
        return float(chosen.sum().exp())


class _EnasRun(OneShotRun):
    def __init__(self, options: Enas, training: SharedTraining) -> None:
        self.options, self.training = options, training
        self.controller = RewardedController(training.space.cardinalities, options, training.rng)

    def train_epoch(self) -> Epoch:
        """Weights on cells of the controller, then the controller on rewards of the weights."""
        training, losses = self.training, []
        for batch in training.batches():
            training.advance()
            (arch,) = self.controller.draw(1)
            losses.append(training.step(path(training.space, arch), batch))
        rewards = [self._update() for _ in range(self.options.controller_steps)]
        reward = 100.0 * float(np.mean(rewards)) if rewards else float("nan")
        return Epoch(float(torch.stack(losses).mean()), reward=reward)

    def _update(self) -> float:
        archs = self.controller.draw(self.options.controller_batch)
        rewards = [self._reward(arch) for arch in archs]
        self.controller.learn(archs, rewards)
        return float(np.mean(rewards))

    @torch.no_grad()
    def _reward(self, arch: Arch) -> float:
        """Accuracy on the next validation batch, between 0 and 1."""
        training = self.training
        images, labels = training.validation_batch()
        scores = training.supernet(images, path(training.space, arch))
        return measure(scores[None], labels[None])[0].accuracy / 100.0

    def choose(self) -> Arch:
        """The best of some cells of the controller."""
        drawn = dict.fromkeys(self.controller.draw(self.options.evaluations))
        return max(drawn, key=self.training.accuracy)
