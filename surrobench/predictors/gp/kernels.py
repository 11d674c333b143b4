"""Kernels over one block of columns of a pool.

A block knows how its rows differ before any hyperparameter is chosen; :meth:`BlockKernel.bind`
gives the kernel for certain lengthscales.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Literal

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.base.columns import ColumnBlock
from surrobench.predictors.gp.correlations import (
    PROFILES,
    CodedCorrelation,
    Correlation,
    DenseCorrelation,
    Kernel,
    is_binary,
    squared_distances,
)
from surrobench.predictors.gp.grid import ChoiceGrid
from surrobench.predictors.gp.structure import (
    Labels,
    MismatchCodes,
    indicators,
    is_one_hot,
    labels_of,
    one_hot_partition,
)

BlockKernelName = Literal["categorical", "rbf", "matern-1/2", "matern-3/2", "matern-5/2"]
Lengthscales = Literal["shared", "variable", "column"]
MOST_CODED = 16
"""Variables whose mismatches fit a code of two bytes; up to eight fit one."""
_SPARE = 32


class BoundKernel(ABC):
    """A block's kernel with its hyperparameters, on the rows of a pool."""

    @property
    def sums(self) -> bool:
        """Whether :meth:`weighted` is there: in less time than one covariance after the other."""
        return False

    def weighted(self, rows: IntArray, weights: FloatArray) -> FloatArray:
        """``sum_i weights_i k(row_i, pool)`` for ``n`` rows (new), ``m``; where :attr:`sums`."""
        raise NotImplementedError

    @abstractmethod
    def row(self, row: int) -> FloatArray:
        """Covariances of one row with the pool (new), ``m``."""

    @abstractmethod
    def cross(self, rows: IntArray, tile: slice, out: FloatArray) -> None:
        """Covariances of ``n`` rows with a part of the pool, into ``out`` (``n x w``)."""

    @abstractmethod
    def between(self, a: IntArray, b: IntArray) -> FloatArray:
        """Covariances of rows ``a`` (``... x k``) and ``b`` (``... x l``), ``... x k x l``."""


class BlockKernel(ABC):
    """A block of a pool.

    Attributes:
        block: which columns.
        kernel: the profile over distances.
        categorical: whether distances count differing variables, not coordinates.
        size: number of lengthscales.
        groups: the lengthscale of each column, None if there is one for all.
    """

    def __init__(
        self, block: ColumnBlock, kernel: Kernel, categorical: bool, groups: IntArray | None
    ) -> None:
        self.block, self.kernel, self.categorical = block, kernel, categorical
        self.groups = groups
        self.size = 1 if groups is None else int(groups.max()) + 1

    @property
    def dimensions(self) -> int:
        """Number of columns, to which the prior on lengthscales is scaled."""
        return self.block.stop - self.block.start

    @abstractmethod
    def correlation(self, rows: IntArray) -> Correlation:
        """Of training points at these rows, as a function of log lengthscales."""

    @abstractmethod
    def bind(self, lengthscales: FloatArray, scale: float) -> BoundKernel:
        """The kernel ``scale * correlation`` with these lengthscales (``size``)."""

    @abstractmethod
    def columns(self) -> tuple[FloatArray, IntArray]:
        """The columns whose distances the kernel is of (``m x d``), the lengthscale of each."""

    def coordinates(self, lengthscales: FloatArray) -> FloatArray:
        """These columns in units of the lengthscales (``size``), ``m x d``."""
        columns, groups = self.columns()
        return columns / lengthscales[groups]


class CodedBlock(BlockKernel):
    """Categorical variables: the kernel is a table of the ways in which two rows differ."""

    def __init__(
        self,
        block: ColumnBlock,
        kernel: Kernel,
        categorical: bool,
        groups: IntArray | None,
        labels: Labels,
    ) -> None:
        """Take the choices of each variable, ``v x m``."""
        super().__init__(block, kernel, categorical, groups)
        self.codes = MismatchCodes(labels, sets=groups is not None)
        self._known = np.empty((0, labels.shape[1]), dtype=self.codes.dtype)
        self._places: dict[int, int] = {}

    @property
    def labels(self) -> Labels:
        """Choices of each variable, ``v x m``."""
        return self.codes.labels

    @cached_property
    def grid(self) -> ChoiceGrid | None:
        """All combinations of choices, if the kernel is a product and the pool has most of them."""
        return ChoiceGrid.of(self.labels) if self.kernel == "rbf" else None

    def row_codes(self, rows: Sequence[int]) -> Labels:
        """Codes between ``n`` rows and the pool, ``n x m``; to be read only.

        Those of each row are kept: a byte (or two) for each row of the pool. For rows in the order
        in which they were first asked for, nothing is copied.
        """
        for row in rows:
            if row not in self._places:
                self._places[row] = self._keep(self.codes.row(row))
        places = [self._places[row] for row in rows]
        first = places[0] if places else 0
        if places == list(range(first, first + len(places))):
            return self._known[first : first + len(places)]
        return self._known[places]

    def _keep(self, codes: Labels) -> int:
        place = len(self._places)
        if place == len(self._known):
            # Pages that were never written take no memory.
            grown = np.empty((max(_SPARE, 2 * place), len(codes)), dtype=codes.dtype)
            grown[:place] = self._known
            self._known = grown
        self._known[place] = codes
        return place

    def correlation(self, rows: IntArray) -> CodedCorrelation:
        """Of training points at these rows, as a function of log lengthscales."""
        return CodedCorrelation(self.codes.between(rows, rows), self.codes.steps, self.kernel)

    def bind(self, lengthscales: FloatArray, scale: float) -> BoundKernel:
        """The kernel ``scale * correlation`` with these lengthscales (``size``)."""
        squared = self.codes.steps @ lengthscales**-2.0
        table = scale * PROFILES[self.kernel](squared)[0]
        if self.grid is None:
            return _CodedKernel(self, table)
        rates = np.broadcast_to(lengthscales**-2.0, len(self.labels))
        return _GridKernel(self, table, self.grid, np.exp(-rates).tolist(), scale)

    def columns(self) -> tuple[FloatArray, IntArray]:
        """One-hot columns, and the lengthscale of each."""
        columns, variables = indicators(self.labels)
        return columns, np.zeros_like(variables) if self.groups is None else variables


