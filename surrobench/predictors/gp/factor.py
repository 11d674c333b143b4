"""A Cholesky factor and the pool seen through it, which grow by one observation at a time.

With the factor ``L`` of the training covariance, ``V = L^-1 K(train, pool)`` gives the posterior
covariance between any two candidates as ``k(i, j) - V_i · V_j``. One more observation adds a row to
``L`` and to ``V``, which costs one product with ``V`` instead of a factorisation; over a grid of
choices (:mod:`~.grid`) not even that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.linalg.blas import dtrmm
from scipy.linalg.lapack import dpotrs, dtrtri, dtrtrs

from surrobench.arrays import FloatArray, IntArray
from surrobench.predictors.gp.covariance import BoundCovariance
from surrobench.predictors.gp.gp_fit import factorise
from surrobench.predictors.memory import check_memory

_TILE = 4096
_SPARE = 32


class PoolFactor:
    """``L`` and ``V`` for a pool of ``m`` rows; ``V`` is kept in tiles of columns.

    Tiles bound the temporary memory: ``V`` itself (``8 n m`` bytes) is the only array of its size,
    also while it grows.

    Attributes:
        rows: observed rows in the order of the factor.
        reduction: what the observations took from the prior variance, ``m``.
        jitter: what the last factorisation needed on its diagonal beside the noise.
        generation: number of factorisations; what was read before the last is gone.
    """

    def __init__(self, m: int) -> None:
        self.m = m
        self.rows: list[int] = []
        self.reduction = np.zeros(m)
        self.jitter = 0.0
        self.generation = 0
        self._spans = [slice(low, min(low + _TILE, m)) for low in range(0, m, _TILE)]
        self._tiles = [np.empty((0, span.stop - span.start)) for span in self._spans]
        self._L = np.zeros((0, 0), order="F")

    @property
    def n(self) -> int:
        """Number of observations."""
        return len(self.rows)

    def L(self, n: int) -> FloatArray:  # noqa: N802
        """Cholesky factor of the covariance of the first ``n`` observations."""
        return self._L[:n, :n]

    def tiles(self, n: int) -> Iterator[tuple[slice, FloatArray]]:
        """Parts of the pool with the first ``n`` rows of ``V`` there."""
        for span, tile in zip(self._spans, self._tiles, strict=True):
            yield span, tile[:n]

    def columns(self, n: int, rows: IntArray) -> FloatArray:
        """Columns of the first ``n`` rows of ``V`` at candidates ``rows`` (``k``), ``n x k``."""
        if len(self._tiles) == 1:
            return self._tiles[0][:n, rows]
        columns = np.empty((n, len(rows)))
        tiles = rows // _TILE
        for tile in np.unique(tiles):
            at = np.flatnonzero(tiles == tile)
            columns[:, at] = self._tiles[tile][:n, rows[at] - tile * _TILE]
        return columns

    def begin(self, kernel: BoundCovariance, noise: float, rows: Sequence[int]) -> None:
        """Start anew with ``n`` observations at once.

        Raises:
            ArithmeticError: if no jitter makes the covariance positive definite.
        """
        at, n = np.array(rows, dtype=np.int64), len(rows)
        self.generation += 1
        self.rows = []
        self._reserve(n)
        # K(train) + noise = L L' and V = L^-1 K(train, pool). What the observations explain of the
        # prior variance of x is the squared length of its column v of V.
        training = kernel.between(at, at) / kernel.scale
        factor, self.jitter = factorise(training, kernel.scale, noise)
        self._L[:n, :n] = factor
        # Products with a triangular inverse are as accurate as solves, and twice as fast.
        inverse, _ = dtrtri(factor, lower=1)
        for span, tile in self.tiles(n):
            kernel.cross(at, span, tile)
            # Transposed, the tile is in the order of LAPACK and is multiplied in place.
            solved = dtrmm(1.0, inverse, tile.T, side=1, lower=1, trans_a=1, overwrite_b=1)
            assert np.may_share_memory(solved, tile)
            np.einsum("ij,ij->j", tile, tile, out=self.reduction[span])
        self.rows = list(rows)

    def append(self, kernel: BoundCovariance, noise: float, row: int) -> None:
        """Add one observation."""
        # A bordered factor: the new row of L is (v', pivot) with v the column of V at this row and
        # pivot² = k + noise - v'v; the new row of V is (k(row, pool) - v'V) / pivot.
        n = self.n
        self._reserve(n + 1)
        known = self.columns(n, np.array([row]))[:, 0]
        noise += self.jitter
        # At least the noise, but for rounding.
        pivot = math.sqrt(max(kernel.scale + noise - float(known @ known), noise))
        fresh = self._unexplained(kernel, known, row)
        fresh /= pivot
        for span, tile in zip(self._spans, self._tiles, strict=True):
            tile[n] = fresh[span]
        self.reduction += np.square(fresh, out=fresh)
        self._L[n, :n], self._L[n, n] = known, pivot
        self.rows = [*self.rows, row]

    def _unexplained(self, kernel: BoundCovariance, known: FloatArray, row: int) -> FloatArray:
        """Posterior covariances of one row with the pool; ``known`` is its column of ``V``."""
        n = self.n
        if kernel.sums:
            explained = dtrtrs(self.L(n), known, lower=1, trans=1)[0]
            return kernel.weighted(np.array([*self.rows, row]), np.append(-explained, 1.0))
        fresh = kernel.row(row)
        for span, tile in self.tiles(n):
            fresh[span] -= known @ tile
        return fresh

    def whiten(self, values: FloatArray, n: int) -> FloatArray:
        """``L^-1 values`` for the first ``n`` observations, ``n x k``."""
        solved: FloatArray = dtrtrs(self.L(n), values, lower=1)[0]
        return solved

    def solve(self, values: FloatArray, n: int) -> FloatArray:
        """The inverse covariance of the first ``n`` observations times values, ``n x k``."""
        solved: FloatArray = dpotrs(self.L(n), values, lower=1)[0]
        return solved

    def _reserve(self, n: int) -> None:
        if n <= len(self._L):
            return
        check_memory(n, self.m, "covariances of its examples with the pool")
        room, kept = max(n + _SPARE, 2 * len(self._L)), self.n
        L = np.zeros((room, room), order="F")
        L[:kept, :kept] = self.L(kept)
        self._L = L
        for position, tile in enumerate(self._tiles):
            # Pages that were never written take no memory.
            grown = np.empty((room, tile.shape[1]))
            grown[:kept] = tile[:kept]
            self._tiles[position] = grown
