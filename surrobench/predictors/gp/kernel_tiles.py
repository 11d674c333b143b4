"""Stationary kernels a tile at a time, in memory that is used again for every tile.

Between thousands of points, a kernel that is evaluated matrix by matrix waits for memory, and for
the system to hand it out. A tile stays near the processor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from surrobench.arrays import FloatArray
from surrobench.predictors.gp.correlations import COINCIDENT, Kernel

TILE_NUMBERS = 2**15
"""Numbers in a tile: a quarter of a megabyte, and a few of its size beside it."""

_LEAST_ROWS = 8

Profile = Callable[[FloatArray, FloatArray, FloatArray, FloatArray], None]
"""As :data:`~.correlations.Profile`, from squared distances (first) into correlations (second) and
weights (third), with room to work in (fourth); all of one shape. Squared distances are lost."""


def _rbf(squared: FloatArray, k: FloatArray, weight: FloatArray, room: FloatArray) -> None:
    np.multiply(squared, -0.5, out=room)
    np.exp(room, out=k)
    weight[...] = k


def _matern12(squared: FloatArray, k: FloatArray, weight: FloatArray, room: FloatArray) -> None:
    np.sqrt(squared, out=room)
    np.negative(room, out=k)
    np.exp(k, out=k)
    # The distance of coincident points does not depend on the lengthscale.
    weight[...] = 0.0
    np.divide(k, room, out=weight, where=squared > 0.0)


def _matern32(squared: FloatArray, k: FloatArray, weight: FloatArray, room: FloatArray) -> None:
    squared *= 3.0
    np.sqrt(squared, out=k)
    np.negative(k, out=room)
    np.exp(room, out=room)
    k += 1.0
    k *= room
    np.multiply(room, 3.0, out=weight)


def _matern52(squared: FloatArray, k: FloatArray, weight: FloatArray, room: FloatArray) -> None:
    squared *= 5.0
    np.sqrt(squared, out=weight)
    np.negative(weight, out=room)
    np.exp(room, out=room)
    weight += 1.0
    np.multiply(squared, 1.0 / 3.0, out=k)
    k += weight
    k *= room
    room *= 5.0 / 3.0
    weight *= room


_PROFILES: dict[Kernel, Profile] = {
    "rbf": _rbf,
    "matern-1/2": _matern12,
    "matern-3/2": _matern32,
    "matern-5/2": _matern52,
}


class KernelTiles:
    """A stationary kernel of scaled distances between ``n`` points and others.

    Args:
        X: the points, ``n x d``.
        kernel: name of the profile.
        lengthscales: of all columns (``1``) or each (``d``).
    """

    def __init__(self, X: FloatArray, kernel: Kernel, lengthscales: FloatArray) -> None:
        self._profile, self._shift = _PROFILES[kernel], X.mean(axis=0)
        self._lengthscales = lengthscales
        self.points = self.scaled(X)
        self._right = _right(self.points)
        size = max(TILE_NUMBERS, _LEAST_ROWS * len(X))
        self._rooms = [np.empty(size) for _ in range(4)]

    def scaled(self, X: FloatArray) -> FloatArray:
        """Points ``k x d`` in units of the lengthscales."""
        return np.ascontiguousarray((X - self._shift) / self._lengthscales)

    def fill(self, Q: FloatArray, out: FloatArray, weight: FloatArray | None = None) -> None:
        """Correlations of scaled points ``Q`` (``k x d``) with all, into ``out`` (``k x n``).

        Their weights go into ``weight``, if that is given.
        """
        n, left = len(self.points), _left(Q)
        step = max(_LEAST_ROWS, TILE_NUMBERS // n)
        for low in range(0, len(Q), step):
            rows = slice(low, low + step)
            found = self._evaluate(left[rows], n, out[rows])
            if weight is not None:
                weight[rows] = found[1]

    def below(self) -> Iterator[tuple[slice, slice, FloatArray, FloatArray, FloatArray]]:
        """Tiles that cover the lower triangle of all pairs.

        Rows, columns, correlations, weights and room of that shape; the next tile overwrites them.
        Columns end with the last of the rows, so the last square of a tile has pairs above the
        diagonal too.
        """
        first, left = 0, _left(self.points)
        while first < len(self.points):
            # So many rows that rows * (first + rows) is a tile.
            most = (math.isqrt(first * first + 4 * TILE_NUMBERS) - first) // 2
            stop = min(first + max(_LEAST_ROWS, most), len(self.points))
            rows = slice(first, stop)
            yield rows, slice(0, stop), *self._evaluate(left[rows], stop)
            first = stop

    def _evaluate(
        self, left: FloatArray, width: int, out: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Correlations, weights and room, between some points and the first so many."""
        shape, size = (len(left), width), len(left) * width
        squared, k, weight, room = (room[:size].reshape(shape) for room in self._rooms)
        np.matmul(left, self._right[:, :width], out=squared)
        # What is left of coincident points is rounding, sometimes negative.
        squared[squared < COINCIDENT] = 0.0
        k = k if out is None else out
        self._profile(squared, k, weight, room)
        return k, weight, room


def _left(Z: FloatArray) -> FloatArray:
    """What a product with :func:`_right` takes to squared distances, ``k x (d + 2)``."""
    return np.column_stack([Z, np.einsum("ij,ij->i", Z, Z), np.ones(len(Z))])


def _right(Z: FloatArray) -> FloatArray:
    """``(d + 2) x n``."""
    turned = np.column_stack([-2.0 * Z, np.ones(len(Z)), np.einsum("ij,ij->i", Z, Z)])
    return np.ascontiguousarray(turned.T)
