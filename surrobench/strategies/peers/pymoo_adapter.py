"""NSGA-II as pymoo implements it (Blank and Deb 2020), on architectures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from surrobench.arrays import FloatArray
from surrobench.base.options import check_number, check_whole
from surrobench.spaces.architecture import Arch
from surrobench.strategies.peers.peer import require
from surrobench.strategies.problem import Problem
from surrobench.strategies.strategy import Observation, Strategy

_FEWEST_PARENTS = 2


class Nsga2(Strategy):
    """NSGA-II (Deb et al. 2002) for the value and the problem's further objectives.

    Binary tournaments by domination and crowding, then uniform crossover, then mutation, which
    changes every decision with probability one over their number (at least one of them) to another
    choice; the survivors of parents and offspring are the next parents. Choices have no order here.
    An offspring that is no candidate or was seen is replaced by the nearest candidate that was not.

    The initial design and further uniform samples make up the first generation. All of a generation
    can be asked for at once; the next one begins when all of it is told. Failed trainings count as
    the worst in every objective. An architecture that breaks a constraint loses to any that keeps
    all of them, and to one that breaks them less.

    Args:
        problem: the candidates, with at least one further objective.
        seed: of all random draws.
        design: the architectures to begin with, or how many to draw.
        repeats: whether an architecture may be proposed again.
        population: parents, and offspring of each generation; few, since trainings are few.
        crossover: probability that two parents are crossed at all.

    Raises:
        UserError: for a wrong option, without a further objective, or if pymoo is missing.
    """

    multi_objective: ClassVar[bool] = True
    constrained: ClassVar[bool] = True

    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        design: int | Sequence[Arch] = 10,
        repeats: bool = False,
        population: int = 10,
        crossover: float = 0.9,
    ) -> None:
        require("pymoo", "pymoo", "pymoo")
        super().__init__(problem, seed=seed, design=design, repeats=repeats)
        self.population = check_whole(self, "population", population, _FEWEST_PARENTS)
        self.crossover = check_number(self, "crossover", crossover, 0.0, 1.0)
        self._parents: list[int] = []
        self._told_before = 0
        self._members: list[Arch] = list(self._design)
        self._waiting: list[Arch] = []

    def waits(self) -> bool:
        """Whether a generation is given out but not all of it is told."""
        return not self._waiting and any(arch in self.pending for arch in self._members)

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        missing = self.population - len(self._members) if not self._parents else 0
        if missing > 0 and not self._waiting:
            self._give_out(self.candidates.sample(missing, rng, self.seen()))
        if not self._waiting and not any(arch in self.pending for arch in self._members):
            self._breed(rng)
        seen = self.seen()
        self._waiting = [arch for arch in self._waiting if arch not in seen]
        chosen, self._waiting = self._waiting[:n], self._waiting[n:]
        return chosen

    def _give_out(self, archs: Sequence[Arch]) -> None:
        self._members += archs
        self._waiting += archs

    def _breed(self, rng: np.random.Generator) -> None:
        """Let the fittest survive and make the next generation of them."""
        algorithm = self._algorithm(int(rng.integers(2**31)))
        told = list(range(self._told_before, len(self.history)))
        if len(self._parents) + len(told) < _FEWEST_PARENTS:
            return
        # Told twice, pymoo merges both groups and keeps the fittest, as in any of its generations.
        for group in (self._parents, told):
            if group:
                algorithm.tell(infills=self._individuals(group))
        self._parents = [int(row) for row in algorithm.pop.get("row")]
        self._told_before = len(self.history)
        self._members = []
        offspring = algorithm.ask()
        made = [] if offspring is None else offspring.get("X").tolist()
        taken = self.seen()
        for choices in made:
            arch = self.candidates.nearest(choices, rng, taken)
            if arch is not None:
                taken.add(arch)
                self._give_out([arch])

    # -- in pymoo's terms ----------------------------------------------------------------------

    def _algorithm(self, seed: int) -> Any:
        from pymoo.algorithms.moo.nsga2 import NSGA2
        from pymoo.core.problem import Problem as PymooProblem
        from pymoo.core.termination import NoTermination
        from pymoo.operators.crossover.ux import UniformCrossover

        limits = np.array(self.space.cardinalities) - 1
        problem = PymooProblem(
            n_var=len(limits),
            n_obj=1 + len(self.problem.objectives),
            n_ieq_constr=len(self.problem.constraints),
            xl=0,
            xu=limits,
            vtype=int,
        )
        algorithm = NSGA2(
            pop_size=self.population,
            crossover=UniformCrossover(prob=self.crossover),
            mutation=_another_choice(limits + 1),
            seed=seed,
        )
        return algorithm.setup(problem, termination=NoTermination())

    def _individuals(self, rows: Sequence[int]) -> Any:
        """Observations as a population of pymoo, which minimises."""
        from pymoo.core.population import Population

        observed = [self.history[row] for row in rows]
        objectives = np.array([self._objectives(observation) for observation in observed])
        worst = self._worst()
        arrays: dict[str, Any] = {
            "X": np.array([observation.arch for observation in observed]),
            "F": np.where(np.isfinite(objectives), objectives, worst),
            "G": np.array([self._violations(observation) for observation in observed]),
            "row": np.array(rows),
        }
        population = Population.new(**arrays)
        for individual in population:
            individual.evaluated.update(("F", "G", "H"))
        return population

    def _objectives(self, observation: Observation) -> list[float]:
        """What is minimised; NaN if the training failed."""
        metrics = observation.metrics if observation.ok else {}
        further = [metrics.get(name, math.nan) for name in self.problem.objectives]
        return [-number for number in (observation.value, *further)]

    def _worst(self) -> FloatArray:
        """The worst known number of each objective, 0 where there is none."""
        everything = np.array([self._objectives(observation) for observation in self.history])
        known = np.where(np.isfinite(everything), everything, -np.inf).max(axis=0)
        worst: FloatArray = np.where(np.isfinite(known), known, 0.0)
        return worst

    def _violations(self, observation: Observation) -> list[float]:
        """By how much each constraint is broken; not positive where it holds."""
        row = self.candidates.index.get(observation.arch) if self.candidates.listed else None
        margins = self.problem.margins(observation.metrics, row)
        return [math.inf if math.isnan(margin) else -margin for margin in margins]

    # -- state -------------------------------------------------------------------------------

    def _save(self) -> dict[str, Any]:
        return {
            "parents": list(self._parents),
            "told_before": self._told_before,
            "members": [list(arch) for arch in self._members],
            "waiting": [list(arch) for arch in self._waiting],
        }

    def _load(self, own: Mapping[str, Any]) -> None:
        self._parents = [int(row) for row in own["parents"]]
        self._told_before = int(own["told_before"])
        self._members = [tuple(arch) for arch in own["members"]]
        self._waiting = [tuple(arch) for arch in own["waiting"]]


def _another_choice(cardinalities: npt.NDArray[np.int64]) -> Any:
    """Mutation of categorical choices as an operator of pymoo."""
    from pymoo.core.mutation import Mutation

    class AnotherChoice(Mutation):
        """Change each decision with probability ``1 / d``, at least one, to another choice."""

        def _do(self, problem: Any, X: Any, *args: Any, random_state: Any, **kwargs: Any) -> Any:
            free = np.flatnonzero(cardinalities > 1)
            moved = np.zeros(X.shape, dtype=bool)
            moved[:, free] = random_state.random((len(X), len(free))) < 1.0 / len(free)
            still = ~moved.any(axis=1)
            moved[still, random_state.choice(free, size=int(still.sum()))] = True
            shift = 1 + random_state.integers(np.maximum(cardinalities - 1, 1), size=X.shape)
            return np.where(moved, (X + shift) % cardinalities, X)

    return AnotherChoice()
