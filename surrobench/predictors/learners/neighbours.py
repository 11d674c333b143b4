"""Nearest neighbours with ties shared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.distance import cdist
from torch import Tensor

from surrobench.arrays import FloatArray
from surrobench.errors import UserError, did_you_mean
from surrobench.predictors.learners.scaling import UnitRange, squared_distances
from surrobench.predictors.models import MomentsModel
from surrobench.predictors.recipe import TransformedPredictor, option, smallest_variance

CHUNK = 2048
NEAREST = 0.1
METRICS = ("euclidean", "manhattan")
TIE = 1e-9
"""Squared distances that differ by less (relatively) are the same distance."""


@dataclass(frozen=True, kw_only=True)
class NearestNeighbours(TransformedPredictor):
    """Mean of the nearest training examples; examples at the same distance are treated alike.

    The ``neighbours`` votes go to the nearest examples; those that tie for the last places share
    them equally, so that the order of the examples never matters. Leave-one-out errors set the
    level of the variance, to which the spread among the neighbours adds shape.

    The defaults were chosen on TransNAS-Bench-101 and HAT (``benchmarks/tuning.py``,
    ``results/tuning``); scikit-learn's are ``neighbours=5, distance_power=0.0,
    metric="euclidean"``.

    Args:
        neighbours: number of votes.
        distance_power: votes count by this power of the inverse distance; 0 lets all count alike.
        metric: ``"euclidean"`` or ``"manhattan"``.
    """

    neighbours: int = option(20, least=1, most=1_000_000)
    distance_power: float = option(1.0, least=0.0, most=100.0)
    metric: str = "manhattan"

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        super().__post_init__()
        if self.metric not in METRICS:
            raise UserError(
                f"{type(self).__name__}: unknown metric {self.metric!r}. "
                + did_you_mean(str(self.metric), METRICS)
            )

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> MomentsModel:
        """Remember the examples and measure the leave-one-out errors; ``seed`` is not used."""
        scale = self.scaling(X)
        points = scale(X)
        error = self._left_out_excess(points, y)

        def moments(Z: Tensor) -> tuple[Tensor, Tensor]:
            inputs = scale(Z.detach().numpy())
            parts = [
                self._vote(self._distances(inputs[i : i + CHUNK], points), y)
                for i in range(0, len(inputs), CHUNK)
            ]
            mean, spread = (np.concatenate(part) for part in zip(*parts, strict=True))
            return torch.from_numpy(mean), torch.from_numpy(np.sqrt(spread + error))

        return MomentsModel(moments, floor=smallest_variance(y))

    def scaling(self, X: FloatArray) -> UnitRange:
        """How columns are scaled before distances are taken: by their range over the examples."""
        return UnitRange.of(X)

    def _left_out_excess(self, points: FloatArray, y: FloatArray) -> float:
        """What the squared leave-one-out error exceeds the neighbours' spread by."""
        if len(y) < 3:
            return float(np.var(y))
        distances = self._distances(points, points)
        np.fill_diagonal(distances, np.inf)
        mean, spread = self._vote(distances, y)
        return max(float(np.mean(np.square(mean - y) - spread)), 0.0)

    def _distances(self, A: FloatArray, B: FloatArray) -> FloatArray:
        """Squared distances between the rows of ``A`` and of ``B``."""
        if self.metric == "euclidean":
            return squared_distances(A, B)
        distances: FloatArray = np.square(cdist(A, B, "cityblock"))
        return distances

    def _vote(self, distances: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of the neighbours' targets; ``distances`` is ``m x n``, squared."""
        k = min(self.neighbours, int(np.isfinite(distances[0]).sum()))
        last = np.partition(distances, k - 1, axis=1)[:, k - 1 : k]
        inside = distances < last * (1 - TIE) - TIE
        tied = (distances <= last * (1 + TIE) + TIE) & ~inside
        share = (k - inside.sum(axis=1)) / tied.sum(axis=1)
        weights = (inside + tied * share[:, None]) / k
        if self.distance_power > 0:
            # An example that coincides with the input counts as if it were this far away.
            near = np.sqrt(np.where(np.isfinite(distances), distances, 0.0)) + NEAREST
            weights = weights * near**-self.distance_power
            weights /= weights.sum(axis=1, keepdims=True)
        mean = weights @ y
        return mean, np.maximum(weights @ np.square(y) - np.square(mean), 0.0)
