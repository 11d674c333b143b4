"""Evolution whose offspring a predictor screens before any of them is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from surrobench.base.options import check_choice, check_whole
from surrobench.spaces.architecture import Arch
from surrobench.strategies.bayesian.generation import GenerationContext, Mutation
from surrobench.strategies.bayesian.screening import FEWEST, RANKINGS, Ranking, Screen
from surrobench.strategies.problem import Problem
from surrobench.strategies.strategy import Observation, Strategy


class Npenas(Strategy):
    """Predictor-guided evolution: NPENAS (Wei et al. 2022).

    The best ``parents`` architectures so far are mutated into ``offspring`` new ones, a predictor
    fitted to everything observed ranks these, and the best ``generation`` of them are trained
    before the next fit. A mutation is one to ``changes`` steps to a random neighbour. Where
    there are too few mutations that were not seen, uniform samples join them.

    As in the paper, 10 parents make 100 candidates by default. The paper trains 10 of them between
    two fits of a graph network; here a Gaussian process learns from every result, which costs more
    fits and finds more.

    Args:
        problem: the candidates.
        seed: of all random draws.
        design: the architectures to begin with, or how many to draw.
        repeats: whether an architecture may be proposed again.
        predictor: a registered predictor or a mapping with options.
        encoding: what the predictor sees; ``"default"`` follows the kinds of the decisions.
        ranking: ``"thompson"`` screens by a draw from each candidate's predictive distribution,
            ``"mean"`` by the predicted mean (the paper's NPENAS-NP).
        parents: how many of the best are mutated.
        offspring: candidates made in each generation.
        changes: the most steps of a mutation.
        generation: how many are proposed between two fits.

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
        predictor: str | Mapping[str, Any] = "gp-rbf",
        encoding: str = "default",
        ranking: Ranking = "thompson",
        parents: int = 10,
        offspring: int = 100,
        changes: int = 2,
        generation: int = 1,
    ) -> None:
        super().__init__(problem, seed=seed, design=design, repeats=repeats)
        check_choice(self, "ranking", ranking, RANKINGS)
        self.predictor, self.encoding, self.ranking = predictor, encoding, ranking
        self.parents = check_whole(self, "parents", parents, 1)
        self.offspring = check_whole(self, "offspring", offspring, 1)
        self.changes = check_whole(self, "changes", changes, 1)
        self.generation = check_whole(self, "generation", generation, 1)
        self._screen = Screen(problem.candidates, predictor, encoding, ranking)
        self._mutation = Mutation(self.offspring, self.parents, self.changes, random=0.0)
        self._near: dict[Arch, list[Arch]] = {}
        self._waiting: list[Arch] = []

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        seen = self.seen()
        waiting = [arch for arch in self._waiting if arch not in seen]
        if not waiting and len(self.history) >= FEWEST:
            waiting = self._screened(max(n, self.generation), rng)
        self._waiting = waiting[n:]
        return waiting[:n]

    def _screened(self, count: int, rng: np.random.Generator) -> list[Arch]:
        """The most promising ``count`` of a new generation."""
        values = self.targets()
        observed = [observation.arch for observation in self.history]
        ranked = [observed[row] for row in np.argsort(-values, kind="stable").tolist()]
        ranked = list(dict.fromkeys(ranked))
        generation_context = GenerationContext(
            self.candidates, ranked, self.seen(), _unscored, self._near
        )
        return self._screen.best(
            count, self._mutation(generation_context, rng), observed, values, rng
        )

    def _observe(self, observation: Observation) -> None:
        # What another party trained meanwhile need not be trained again.
        if observation.arch in self._waiting:
            self._waiting.remove(observation.arch)

    def _save(self) -> dict[str, Any]:
        return {"waiting": [list(arch) for arch in self._waiting]}

    def _load(self, own: Mapping[str, Any]) -> None:
        self._waiting = [tuple(arch) for arch in own["waiting"]]


def _unscored(archs: Sequence[Arch]) -> np.ndarray:
    """Mutation makes candidates without asking what they are worth."""
    return np.zeros(len(archs))
