"""Inputs on one scale, for methods that measure distances."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from surrobench.arrays import FloatArray


@dataclass(frozen=True)
class UnitRange:
    """Moves every feature's training range to [0, 1]; a constant feature is only shifted.

    One-hot and rank columns stay as they are, which keeps rare choices from being blown up as
    division by the standard deviation would.
    """

    low: FloatArray
    width: FloatArray

    @classmethod
    def of(cls, X: FloatArray) -> UnitRange:
        """Learn the ranges of ``X`` (``n x d``)."""
        low = X.min(axis=0)
        width = X.max(axis=0) - low
        return cls(low, np.where(width > 0, width, 1.0))

    @cached_property
    def _moves_nothing(self) -> bool:
        return not self.low.any() and bool((self.width == 1.0).all())

    def __call__(self, X: FloatArray) -> FloatArray:
        """Scale ``X`` (``m x d``); ``X`` itself where nothing has to move."""
        if self._moves_nothing:
            return X
        scaled: FloatArray = (X - self.low) / self.width
        return scaled


def squared_distances(A: FloatArray, B: FloatArray) -> FloatArray:
    """Squared Euclidean distances between the rows of ``A`` and of ``B``, through one product."""
    lengths = np.square(A).sum(axis=1)[:, None] + np.square(B).sum(axis=1)[None, :]
    distances: FloatArray = np.maximum(lengths - 2.0 * (A @ B.T), 0.0)
    return distances
