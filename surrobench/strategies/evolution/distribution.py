"""Estimation of distribution: sample from what the best have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from surrobench.arrays import FloatArray
from surrobench.base.options import check_number, check_whole
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.strategies.problem import Problem
from surrobench.strategies.strategy import Observation, Strategy

_DRAWS = 20
"""How often a sample that was proposed before is drawn again before its nearest will do."""


class EstimationOfDistribution(Strategy):
    """Independent categorical distributions, one for each decision, fitted to the best.

    After every generation the distributions move to the shares that each choice has among the
    best: at once with a learning rate of 1, which is the univariate marginal distribution
    algorithm (UMDA; Mühlenbein & Paaß 1996), or step by step, which is population-based
    incremental learning (PBIL; Baluja 1994, over categories instead of bits).

    Deviations, for budgets of a few hundred evaluations: the best are those of all that was told,
    not of the last generation alone (``elitist=False`` restores that), and choices that none of
    them has keep a small share (``smoothing``). A sample that is no candidate, or only repeats
    what was proposed before, becomes the nearest candidate that does not.

    Args:
        generation: evaluations between two updates; as many are told before the first sample.
        selected: how many of the best the distributions are fitted to.
        elitist: whether they are the best of all so far, or of the generation.
        learning_rate: how far the distributions move towards the new shares, above 0 and up to 1.
        smoothing: observations of a uniform choice that are added to each decision's counts.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        generation: int = 10,
        selected: int = 5,
        elitist: bool = True,
        learning_rate: float = 1.0,
        smoothing: float = 1.0,
        **common: Any,
    ) -> None:
        super().__init__(problem, **common)
        self.generation = check_whole(self, "generation", generation, 1)
        self.selected = check_whole(self, "selected", selected, 1)
        self.elitist = bool(elitist)
        if not elitist and selected >= generation:
            raise UserError(
                f"EstimationOfDistribution: option 'selected' is {selected}; of a generation of "
                f"{generation} it must select fewer, or it learns nothing."
            )
        self.learning_rate = check_number(self, "learning_rate", learning_rate, 0.0, 1.0)
        self.smoothing = check_number(self, "smoothing", smoothing, 0.0)
        self._shares = self._uniform()

    def _uniform(self) -> list[FloatArray]:
        return [np.full(c, 1.0 / c) for c in self.space.cardinalities]

    def _observe(self, observation: Observation) -> None:
        if len(self.history) % self.generation == 0:
            self._update(len(self.history))

    def _load(self, own: Mapping[str, Any]) -> None:
        self._shares = self._uniform()
        for end in range(self.generation, len(self.history) + 1, self.generation):
            self._update(end)

    def _update(self, end: int) -> None:
        """Learn from the history up to ``end``."""
        told = self.history[0 if self.elitist else end - self.generation : end]
        best = np.argsort(-self.targets(told), kind="stable")[: self.selected]
        archs = np.array([told[i].arch for i in best])
        for variable, shares in enumerate(self._shares):
            counted = np.bincount(archs[:, variable], minlength=len(shares))
            counts = counted + self.smoothing / len(shares)
            shares += self.learning_rate * (counts / counts.sum() - shares)

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        if len(self.history) < self.generation:
            return []  # random members take the places
        taken = self.seen()
        samples: list[Arch] = []
        for _ in range(n):
            arch = self.candidates.nearest(self._sample(taken, rng), rng, taken)
            if arch is not None:
                samples.append(arch)
                taken.add(arch)
        return samples

    def _sample(self, taken: set[Arch], rng: np.random.Generator) -> Arch:
        """A draw that is new, or the last of many if none is."""
        bounds = [np.cumsum(shares)[:-1] for shares in self._shares]
        arch: Arch = ()
        for uniform in rng.random((_DRAWS, len(bounds))):
            arch = tuple(
                int(np.searchsorted(b, u, side="right"))
                for b, u in zip(bounds, uniform, strict=True)
            )
            if arch not in taken:
                break
        return arch
