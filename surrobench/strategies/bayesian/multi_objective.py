"""Bayesian optimisation of several objectives at once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from botorch.utils.multi_objective.pareto import is_non_dominated
from torch import Tensor

from surrobench.acquisition.context import AcquisitionContext
from surrobench.arrays import FloatArray
from surrobench.base.options import check_whole
from surrobench.predictors.posterior import SurrogatePosterior
from surrobench.spaces.architecture import Arch
from surrobench.strategies.bayesian.bayesian import BayesianOptimisation, only
from surrobench.strategies.bayesian.surrogate import Quantity, Spec
from surrobench.strategies.problem import Problem
from surrobench.strategies.strategy import Observation

_OPTIMISM = (0.0, 1.0, 2.0)
"""Deviations above the mean at which candidates are short-listed."""
_RANDOM_SHARE = 0.1


class MultiObjectiveBayesian(BayesianOptimisation):
    """Fits one predictor per objective and seeks a set of architectures that no other dominates.

    The objectives are the value and the problem's further ones, all to be maximised. An evaluation
    that failed, or does not tell an objective, counts as the worst seen in it.

    **Short list.** Expected hypervolume takes milliseconds per candidate where an ensemble answers,
    and tens of microseconds where Gaussian processes do. In a pool of more than ``screen``
    candidates the function sees only so many of them: those that are best, at their mean or one or
    two deviations above it, for some of many random weightings of the objectives (augmented
    Chebyshev scalarisation, Knowles 2006), and a tenth drawn at random.

    Args:
        problem: what is searched, with at least one further objective.
        seed: of all random draws.
        design: the architectures to begin with, or how many.
        repeats: whether an architecture may be proposed again.
        predictor: as for :func:`~surrobench.predictors.make_predictor`, one for each objective.
        encoding: as for :class:`~.bayesian.BayesianOptimisation`.
        acquisition: ``"qlog-nehvi"``, ``"qlog-ehvi"``, ``"parego"``, or a mapping with options
            (``{use = "qlog-nehvi", reference = [80.0, -10.0]}``).
        generation: as for :class:`~.bayesian.BayesianOptimisation`.
        refit_every: likewise.
        screen: candidates that the acquisition function sees, at most.

    Raises:
        UserError: for unknown parts, parts that do not go together, or a single objective.
    """

    multi_objective: ClassVar[bool] = True

    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        design: int | Sequence[Arch] = 10,
        repeats: bool = False,
        predictor: Spec = "default",
        encoding: str = "default",
        acquisition: Spec = "qlog-nehvi",
        generation: Spec = "default",
        refit_every: int = 5,
        screen: int = 100,
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
        self.screen = check_whole(self, "screen", screen, 1)

    def _objectives(self, observed: Sequence[Observation]) -> list[Quantity]:
        archs = [o.arch for o in observed]
        columns = self._values(observed).T
        names = ("value", *(f"objective {name}" for name in self.problem.objectives))
        return [Quantity(name, archs, column) for name, column in zip(names, columns, strict=True)]

    def _values(self, observed: Sequence[Observation]) -> FloatArray:
        """Objectives, ``n x k``; what is missing is the worst of its column, or 0."""
        names = self.problem.objectives
        values = np.array([[o.value, *(_told(o, name) for name in names)] for o in observed])
        finite = np.where(np.isfinite(values), values, np.inf).min(axis=0)
        worst = np.where(np.isfinite(finite), finite, 0.0)
        return np.where(np.isfinite(values), values, worst)

    def _ranked(self, observed: Sequence[Observation]) -> list[Observation]:
        """Front by front; within a front what is best in some objective first."""
        left = super()._ranked(observed)
        ranked: list[Observation] = []
        while left:
            # Those that keep the constraints have fronts of their own, before the others.
            feasible = [o for o in left if self._feasible(o)] or left
            values = self._values(feasible)
            front = is_non_dominated(torch.from_numpy(values), deduplicate=False).tolist()
            chosen = [o for o, best in zip(feasible, front, strict=True) if best]
            places = np.argsort(np.argsort(-values[front], axis=0, kind="stable"), axis=0)
            order = np.argsort(places.min(axis=1), kind="stable").tolist()
            ranked += [chosen[i] for i in order]
            left = [o for o in left if o not in chosen]
        return ranked

    def _shortlisted(
        self, context: AcquisitionContext, n: int, rng: np.random.Generator
    ) -> AcquisitionContext:
        rows = context.choices()
        room = max(self.screen, n)
        if len(rows) <= room:
            return context
        promising = _promising(context.posteriors, rows, room - round(_RANDOM_SHARE * room), rng)
        others = rows[~torch.isin(rows, promising)]
        drawn = rng.choice(len(others), room - len(promising), replace=False)
        return only(context, torch.cat([promising, others[torch.from_numpy(drawn)]]))


def _told(observation: Observation, name: str) -> float:
    """An objective of an observation, NaN if there is none or the training failed."""
    return observation.metrics.get(name, math.nan) if observation.ok else math.nan


def _promising(
    posteriors: Sequence[SurrogatePosterior], rows: Tensor, count: int, rng: np.random.Generator
) -> Tensor:
    """``count`` of ``rows`` (more than that), best for random weightings at several optimisms."""
    mean = torch.stack([posterior.mean[rows] for posterior in posteriors])
    std = torch.stack([posterior.variance[rows].sqrt() for posterior in posteriors])
    bounds = [_unit(mean + optimism * std) for optimism in _OPTIMISM]
    chosen: dict[int, None] = {}
    for at_once in itertools.count(4):  # more and more of each, should they be the same ones
        if len(chosen) >= count:
            break
        weights = torch.from_numpy(rng.dirichlet(np.ones(len(posteriors)))).unsqueeze(1)
        for bound in bounds:
            weighted = weights * bound
            scores = weighted.amin(dim=0) + 0.05 * weighted.sum(dim=0)
            chosen |= dict.fromkeys(torch.topk(scores, min(count, at_once)).indices.tolist())
    return rows[list(chosen)[:count]]


def _unit(bound: Tensor) -> Tensor:
    """Each objective (``k x m``) moved to [0, 1]."""
    low, high = bound.amin(dim=1, keepdim=True), bound.amax(dim=1, keepdim=True)
    return (bound - low) / (high - low).clamp_min(1e-12)
