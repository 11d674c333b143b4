"""How much of a known front a search has attained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from botorch.utils.multi_objective.pareto import is_non_dominated

from surrobench.acquisition.fronts import hypervolume

FloatArray = npt.NDArray[np.float64]


def on_front(objectives: FloatArray, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which candidates (``n x k``, larger is better) no other allowed one dominates."""
    rows = np.flatnonzero(kept & np.isfinite(objectives).all(axis=1))
    best = is_non_dominated(torch.from_numpy(objectives[rows])).numpy()
    member = np.zeros(len(objectives), dtype=bool)
    member[rows[best]] = True
    return member


@dataclass(frozen=True)
class HypervolumeMeter:
    """Dominated hypervolume as a share of what the true front dominates.

    The reference point is the nadir of the true front (its worst value in each objective), moved
    outwards by a tenth of the front's range, so that the ends of the front count.

    Attributes:
        reference: reference point, ``k``.
        scale: range of the front, ``k``; objectives are divided by it.
        whole: hypervolume of the true front in these units.
    """

    reference: FloatArray
    scale: FloatArray
    whole: float

    @classmethod
    def of(cls, objectives: FloatArray, kept: npt.NDArray[np.bool_]) -> HypervolumeMeter:
        """From all candidates' objectives (``n x k``, larger is better) and which are allowed."""
        front = objectives[on_front(objectives, kept)]
        width = np.ptp(front, axis=0)
        scale = np.where(width > 0, width, 1.0)
        reference = front.min(axis=0) - 0.1 * scale
        meter = cls(reference, scale, 1.0)
        return cls(reference, scale, meter.measure(front))

    def measure(self, points: FloatArray) -> float:
        """Share of the true front's hypervolume that points (``m x k``) dominate."""
        finite = points[np.isfinite(points).all(axis=1)]
        if not len(finite):
            return 0.0
        scaled = torch.from_numpy((finite - self.reference) / self.scale)
        return hypervolume(scaled, torch.zeros_like(scaled[0])) / self.whole

    def trace(self, points: FloatArray) -> list[float]:
        """Share after each of the points in turn."""
        shares: list[float] = []
        front = np.empty((0, points.shape[1]))
        for point in points:
            dominated = bool(np.all(front >= point, axis=1).any()) if len(front) else False
            if shares and (dominated or not np.isfinite(point).all()):
                shares.append(shares[-1])
                continue
            if np.isfinite(point).all():
                front = np.vstack([front, point])
                front = front[is_non_dominated(torch.from_numpy(front)).numpy()]
            shares.append(self.measure(front))
        return shares
