"""Policy-gradient search: a controller network learns to write good architectures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from surrobench.base.options import check_choice, check_number, check_whole
from surrobench.base.process_state import standard_numerics
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.strategies.problem import Problem
from surrobench.strategies.reinforcement.adam import Adam
from surrobench.strategies.reinforcement.controllers import CONTROLLERS
from surrobench.strategies.reinforcement.rewards import REWARDS, scale_free
from surrobench.strategies.reinforcement.sequences import first_new
from surrobench.strategies.strategy import Observation, Strategy

ALGORITHMS = ("reinforce", "ppo")


class ControllerSearch(Strategy):
    """A controller trained by policy gradients (Zoph & Le, 2017).

    The controller emits one decision per variable, conditioned on those before. After every
    ``batch`` observations it takes one step of Adam on the batch (REINFORCE; Williams, 1992), or
    ``passes`` steps on the clipped objective with one ratio per decision (PPO; Schulman et al.,
    2017; without a value network, as Zoph et al., 2018, use it). Published runs train on
    thousands of architectures with rates of 0.0003 to 0.004; the default suits hundreds.

    **Rewards.** Tasks have any unit, so values become rewards by
    :func:`~surrobench.strategies.reinforcement.rewards.scale_free` within all that was observed so
    far, at each update anew. The advantage is the reward minus an exponential moving average of the
    rewards of earlier batches (of the first batch itself at the beginning), divided by the standard
    deviation of all rewards so far. Failures count as the worst value.

    **Sampling.** For each proposal, ``attempts`` sequences are drawn and the first that is a
    candidate not seen before is taken; if there is none, the nearest unseen candidate to the first
    sequence. The policy is always updated with the log-probability of the architecture that was
    evaluated, under the current policy. That resampling makes proposals a little off-policy is
    ignored, as is usual.

    **The initial design** is learned from like everything else, and counts towards the first
    batches. It did not come from the policy. REINFORCE treats it as if it had, which is nearly
    true: the first policy is nearly uniform. PPO's old log-probabilities are those under the
    policy that proposed an architecture; of the design, and of anything else that the policy did
    not propose, those at the moment when the value arrives.

    Args:
        problem: as for every strategy; so are ``seed``, ``design`` and ``repeats``.
        controller: ``"lstm"`` or ``"transformer"`` (causal attention).
        algorithm: ``"reinforce"`` or ``"ppo"``.
        hidden: width of the controller; for the Transformer, even.
        layers: of the controller.
        learning_rate: of Adam.
        entropy: weight of the entropy of the decisions, which is added to the objective.
        baseline_decay: of the moving average, per observation.
        reward: ``"rank"`` or ``"range"``.
        batch: observations per update.
        passes: steps on each batch (PPO only).
        clip: how far the ratio of a decision may leave 1 (PPO only).
        attempts: sequences drawn for each proposal.

    Raises:
        UserError: for a wrong option.
    """

    @standard_numerics()
    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        design: int | Sequence[Arch] = 10,
        repeats: bool = False,
        controller: str = "lstm",
        algorithm: str = "reinforce",
        hidden: int = 32,
        layers: int = 1,
        learning_rate: float = 0.02,
        entropy: float = 0.01,
        baseline_decay: float = 0.9,
        reward: str = "rank",
        batch: int = 5,
        passes: int = 4,
        clip: float = 0.2,
        attempts: int = 16,
    ) -> None:
        super().__init__(problem, seed=seed, design=design, repeats=repeats)
        self.controller = check_choice(self, "controller", controller, CONTROLLERS)
        self.algorithm = check_choice(self, "algorithm", algorithm, ALGORITHMS)
        self.hidden = check_whole(self, "hidden", hidden, 2, 4096)
        self.layers = check_whole(self, "layers", layers, 1, 100)
        self.learning_rate = check_number(self, "learning_rate", learning_rate, 0.0, 10.0)
        self.entropy = check_number(self, "entropy", entropy, 0.0, 100.0)
        self.baseline_decay = check_number(self, "baseline_decay", baseline_decay, 0.0, 1.0)
        self.reward = check_choice(self, "reward", reward, REWARDS)
        self.batch = check_whole(self, "batch", batch, 1)
        self.passes = check_whole(self, "passes", passes, 1)
        self.clip = check_number(self, "clip", clip, 0.0, 1.0)
        self.attempts = check_whole(self, "attempts", attempts, 1)
        if self.controller == "transformer" and self.hidden % 2:
            raise UserError(
                f"ControllerSearch: option 'hidden' is {hidden}; it must be even for a Transformer."
            )
        self._policy = CONTROLLERS[self.controller](
            self.space.cardinalities, self.hidden, self.layers, self.rng("controller")
        )
        self._optimiser = Adam(list(self._policy.parameters()), self.learning_rate)
        self._baseline: float | None = None
        self._proposed: dict[Arch, list[float]] = {}
        self._old: list[list[float]] = []

    @standard_numerics()
    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        chosen: list[Arch] = []
        seen = self.seen()
        for _ in range(n):
            uniform = rng.random((self.attempts, len(self.space.variables)))
            sequences = self._policy.sample(torch.from_numpy(uniform)).tolist()
            arch = first_new(sequences, self.candidates, rng, seen)
            if arch is None:
                break
            chosen.append(arch)
            seen.add(arch)
        if self.algorithm == "ppo" and chosen:
            self._proposed |= zip(chosen, self._log_probabilities(chosen), strict=True)
        return chosen

    @torch.no_grad()
    def _log_probabilities(self, archs: Sequence[Arch]) -> list[list[float]]:
        chosen, _ = self._policy.log_probabilities(torch.tensor(archs))
        return chosen.tolist()

    @standard_numerics()
    def _observe(self, observation: Observation) -> None:
        if self.algorithm == "ppo":
            arch = observation.arch
            old = self._proposed.pop(arch, None)
            self._old.append(self._log_probabilities([arch])[0] if old is None else old)
        if len(self.history) % self.batch == 0:
            self._update()

    def _update(self) -> None:
        """Learn from the last ``batch`` observations."""
        archs = torch.tensor([observation.arch for observation in self.history[-self.batch :]])
        advantages = torch.from_numpy(self._advantages()).float()
        ppo = self.algorithm == "ppo"
        old = torch.tensor(self._old)
        with torch.enable_grad():
            for _ in range(self.passes if ppo else 1):
                current, entropies = self._policy.log_probabilities(archs)
                loss = (
                    clipped_loss(current, old, advantages, self.clip)
                    if ppo
                    else reinforce_loss(current, advantages)
                )
                self._optimiser.minimise(loss - self.entropy * entropies.sum(dim=1).mean())
        self._old = []

    def _advantages(self) -> np.ndarray:
        """Of the last batch, ``batch``; moves the baseline on."""
        every = scale_free(self.targets(), self.reward)
        rewards = every[-self.batch :]
        baseline = float(rewards.mean()) if self._baseline is None else self._baseline
        self._baseline = baseline
        for reward in rewards.tolist():
            self._baseline += (1.0 - self.baseline_decay) * (reward - self._baseline)
        std = float(every.std())
        return (rewards - baseline) / (std if std > 0.0 else 1.0)

    def _save(self) -> dict[str, Any]:
        return {
            "optimiser": self._optimiser.save(),
            "baseline": self._baseline,
            "proposed": [[list(arch), old] for arch, old in self._proposed.items()],
            "old": self._old,
        }

    @standard_numerics()
    def _load(self, own: Mapping[str, Any]) -> None:
        self._optimiser.load(own["optimiser"])
        self._baseline = None if own["baseline"] is None else float(own["baseline"])
        self._proposed = {tuple(arch): list(old) for arch, old in own["proposed"]}
        self._old = [list(old) for old in own["old"]]


def reinforce_loss(log_probabilities: Tensor, advantages: Tensor) -> Tensor:
    """The loss whose gradient is REINFORCE's estimate, a scalar.

    Args:
        log_probabilities: of each decision, ``B x L``.
        advantages: of each architecture, ``B``.
    """
    return -(advantages * log_probabilities.sum(dim=1)).mean()


def clipped_loss(log_probabilities: Tensor, old: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """PPO's clipped surrogate loss, summed over the decisions of an architecture; a scalar.

    At the old policy its gradient is that of :func:`reinforce_loss`.

    Args:
        log_probabilities: of each decision, ``B x L``.
        old: the same under the policy that made the decisions, ``B x L``.
        advantages: of each architecture, ``B``; each of its decisions gets it.
        clip: how far a ratio may leave 1 before it earns nothing more.
    """
    ratios = (log_probabilities - old).exp()
    bounded = ratios.clamp(1.0 - clip, 1.0 + clip)
    gains = torch.minimum(ratios * advantages[:, None], bounded * advantages[:, None])
    return -gains.sum(dim=1).mean()
