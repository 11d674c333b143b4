"""A small pool with categorical and numeric columns, and processes on it."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch import Tensor

from surrobench.base.columns import ColumnBlock
from surrobench.predictors.gp.covariance import PoolCovariance
from surrobench.predictors.gp.fitted_gp import unit_cube
from surrobench.predictors.gp.gp_fit import FitReport
from surrobench.predictors.gp.kernels import block_kernel
from surrobench.predictors.gp.process import Process

SIZES = (3, 4, 2, 3)
VARIABLES = tuple(v for v, size in enumerate(SIZES) for _ in range(size))
ONE_HOT = ColumnBlock("one-hot", 0, 12, "one-hot", VARIABLES)
NUMERIC = ColumnBlock("measured", 12, 15)


def choices() -> np.ndarray:
    """All 72 combinations of four choices."""
    return np.array(list(itertools.product(*map(range, SIZES))))


def one_hot() -> np.ndarray:
    return np.hstack(
        [np.eye(size)[column] for size, column in zip(SIZES, choices().T, strict=True)]
    )


def pool(seed: int = 0) -> Tensor:
    """72 rows: 12 one-hot columns and 3 numeric ones, not in the unit cube."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(2.0, 3.0, size=(72, 3))
    return torch.from_numpy(np.hstack([one_hot(), numbers]))


def targets(rows: list[int], seed: int = 0) -> Tensor:
    """Values at some rows, ``n x 1``, heavy-tailed as accuracies are."""
    rng = np.random.default_rng(seed)
    X = pool().numpy()
    effects = rng.normal(size=X.shape[1]) / np.array([1.0] * 12 + [10.0] * 3)
    values = X @ effects + 2.0 * X[:, 0] * X[:, 4] + 0.1 * rng.normal(size=72)
    return torch.from_numpy(90.0 - np.exp(0.5 * values))[rows].unsqueeze(-1)


def covariance(
    X: Tensor, blocks: tuple[ColumnBlock, ...], kernel: str, lengthscales: str, combine: str
) -> PoolCovariance:
    scaled = unit_cube(X)(X).numpy()
    kernels = [block_kernel(scaled, block, kernel, lengthscales) for block in blocks]
    return PoolCovariance(kernels, combine)


def process(X: Tensor, cov: PoolCovariance, log_parameters: np.ndarray, unit: float) -> Process:
    """A process with given hyperparameters."""
    parameters = cov.parameters(log_parameters, 0.0)
    report = FitReport(0, True, 0.0, 0.0)
    return Process(X, cov, parameters, cov.bind(parameters), unit, report)
