"""Ageing evolution: mutate the winner of a tournament, let the oldest die."""

from __future__ import annotations

from typing import Any

import numpy as np

from surrobench.base.options import check_whole
from surrobench.spaces.architecture import Arch
from surrobench.strategies.problem import Problem
from surrobench.strategies.strategy import Strategy


class RegularisedEvolution(Strategy):
    """Regularised (ageing) evolution (Real, Aggarwal, Huang & Le 2019).

    The population is the architectures told last, whoever asked for them. The best of a random
    sample of it (drawn with replacement) gets a child, which is one random change away.

    The paper has 100 members and samples of 25, for 20,000 evaluations. The defaults are those of
    White, Neiswanger & Savani (2021) for budgets of about 150; like them, and unlike the paper, a
    search with the defaults mutates from the tenth evaluation on while the population is still
    growing. ``initial=population`` fills it with random architectures first. A child that was
    trained before is replaced by another, or by one of the next best of the sample.

    Args:
        population: size of the population.
        sample_size: size of a tournament.
        initial: how many are told before the first mutation; at most ``population``.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        population: int = 30,
        sample_size: int = 10,
        initial: int = 10,
        **common: Any,
    ) -> None:
        super().__init__(problem, **common)
        self.population = check_whole(self, "population", population, 1)
        self.sample_size = check_whole(self, "sample_size", sample_size, 1)
        self.initial = check_whole(self, "initial", initial, 1, self.population)

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        if len(self.history) < self.initial:
            return []  # random members take the places
        members = self.history[-self.population :]
        fitness = self.targets(members)
        taken = self.seen()
        children: list[Arch] = []
        for _ in range(n):
            entrants = rng.integers(len(members), size=self.sample_size)
            ranking = entrants[np.argsort(-fitness[entrants], kind="stable")]
            for i in dict.fromkeys(ranking.tolist()):
                near = self.candidates.neighbours(members[i].arch)
                free = [arch for arch in near if arch not in taken]
                if free:
                    children.append(free[int(rng.integers(len(free)))])
                    taken.add(children[-1])
                    break
        return children
