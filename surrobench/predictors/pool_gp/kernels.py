"""Correlations of a pool over one block of columns, with closed-form gradients.

The distances between the rows of a pool do not depend on hyperparameters, so they are worked out
once for each observed row and kept.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt
from gpytorch.kernels import Kernel as KernelModule
from gpytorch.kernels import MaternKernel, RBFKernel

from surrobench.columns import ColumnBlock
from surrobench.predictors.correlations import PROFILES, Kernel
from surrobench.predictors.gp_fit import LOWEST_LENGTHSCALE
from surrobench.predictors.protocol import FloatArray

IntArray = npt.NDArray[np.int64]
MOST_CODED = 8
"""Variables whose mismatches fit one byte."""


class BlockKernel(ABC):
    """One block of a pool: distances of observed rows to all rows, and what a kernel makes of them.

    Attributes:
        size: number of lengthscales.
        dimensions: columns of the block, for the prior on lengthscales.
    """

    size: int
    dimensions: int

    @abstractmethod
    def pairs(self, row: int) -> npt.NDArray[Any]:
        """What the kernel needs to know of a row and each row of the pool, ``m``."""

    @abstractmethod
    def correlation(self, pairs: npt.NDArray[Any], log_lengthscales: FloatArray) -> FloatArray:
        """Correlations of any array of pairs."""

    @abstractmethod
    def slopes(
        self, pairs: npt.NDArray[Any], log_lengthscales: FloatArray, weights: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Correlations, and ``sum(weights * d correlation / d log lengthscale)`` for each."""

    @abstractmethod
    def module(self, lengthscales: FloatArray) -> KernelModule:
        """The same kernel for GPyTorch, on all columns of the pool."""


class SharedKernel(BlockKernel):
    """One lengthscale for all columns of a block.

    Args:
        X: the pool in the unit cube, ``m x d``.
        block: which columns.
        kernel: its name.
    """

    def __init__(self, X: FloatArray, block: ColumnBlock, kernel: Kernel) -> None:
        values = X[:, block.start : block.stop]
        self._values = np.ascontiguousarray(values - values.mean(axis=0))
        self._norms = np.einsum("ij,ij->i", self._values, self._values)
        self._block, self._kernel = block, kernel
        self.size, self.dimensions = 1, block.stop - block.start

    def pairs(self, row: int) -> FloatArray:
        """Squared distances of a row to the pool, ``m``."""
        squared = self._values @ (-2.0 * self._values[row])
        squared += self._norms
        squared += self._norms[row]
        # What is left of equal rows is rounding, sometimes negative.
        squared[squared < 1e-12] = 0.0
        return squared

    def correlation(self, pairs: FloatArray, log_lengthscales: FloatArray) -> FloatArray:
        """From squared distances."""
        return PROFILES[self._kernel](pairs * np.exp(-2.0 * log_lengthscales[0]))[0]

    def slopes(
        self, pairs: FloatArray, log_lengthscales: FloatArray, weights: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """From squared distances."""
        squared = pairs * np.exp(-2.0 * log_lengthscales[0])
        correlation, weight = PROFILES[self._kernel](squared)
        return correlation, np.array([np.vdot(weight * squared, weights)])

    def module(self, lengthscales: FloatArray) -> KernelModule:
        """An RBF or Matérn kernel."""
        columns = tuple(range(self._block.start, self._block.stop))
        return _module(self._kernel, np.array(lengthscales[:1]), columns, 1)


class CategoricalKernel(BlockKernel):
    """One lengthscale for each categorical variable of a one-hot block.

    Two rows differ in a set of variables. That set is a code of one byte, and the kernel a table of
    at most 256 values: an entry for each set. With the RBF profile this is the product over
    variables of ``exp(-[a_v != b_v] / lengthscale_v²)``.

    Args:
        X: the pool, ``m x d``.
        block: a one-hot block of at most :data:`MOST_CODED` variables.
        kernel: its name.
    """

    def __init__(self, X: FloatArray, block: ColumnBlock, kernel: Kernel) -> None:
        groups = np.array(block.groups)
        self.size = int(groups.max()) + 1
        values = X[:, block.start : block.stop]
        self._choices = np.stack(
            [values[:, groups == v].argmax(axis=1) for v in range(self.size)], axis=1
        ).astype(np.uint8)
        self._bits = ((np.arange(2**self.size)[:, None] >> np.arange(self.size)) & 1).astype(float)
        self._powers = (1 << np.arange(self.size)).astype(np.uint8)
        self._block, self._kernel, self.dimensions = block, kernel, block.stop - block.start

    def pairs(self, row: int) -> npt.NDArray[np.uint8]:
        """Codes of the variables in which a row differs from each row of the pool, ``m``."""
        codes = np.zeros(len(self._choices), dtype=np.uint8)
        for variable, power in enumerate(self._powers):
            differs = self._choices[:, variable] != self._choices[row, variable]
            codes += differs.view(np.uint8) * power
        return codes

    def _table(self, log_lengthscales: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        # Two different one-hot rows of a variable have the squared distance 2.
        squares = 2.0 * self._bits * np.exp(-2.0 * log_lengthscales)
        correlation, weight = PROFILES[self._kernel](squares.sum(axis=1))
        return correlation, weight, squares

    def correlation(self, pairs: npt.NDArray[np.uint8], log_lengthscales: FloatArray) -> FloatArray:
        """Looked up."""
        return self._table(log_lengthscales)[0][pairs]

    def slopes(
        self, pairs: npt.NDArray[np.uint8], log_lengthscales: FloatArray, weights: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Looked up; the weights are summed by code first."""
        correlation, weight, squares = self._table(log_lengthscales)
        summed = np.bincount(pairs.ravel(), weights=weights.ravel(), minlength=len(correlation))
        return correlation[pairs], (summed * weight) @ squares

    def module(self, lengthscales: FloatArray) -> KernelModule:
        """An RBF or Matérn kernel whose lengthscales are equal within a variable."""
        columns = tuple(range(self._block.start, self._block.stop))
        return _module(self._kernel, lengthscales[list(self._block.groups)], columns, len(columns))


def _module(
    kernel: Kernel, lengthscales: FloatArray, columns: tuple[int, ...], count: int
) -> KernelModule:
    import torch
    from gpytorch.constraints import GreaterThan

    lowest = torch.tensor(LOWEST_LENGTHSCALE * 1e-3, dtype=torch.float64)
    options: dict[str, Any] = {
        "ard_num_dims": count if count > 1 else None,
        "active_dims": columns,
        "lengthscale_constraint": GreaterThan(lowest, transform=None),
    }
    module: KernelModule
    if kernel == "rbf":
        module = RBFKernel(**options)
    else:
        nu = {"matern-1/2": 0.5, "matern-3/2": 1.5, "matern-5/2": 2.5}[kernel]
        module = MaternKernel(nu=nu, **options)
    module = module.to(torch.float64)
    module.lengthscale = torch.as_tensor(lengthscales).reshape(module.lengthscale.shape)
    return module
