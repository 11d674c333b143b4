"""Sums of product kernels over a pool of (nearly) all combinations of choices.

Where a pool fills the grid of its variables' choices, the matrix of a product kernel over the grid
is a Kronecker product of one small matrix for each variable (Saatçi 2011, chapter 5). A weighted
sum of kernel rows then takes a few small products instead of one number for each pair of
observation and candidate, whatever the number of observations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.predictors.gp.structure import Labels

_EMPTIEST = 2
"""Cells of a grid for each row of the pool, beyond which the grid does not pay."""
_LARGEST_FACTOR = 32
"""Variables are merged up to factors of this size, which BLAS multiplies by most quickly."""
_LARGEST_CHOICE = 128


class ChoiceGrid:
    """All combinations of the choices of ``v`` variables, and where the rows of a pool are.

    Attributes:
        sizes: number of choices of each variable.
        cells: number of combinations.
    """

    def __init__(self, labels: Labels) -> None:
        """Take the choices in each of ``m`` rows, ``v x m``."""
        self.sizes = _sizes(labels)
        self.cells = math.prod(self.sizes)
        self._at = np.ravel_multi_index(tuple(labels.astype(np.int64)), self.sizes)
        self._in_order = np.array_equal(self._at, np.arange(self.cells))

    @classmethod
    def of(cls, labels: Labels) -> ChoiceGrid | None:
        """The grid of a pool's choices (``v x m``), or None if too little of it is in the pool."""
        sizes = _sizes(labels)
        if max(sizes) > _LARGEST_CHOICE or math.prod(sizes) > _EMPTIEST * labels.shape[1]:
            return None
        return cls(labels)

    def factors(self, correlations: Sequence[float]) -> list[FloatArray]:
        """The matrices whose Kronecker product the kernel is.

        Args:
            correlations: of two rows that differ in one variable alone, for each variable.
        """
        factors: list[FloatArray] = []
        for size, correlation in zip(self.sizes, correlations, strict=True):
            matrix = np.full((size, size), correlation)
            np.fill_diagonal(matrix, 1.0)
            if factors and len(factors[-1]) * size <= _LARGEST_FACTOR:
                factors[-1] = np.kron(factors[-1], matrix)
            else:
                factors.append(matrix)
        return factors

    def weighted(
        self, factors: Sequence[FloatArray], rows: IntArray, weights: FloatArray
    ) -> FloatArray:
        """``sum_i weights_i k(row_i, pool)`` (new), ``m``.

        Args:
            factors: from :meth:`factors`, symmetric.
            rows: of the pool, ``n``.
            weights: one for each, ``n``.
        """
        total: FloatArray = np.asarray(
            np.bincount(self._at[rows], weights, self.cells), dtype=np.float64
        )
        for factor in factors:
            # Each product moves the first variable to the end.
            total = total.reshape(len(factor), -1).T @ factor
        total = total.reshape(-1)
        return total if self._in_order else total[self._at]


def _sizes(labels: Labels) -> tuple[int, ...]:
    return tuple(int(label.max()) + 1 for label in labels)
