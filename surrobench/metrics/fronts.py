"""Volumes that fronts dominate, and how much of a known front a search has attained.

Only useful networks count: those at or above a floor in each objective that has one (the card of a
task says from which value on a network is of use, else the median of the candidates is taken for
the task's own objective). A reference point far below would give nearly everything to a single
network, whatever the rest of the front looks like.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from botorch.utils.multi_objective.hypervolume import Hypervolume, infer_reference_point
from botorch.utils.multi_objective.pareto import is_non_dominated
from torch import Tensor

from surrobench.arrays import BoolArray, FloatArray


def hypervolume(points: Tensor, reference: Tensor) -> float:
    """Volume between a reference point and the points that are better in every objective.

    Args:
        points: ``n x k``, larger is better; dominated ones make no difference.
        reference: ``k``.
    """
    better = points[(points > reference).all(dim=1)]
    if not len(better):
        return 0.0
    front = better[is_non_dominated(better)]
    return float(Hypervolume(ref_point=reference).compute(front))


def reference_point(values: Tensor) -> Tensor:
    """A tenth of the front's range below its worst values (Ishibuchi et al. 2011).

    A front of one point has no range; that of all values is taken.

    Args:
        values: observed objectives, ``n x k``, larger is better.
    """
    front = values[is_non_dominated(values)]
    return infer_reference_point(front if len(torch.unique(front, dim=0)) > 1 else values)


def rounded(objectives: FloatArray, resolution: FloatArray | None) -> FloatArray:
    """Objectives (``n x k``) in whole steps of what their sources resolve (``k``; 0: exact)."""
    if resolution is None:
        return objectives
    steps = np.where(resolution > 0, resolution, 1.0)
    whole = np.round(objectives / steps) * steps
    return np.asarray(np.where(resolution > 0, whole, objectives))


def on_front(objectives: FloatArray, kept: BoolArray) -> BoolArray:
    """Which candidates (``n x k``, larger is better) no other allowed one dominates."""
    rows = np.flatnonzero(kept & np.isfinite(objectives).all(axis=1))
    member = np.zeros(len(objectives), dtype=bool)
    if len(rows):
        best = is_non_dominated(torch.from_numpy(objectives[rows])).numpy()
        member[rows[best]] = True
    return member


def useful(objectives: FloatArray, floors: FloatArray | None) -> BoolArray:
    """Which points (``n x k``) reach every floor (``k``; NaN: none)."""
    if floors is None:
        return np.ones(len(objectives), dtype=bool)
    return np.asarray((np.isnan(floors) | (objectives >= floors)).all(axis=1))


@dataclass(frozen=True)
class HypervolumeMeter:
    """Dominated hypervolume as a share of what the true front dominates, and the share found of it.

    The front is that of the useful candidates, in whole steps of the sources' resolution, so that
    none is on it by rounding errors. The reference point is the floor in each objective that has
    one, elsewhere the worst value of the front moved outwards by a tenth of its range, so that the
    ends of the front count.

    Attributes:
        reference: reference point, ``k``.
        scale: range of the front, ``k``; objectives are divided by it.
        whole: hypervolume of the true front in these units.
        front: the different points of the front, ``m x k``.
        floors: from where on a network is useful, ``k``; NaN where everything is.
        resolution: steps of the objectives, ``k``.
    """

    reference: FloatArray
    scale: FloatArray
    whole: float
    front: FloatArray
    floors: FloatArray | None = None
    resolution: FloatArray | None = None

    @classmethod
    def of(
        cls,
        objectives: FloatArray,
        kept: BoolArray,
        floors: FloatArray | None = None,
        resolution: FloatArray | None = None,
    ) -> HypervolumeMeter:
        """From all candidates' objectives (``n x k``, larger is better) and which are allowed.

        A floor that no allowed candidate reaches is none.
        """
        points = rounded(objectives, resolution)
        if floors is not None and not (kept & useful(points, floors)).any():
            floors = None
        front = np.unique(points[on_front(points, kept & useful(points, floors))], axis=0)
        width = np.ptp(front, axis=0)
        scale = np.where(width > 0, width, 1.0)
        reference = front.min(axis=0) - 0.1 * scale
        if floors is not None:
            reference = np.where(np.isnan(floors), reference, floors)
            span = front.max(axis=0) - reference
            scale = np.where(np.isnan(floors) | (span <= 0), scale, span)
            # A front that lies on a floor entirely would have no volume.
            reference = np.where(span > 0, reference, reference - 0.1 * scale)
        meter = cls(reference, scale, 1.0, front, floors, resolution)
        return cls(reference, scale, meter.measure(front), front, floors, resolution)

    def measure(self, points: FloatArray) -> float:
        """Share of the true front's hypervolume that points (``m x k``) dominate."""
        finite = points[np.isfinite(points).all(axis=1)]
        if not len(finite):
            return 0.0
        scaled = torch.from_numpy((finite - self.reference) / self.scale)
        return hypervolume(scaled, torch.zeros_like(scaled[0])) / self.whole

    def trace(self, points: FloatArray) -> list[float]:
        """Share of the hypervolume after each of the points in turn."""
        shares: list[float] = []
        front = np.empty((0, points.shape[1]))
        for point in rounded(points, self.resolution):
            dominated = bool(np.all(front >= point, axis=1).any()) if len(front) else False
            if shares and (dominated or not np.isfinite(point).all()):
                shares.append(shares[-1])
                continue
            if np.isfinite(point).all():
                front = np.vstack([front, point])
                front = front[is_non_dominated(torch.from_numpy(front)).numpy()]
            shares.append(self.measure(front))
        return shares

    def found(self, points: FloatArray) -> list[float]:
        """Share of the front's different points that are among the first of ``points``, in turn.

        Two points are one if the sources cannot tell them apart.
        """
        numbers = {_steps(point): n for n, point in enumerate(self._in_steps(self.front))}
        seen: set[int] = set()
        shares = []
        for point in self._in_steps(rounded(points, self.resolution)):
            number = numbers.get(_steps(point))
            if number is not None:
                seen.add(number)
            shares.append(len(seen) / len(self.front))
        return shares

    def _in_steps(self, points: FloatArray) -> FloatArray:
        """Whole numbers of steps where there is a resolution, which compare exactly."""
        if self.resolution is None:
            return points
        steps = np.where(self.resolution > 0, self.resolution, 1.0)
        return np.asarray(np.where(self.resolution > 0, np.round(points / steps), points))


def _steps(point: FloatArray) -> tuple[float, ...]:
    return tuple(point.tolist())