class _CodedKernel(BoundKernel):
    def __init__(self, block: CodedBlock, table: FloatArray) -> None:
        self._block, self._table = block, table

    def row(self, row: int) -> FloatArray:
        return np.take(self._table, self._block.row_codes([row])[0])

    def cross(self, rows: IntArray, tile: slice, out: FloatArray) -> None:
        codes = self._block.row_codes(rows.tolist())[:, tile]
        np.take(self._table, codes, out=out, mode="clip")

    def between(self, a: IntArray, b: IntArray) -> FloatArray:
        return np.take(self._table, self._block.codes.between(a, b))


class _GridKernel(_CodedKernel):
    def __init__(
        self,
        block: CodedBlock,
        table: FloatArray,
        grid: ChoiceGrid,
        correlations: Sequence[float],
        scale: float,
    ) -> None:
        super().__init__(block, table)
        self._grid, self._factors, self._scale = grid, grid.factors(correlations), scale

    @property
    def sums(self) -> bool:
        return True

    def weighted(self, rows: IntArray, weights: FloatArray) -> FloatArray:
        return self._grid.weighted(self._factors, rows, self._scale * weights)


class DenseBlock(BlockKernel):
    """Any columns, by Euclidean distances."""

    def __init__(
        self,
        block: ColumnBlock,
        kernel: Kernel,
        categorical: bool,
        groups: IntArray | None,
        values: FloatArray,
    ) -> None:
        """Take the columns in the unit cube, ``m x d``."""
        super().__init__(block, kernel, categorical, groups)
        self._values = np.ascontiguousarray(values - values.mean(axis=0))

    def correlation(self, rows: IntArray) -> DenseCorrelation:
        """Of training points at these rows, as a function of log lengthscales."""
        return DenseCorrelation(self._values[rows], self.kernel, self.groups)

    def bind(self, lengthscales: FloatArray, scale: float) -> BoundKernel:
        """The kernel ``scale * correlation`` with these lengthscales (``size``)."""
        return _DenseKernel(self.coordinates(lengthscales), self.kernel, scale)

    def columns(self) -> tuple[FloatArray, IntArray]:
        """The columns, and the lengthscale of each."""
        groups = np.zeros(self._values.shape[1], dtype=np.int64)
        return self._values, groups if self.groups is None else self.groups


class _DenseKernel(BoundKernel):
    def __init__(self, Z: FloatArray, kernel: Kernel, scale: float) -> None:
        self._Z, self._profile, self._scale = Z, PROFILES[kernel], scale

    def row(self, row: int) -> FloatArray:
        return self.between(np.array([row]), np.arange(len(self._Z)))[0]

    def cross(self, rows: IntArray, tile: slice, out: FloatArray) -> None:
        values, _ = self._profile(squared_distances(self._Z[rows], self._Z[tile]))
        np.multiply(values, self._scale, out=out)

    def between(self, a: IntArray, b: IntArray) -> FloatArray:
        values, _ = self._profile(squared_distances(self._Z[a], self._Z[b]))
        return values * self._scale


def block_kernel(
    X: FloatArray, block: ColumnBlock, kernel: BlockKernelName, lengthscales: Lengthscales
) -> BlockKernel:
    """The kernel of a block, in the form that is cheapest to evaluate.

    Args:
        X: the pool in the unit cube, ``m x d``.
        block: which columns.
        kernel: over numeric blocks, ``"categorical"`` means Matérn-5/2.
        lengthscales: how many, see :class:`~.recipe.PoolGP`.

    Raises:
        ValueError: if a categorical kernel is asked for columns that are not 0 or 1.
    """
    values = X[:, block.start : block.stop]
    variables = np.array(block.groups) if block.kind == "one-hot" else None
    if kernel == "categorical" and variables is not None:
        if not is_binary(values):
            raise ValueError(f"the columns of the one-hot block {block.name!r} must be 0 or 1.")
        return _categorical(values, block, variables, lengthscales)
    profile: Kernel = "matern-5/2" if kernel == "categorical" else kernel
    groups = np.arange(len(values.T)) if lengthscales == "column" else None
    grouping = one_hot_partition(values) if groups is None else None
    if lengthscales == "variable" and variables is not None:
        groups = variables
        coded = groups.max() < MOST_CODED and is_one_hot(values, groups)
        grouping = groups if coded else None
    if grouping is not None:
        return CodedBlock(block, profile, False, groups, labels_of(values, grouping))
    return DenseBlock(block, profile, False, groups, values)


def _categorical(
    values: FloatArray, block: ColumnBlock, variables: IntArray, lengthscales: Lengthscales
) -> BlockKernel:
    """``exp(-sum_v [a_v != b_v] / lengthscale_v²)``, a variable being a pattern of columns."""
    labels = labels_of(values, variables)
    shared = lengthscales == "shared"
    if shared or len(labels) <= MOST_CODED:
        return CodedBlock(block, "rbf", True, None if shared else np.arange(len(labels)), labels)
    columns, groups = indicators(labels)
    return DenseBlock(block, "rbf", True, groups, columns)
