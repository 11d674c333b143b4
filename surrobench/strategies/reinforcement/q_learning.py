"""Q-learning over the decisions of an architecture (MetaQNN)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from surrobench.base.options import check_choice, check_number, check_whole
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.strategies.problem import Problem
from surrobench.strategies.reinforcement.rewards import REWARDS, scale_free
from surrobench.strategies.reinforcement.sequences import first_new
from surrobench.strategies.strategy import Observation, Strategy

State = tuple[int, ...]
"""The position of a decision, then the choices before it that the agent remembers."""

SCHEDULE = ((1.0, 20), *((tenths / 10, 12) for tenths in range(9, 0, -1)))


class QLearning(Strategy):
    """ε-greedy tabular Q-learning with experience replay (MetaQNN; Baker et al., 2017).

    An episode decides one variable after another. The state is the position and the last
    ``memory`` choices (the last one, as in MetaQNN, where a layer follows from the layer before
    it; with ``memory`` as large as the number of variables, the whole prefix). After every
    observation ``replays`` episodes are drawn from all so far, with replacement, and each updates
    its values from the last decision to the first.

    **Rewards** lie in [0, 1]: values go through
    :func:`~surrobench.strategies.reinforcement.rewards.scale_free` within all that was observed so
    far, at each replay anew. Failures count as the worst value. With ``shaping`` each of the L
    decisions earns 1/L of the reward (Zhong et al., 2018). Without, as in MetaQNN, the last
    decision earns all of it; but a state that forgets then hands back one and the same maximum to
    every choice before it, so that with ``memory=1`` only the last two decisions are ever told
    apart.

    **Exploration.** ``schedule`` lists each ε with the number of evaluations for which it holds;
    the last one holds for ever. A search does not know its budget: the default suits about 150
    evaluations (20 at random, 12 each at 0.9, 0.8, ..., 0.1). The paper spends 1,500 of 2,700
    at ε = 1. The initial design counts: it is random too.

    **Sampling.** Up to ``attempts`` episodes are played for each proposal until one ends in a
    candidate not seen before; if none does, the nearest unseen candidate to the first is taken.

    Args:
        problem: as for every strategy; so are ``seed``, ``design`` and ``repeats``.
        learning_rate: the step towards the target.
        discount: of what follows a decision.
        initial: reward that is expected of a decision never made (0.5 in the paper); with
            ``shaping`` its value starts at the share of this that is still to come.
        memory: how many of the choices before belong to the state.
        shaping: whether the reward is spread over the decisions.
        schedule: pairs of ε and a number of evaluations.
        replays: episodes replayed after each observation.
        reward: ``"rank"`` or ``"range"``.
        attempts: episodes played for each proposal.

    Raises:
        UserError: for a wrong option.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        design: int | Sequence[Arch] = 10,
        repeats: bool = False,
        learning_rate: float = 0.01,
        discount: float = 1.0,
        initial: float = 0.5,
        memory: int = 1,
        shaping: bool = True,
        schedule: Sequence[Sequence[float]] = SCHEDULE,
        replays: int = 100,
        reward: str = "rank",
        attempts: int = 16,
    ) -> None:
        super().__init__(problem, seed=seed, design=design, repeats=repeats)
        self.learning_rate = check_number(self, "learning_rate", learning_rate, 0.0, 1.0)
        self.discount = check_number(self, "discount", discount, 0.0, 1.0)
        self.initial = check_number(self, "initial", initial, 0.0, 1.0)
        self.memory = check_whole(self, "memory", memory, 0)
        self.shaping = bool(shaping)
        self.schedule = self._checked_schedule(schedule)
        self.replays = check_whole(self, "replays", replays, 0)
        self.reward = check_choice(self, "reward", reward, REWARDS)
        self.attempts = check_whole(self, "attempts", attempts, 1)
        self._values: dict[State, list[float]] = {}

    def _checked_schedule(self, schedule: object) -> tuple[tuple[float, int], ...]:
        pairs = []
        try:
            for epsilon, evaluations in schedule:  # type: ignore[attr-defined]
                epsilon = check_number(self, "schedule", epsilon, 0.0, 1.0)
                pairs.append((epsilon, check_whole(self, "schedule", evaluations, 1)))
        except (TypeError, ValueError):
            pairs = []
        if not pairs:
            raise UserError(
                f"QLearning: option 'schedule' is {schedule!r}; it must list pairs of ε and a "
                "number of evaluations, for example [[1.0, 20], [0.1, 60]]."
            )
        return tuple(pairs)

    def epsilon(self, evaluation: int) -> float:
        """ε at an evaluation, counted from 1."""
        for epsilon, evaluations in self.schedule:
            evaluation -= evaluations
            if evaluation <= 0:
                return epsilon
        return self.schedule[-1][0]

    def values(self, position: int, choices: Sequence[int]) -> list[float]:
        """Q-values of the choices of the variable at ``position``, after earlier ``choices``."""
        return list(self._values.get(self._state(position, choices), self._unknown(position)))

    def _unknown(self, position: int) -> list[float]:
        """Values where nothing was learned yet."""
        left = 1.0 - position / len(self.space.variables) if self.shaping else 1.0
        return [self.initial * left] * self.space.cardinalities[position]

    def _state(self, position: int, choices: Sequence[int]) -> State:
        return (position, *choices[max(0, position - self.memory) : position])

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        chosen: list[Arch] = []
        seen = self.seen()
        for _ in range(n):
            done = len(self.history) + len(self.pending) + len(chosen)
            episodes = self._episodes(self.epsilon(done + 1), rng)
            arch = first_new(episodes, self.candidates, rng, seen)
            if arch is None:
                break
            chosen.append(arch)
            seen.add(arch)
        return chosen

    def _episodes(self, epsilon: float, rng: np.random.Generator) -> Iterator[list[int]]:
        for _ in range(self.attempts):
            choices: list[int] = []
            for position, count in enumerate(self.space.cardinalities):
                explore, pick = rng.random(2).tolist()
                if explore < epsilon:
                    choices.append(int(pick * count))
                    continue
                values = self.values(position, choices)
                best = max(values)
                ties = [choice for choice, value in enumerate(values) if value == best]
                choices.append(ties[int(pick * len(ties))])
            yield choices

    def _observe(self, observation: Observation) -> None:
        rewards = scale_free(self.targets(), self.reward).tolist()
        rng = self.rng("replay", len(self.history))
        for episode in rng.integers(len(self.history), size=self.replays).tolist():
            self._replay(self.history[episode].arch, rewards[episode])

    def _replay(self, arch: Arch, reward: float) -> None:
        """Move the values of an episode's decisions, the last one first."""
        share = reward / len(arch) if self.shaping else 0.0
        target = share if self.shaping else reward
        for position in reversed(range(len(arch))):
            state = self._state(position, arch)
            values = self._values.get(state)
            if values is None:
                values = self._values[state] = self._unknown(position)
            choice = arch[position]
            values[choice] += self.learning_rate * (target - values[choice])
            target = share + self.discount * max(values)

    def _save(self) -> dict[str, Any]:
        return {"values": [[list(state), values] for state, values in self._values.items()]}

    def _load(self, own: Mapping[str, Any]) -> None:
        self._values = {
            tuple(state): [float(value) for value in values] for state, values in own["values"]
        }
