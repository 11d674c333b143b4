"""Correlations of training points as functions of log lengthscales, with closed-form slopes.

A *profile* maps squared scaled distances to the correlation and to the weight ``w`` in

    d correlation / d log lengthscale_j = w * (x_j - x'_j)² / lengthscale_j²

so that all stationary kernels share one piece of linear algebra.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from scipy.spatial.distance import cdist

from surrobench.arrays import IntArray

if TYPE_CHECKING:
    from surrobench.arrays import FloatArray

Kernel = Literal["rbf", "matern-1/2", "matern-3/2", "matern-5/2"]
Profile = Callable[["FloatArray"], "tuple[FloatArray, FloatArray]"]
Pull = Callable[["FloatArray"], "FloatArray"]
"""Takes ``M`` (``n x n``, may be overwritten) to ``sum_ij M_ij d correlation_ij`` for each log
lengthscale. Only ``M + M'`` off the diagonal matters."""

SMOOTHNESS: Mapping[Kernel, float] = {"matern-1/2": 0.5, "matern-3/2": 1.5, "matern-5/2": 2.5}
"""Of the Matérn kernels, how often a function is (mean square) differentiable is just below it."""
COINCIDENT = 1e-14
"""Squared scaled distances below this are those of equal points."""


class Correlation(Protocol):
    """The correlation matrix of ``n`` training points."""

    @property
    def size(self) -> int:
        """Number of lengthscales."""
        ...

    def __call__(self, log_lengthscales: FloatArray) -> tuple[FloatArray, Pull]:
        """The matrix (``n x n``, until the next call) and its reverse-mode derivative."""
        ...


def _rbf(squared: FloatArray) -> tuple[FloatArray, FloatArray]:
    k = np.exp(-0.5 * squared)
    return k, k


def _matern12(squared: FloatArray) -> tuple[FloatArray, FloatArray]:
    r = np.sqrt(squared)
    k = np.exp(-r)
    # The distance of coincident points does not depend on the lengthscale.
    weight = np.divide(k, r, out=np.zeros_like(k), where=squared > 0.0)
    return k, weight


def _matern32(squared: FloatArray) -> tuple[FloatArray, FloatArray]:
    r = np.sqrt(3.0 * squared)
    e = np.exp(-r)
    r += 1.0
    r *= e
    e *= 3.0
    return r, e


def _matern52(squared: FloatArray) -> tuple[FloatArray, FloatArray]:
    k = squared * (5.0 / 3.0)
    r = np.sqrt(5.0 * squared)
    e = np.exp(-r)
    r += 1.0
    k += r
    k *= e
    r *= e
    r *= 5.0 / 3.0
    return k, r


PROFILES: dict[Kernel, Profile] = {
    "rbf": _rbf,
    "matern-1/2": _matern12,
    "matern-3/2": _matern32,
    "matern-5/2": _matern52,
}


def squared_distances(A: FloatArray, B: FloatArray) -> FloatArray:
    """Between rows of ``A`` (``... x k x d``) and of ``B`` (``... x l x d``), ``... x k x l``."""
    squared: FloatArray = A @ np.swapaxes(B, -1, -2)
    squared *= -2.0
    squared += np.einsum("...ij,...ij->...i", A, A)[..., :, None]
    squared += np.einsum("...ij,...ij->...i", B, B)[..., None, :]
    # What is left of coincident points is rounding, sometimes negative.
    squared[squared < COINCIDENT] = 0.0
    return squared


class DenseCorrelation:
    """By Euclidean distances, for any columns."""

    def __init__(self, X: FloatArray, kernel: Kernel, groups: IntArray | None) -> None:
        """Take ``X`` (``n x d``, scaled) and the lengthscale of each column (None: one for all)."""
        self.size = 1 if groups is None else int(groups.max()) + 1
        self._groups = groups
        self._profile = PROFILES[kernel]
        self._X = np.ascontiguousarray(X - X.mean(axis=0))
        self._squares = self._X * self._X
        self._squared = cdist(X, X, "sqeuclidean") if groups is None else None

    def __call__(self, log_lengthscales: FloatArray) -> tuple[FloatArray, Pull]:
        """The matrix (new, ``n x n``) and its reverse-mode derivative."""
        inverse_squares = np.exp(-2.0 * log_lengthscales)
        if self._groups is None:
            return self._shared(inverse_squares)
        groups, by_column = self._groups, inverse_squares[self._groups]
        Z = self._X * np.sqrt(by_column)
        correlation, weight = self._profile(squared_distances(Z, Z))

        def pull(M: FloatArray) -> FloatArray:
            M *= weight
            sums = M.sum(axis=0) + M.sum(axis=1)
            cross = np.einsum("ij,ij->j", self._X, M @ self._X)
            slopes = (sums @ self._squares - 2.0 * cross) * by_column
            return np.bincount(groups, weights=slopes, minlength=self.size).astype(np.float64)

        return correlation, pull

    def _shared(self, inverse_squares: FloatArray) -> tuple[FloatArray, Pull]:
        assert self._squared is not None
        squared = self._squared * inverse_squares[0]
        correlation, weight = self._profile(squared)

        def pull(M: FloatArray) -> FloatArray:
            M *= weight
            return np.array([np.vdot(M, squared)])

        return correlation, pull


