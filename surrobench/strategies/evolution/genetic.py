"""A genetic algorithm: crossover of two parents, then mutation."""

from __future__ import annotations

from typing import Any

import numpy as np

from surrobench.arrays import FloatArray
from surrobench.base.options import check_choice, check_number, check_whole
from surrobench.spaces.architecture import Arch
from surrobench.strategies.problem import Problem
from surrobench.strategies.strategy import Observation, Strategy


class GeneticAlgorithm(Strategy):
    """A steady-state genetic algorithm with elitism (Goldberg 1989; Whitley 1989).

    Parents are drawn from the best part of the population (truncation, Mühlenbein &
    Schlierkamp-Voosen 1993) or are winners of tournaments. Children come from two of them by
    uniform crossover (Syswerda 1989), and each variable mutates with probability 1/V, which
    changes one on average. A child that is no candidate, or was proposed before, becomes the
    nearest candidate that was not.

    The population is the ``elite`` best so far and the others told last, so that a child can be a
    parent as soon as it is told: whole generations would leave little time to learn in a few
    hundred evaluations.

    Args:
        population: size of the population.
        selection: ``"truncation"`` or ``"tournament"``.
        truncation: share of the population, the best of it, that can be parents; at least two can.
        tournament: members of a tournament, drawn with replacement.
        crossover_rate: share of the children that have two parents.
        mutation_rate: probability of changing each variable; None is 1/V.
        elite: how many of the best so far stay in the population for good.
        initial: how many are told before the first child.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        population: int = 20,
        selection: str = "truncation",
        truncation: float = 0.25,
        tournament: int = 5,
        crossover_rate: float = 0.9,
        mutation_rate: float | None = None,
        elite: int = 10,
        initial: int = 10,
        **common: Any,
    ) -> None:
        super().__init__(problem, **common)
        self.population = check_whole(self, "population", population, 2)
        self.selection = check_choice(self, "selection", selection, ("truncation", "tournament"))
        self.truncation = check_number(self, "truncation", truncation, 0.0, 1.0)
        self.tournament = check_whole(self, "tournament", tournament, 1)
        self.crossover_rate = check_number(self, "crossover_rate", crossover_rate, 0.0, 1.0)
        if mutation_rate is not None:
            check_number(self, "mutation_rate", mutation_rate, 0.0, 1.0)
        self.mutation_rate = mutation_rate
        self.elite = check_whole(self, "elite", elite, 0, self.population)
        self.initial = check_whole(self, "initial", initial, 1)

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        if len(self.history) < self.initial:
            return []  # random members take the places
        members = self._members()
        fitness = self.targets(members)
        taken = self.seen()
        children: list[Arch] = []
        for _ in range(n):
            mother = members[self._parent(fitness, rng)].arch
            father = members[self._parent(fitness, rng)].arch
            child = self.candidates.nearest(self._child(mother, father, rng), rng, taken)
            if child is not None:
                children.append(child)
                taken.add(child)
        return children

    def _members(self) -> list[Observation]:
        """The elite, best first, then the latest others."""
        order = np.argsort(-self.targets(), kind="stable").tolist()
        elite = order[: self.elite]
        kept = set(elite)
        others = [i for i in range(len(self.history)) if i not in kept]
        latest = others[max(0, len(others) - (self.population - self.elite)) :]
        return [self.history[i] for i in elite + latest]

    def _parent(self, fitness: FloatArray, rng: np.random.Generator) -> int:
        """Place of a parent among the members."""
        if self.selection == "tournament":
            entrants = rng.integers(len(fitness), size=self.tournament)
            return int(entrants[np.argmax(fitness[entrants])])
        left = max(2, round(self.truncation * len(fitness)))
        shuffled = rng.permutation(len(fitness))  # so that ties are broken at random
        ranking = shuffled[np.argsort(-fitness[shuffled], kind="stable")]
        return int(ranking[int(rng.integers(min(left, len(fitness))))])

    def _child(self, mother: Arch, father: Arch, rng: np.random.Generator) -> Arch:
        child = np.array(mother)
        if rng.random() < self.crossover_rate:
            child = np.where(rng.random(len(child)) < 0.5, child, father)
        cardinalities = np.array(self.space.cardinalities)
        rate = 1.0 / len(child) if self.mutation_rate is None else self.mutation_rate
        mutates = (rng.random(len(child)) < rate) & (cardinalities > 1)
        # A shift by 1 to C - 1 choices gives every other choice the same chance.
        shift = rng.integers(1, np.maximum(cardinalities, 2))
        return tuple(np.where(mutates, (child + shift) % cardinalities, child).tolist())
