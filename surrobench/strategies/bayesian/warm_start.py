"""Bayesian optimisation that begins with what was best on other tasks."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

import numpy as np

from surrobench.spaces.architecture import Arch
from surrobench.strategies.bayesian.bayesian import BayesianOptimisation
from surrobench.strategies.bayesian.surrogate import Spec
from surrobench.strategies.problem import KnownTask, Problem


class WarmStartedBayesian(BayesianOptimisation):
    """Bayesian optimisation whose initial design is the best of the problem's sources.

    The sources take turns: the best architecture of each, then the second best of each, until the
    design is as long as it would be otherwise; what is left comes from that one. After Feurer,
    Springenberg and Hutter, "Initializing Bayesian Hyperparameter Optimization via Meta-Learning"
    (AAAI 2015), who begin with the best of the data sets that are most alike; here all that are
    named count alike. Without sources it is ``"bayesian"``.

    Args:
        problem: what is searched.
        seed: of all random draws.
        design: the architectures to begin with, or how many.
        repeats: whether an architecture may be proposed again.
        predictor: as in :class:`~.bayesian.BayesianOptimisation`; by default one that learns of the
            sources, too.
        encoding: as there.
        acquisition: as there.
        generation: as there.
        refit_every: as there.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        design: int | Sequence[Arch] = 10,
        repeats: bool = False,
        predictor: Spec = "rgpe",
        encoding: str = "default",
        acquisition: Spec = "log-ei",
        generation: Spec = "default",
        refit_every: int = 5,
    ) -> None:
        super().__init__(
            problem,
            seed=seed,
            design=design,
            repeats=repeats,
            predictor=predictor,
            encoding=encoding,
            acquisition=acquisition,
            generation=generation,
            refit_every=refit_every,
        )

    @property
    def transfers(self) -> bool:
        """It looks at the sources, whatever the predictor does."""
        return True

    def _checked_design(self, design: int | Sequence[Arch]) -> list[Arch]:
        otherwise = super()._checked_design(design)
        taken: Container[Any] = self._forbidden
        best = best_in_turns(self.problem.sources, len(otherwise), taken)
        return [*best, *(arch for arch in otherwise if arch not in best)][: len(otherwise)]


def best_in_turns(sources: Sequence[KnownTask], n: int, taken: Container[Any]) -> list[Arch]:
    """Up to ``n`` different architectures, the best of each source in turn.

    Args:
        sources: the other tasks.
        n: how many.
        taken: architectures that are passed over.
    """
    orders = [
        [source.archs[row] for row in np.argsort(-source.values, kind="stable").tolist()]
        for source in sources
    ]
    found: dict[Arch, None] = {}
    for place in range(max(map(len, orders), default=0)):
        for order in orders:
            if len(found) == n:
                return list(found)
            if place < len(order) and order[place] not in taken:
                found[tuple(order[place])] = None
    return list(found)