class CodedCorrelation:
    """By a code of each pair that settles its distance: the kernel is a table."""

    def __init__(self, codes: IntArray, steps: FloatArray, kernel: Kernel) -> None:
        """Take codes of all pairs and the squared distances behind each code.

        Args:
            codes: ``n x n``, symmetric; equal points have code 0.
            steps: ``codes x lengthscales``: the squared distance of a pair is the sum over
                lengthscales of ``steps[code] / lengthscale²``; row 0 is zero.
            kernel: name of the profile.
        """
        self.size = steps.shape[1]
        self._codes = np.asarray(codes, dtype=np.intp)
        self._flat = self._codes.ravel()
        self._steps = steps
        self._profile = PROFILES[kernel]
        self._matrix = np.empty(self._codes.shape)

    def __call__(self, log_lengthscales: FloatArray) -> tuple[FloatArray, Pull]:
        """The matrix (``n x n``, until the next call) and its reverse-mode derivative."""
        inverse_squares = np.exp(-2.0 * log_lengthscales)
        table, weight = self._profile(self._steps @ inverse_squares)

        def pull(M: FloatArray) -> FloatArray:
            sums = np.bincount(self._flat, weights=M.ravel(), minlength=len(table))
            slopes: FloatArray = ((sums * weight) @ self._steps) * inverse_squares
            return slopes

        # Codes lie within the table; other modes than "clip" would use an array of their own.
        return np.take(table, self._codes, mode="clip", out=self._matrix), pull


def shared_correlation(X: FloatArray, kernel: Kernel) -> Correlation:
    """The correlation of rows ``X`` (``n x d``, scaled) with one lengthscale for all columns.

    Squared distances between rows of zeros and ones are whole numbers: no kernel has to be
    evaluated pair by pair.
    """
    if not is_binary(X):
        return DenseCorrelation(X, kernel, None)
    return CodedCorrelation(mismatches(X, X), np.arange(X.shape[1] + 1.0)[:, None], kernel)


def is_binary(values: FloatArray) -> bool:
    """Whether every value is 0 or 1."""
    return bool(((values == 0.0) | (values == 1.0)).all())


def mismatches(A: FloatArray, B: FloatArray) -> IntArray:
    """In how many columns rows of zeros and ones ``A`` (``k x d``) and ``B`` (``l x d``) differ.

    It is the squared distance of each pair, ``k x l``; all in one product, and exact.
    """
    left = np.column_stack([A, A.sum(axis=1), np.ones(len(A))])
    right = np.column_stack([-2.0 * B, np.ones(len(B)), B.sum(axis=1)])
    return (left @ right.T).astype(np.intp)


class DistanceTable:
    """A function of the number of mismatches between any rows and fixed rows of zeros and ones.

    Distances of two fixed rows at a time are read from one product and looked up together. Arrays
    are kept from call to call, since new ones cost more than what is written into them.
    """

    _MOST_PAIRED = 64

    def __init__(self, B: FloatArray, table: FloatArray) -> None:
        """Take the fixed rows (``n x d``) and the values by distance (``d + 1``)."""
        # |a - b|² = a'(1 - 2b) + sum b, and in whole numbers of single precision this is exact.
        right = np.vstack([1.0 - 2.0 * B.T, B.sum(axis=1)])
        levels, self._n, self._table = len(table), len(B), table
        if self._n % 2 == 0 and levels <= self._MOST_PAIRED:
            right = levels * right[:, ::2] + right[:, 1::2]
            self._table = np.stack([np.repeat(table, levels), np.tile(table, levels)], axis=1)
        self._right = right.astype(np.float32)
        self._make_room(0)

    def _make_room(self, rows: int) -> None:
        self._left = np.ones((rows, len(self._right)), dtype=np.float32)
        self._products = np.empty((rows, self._right.shape[1]), dtype=np.float32)
        self._codes = np.empty(self._products.shape, dtype=np.intp)
        self._values = np.empty((rows, self._n))

    def __call__(self, A: FloatArray) -> FloatArray:
        """Values for rows ``A`` of zeros and ones (``k x d``), ``k x n``, until the next call."""
        k = len(A)
        if k > len(self._left):
            self._make_room(k)
        left, codes, values = self._left[:k], self._codes[:k], self._values[:k]
        left[:, :-1] = A
        codes[:] = np.matmul(left, self._right, out=self._products[:k])
        shape = codes.shape + self._table.shape[1:]
        # Codes lie within the table; other modes than "clip" would use an array of their own.
        np.take(self._table, codes, axis=0, mode="clip", out=values.reshape(shape))
        return values


class ProductCorrelation:
    """The product of correlations of several blocks of columns."""

    def __init__(self, factors: Sequence[Correlation]) -> None:
        """Take the factors; their lengthscales follow one another."""
        self.factors = tuple(factors)
        self.size = sum(factor.size for factor in factors)

    def __call__(self, log_lengthscales: FloatArray) -> tuple[FloatArray, Pull]:
        """The matrix (new, ``n x n``) and its reverse-mode derivative."""
        ends = np.cumsum([factor.size for factor in self.factors])[:-1]
        pairs = zip(self.factors, np.split(log_lengthscales, ends), strict=True)
        parts = [factor(lengthscales) for factor, lengthscales in pairs]
        matrices = [matrix for matrix, _ in parts]

        def pull(M: FloatArray) -> FloatArray:
            slopes = []
            for own, (_, pull_own) in enumerate(parts):
                others = matrices[:own] + matrices[own + 1 :]
                slopes.append(pull_own(np.multiply.reduce([M, *others])))
            return np.concatenate(slopes)

        return np.multiply.reduce(matrices), pull
