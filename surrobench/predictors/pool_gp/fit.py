"""Maximum a posteriori hyperparameters of a sum of block kernels.

The model is ``y ~ N(c, sum_b s_b K_b + noise I)`` with log-normal priors on lengthscales,
outputscales and noise (:class:`~surrobench.predictors.gp_fit.Priors`; with ``B`` blocks each
outputscale is expected to be ``1/B`` of the variance); the constant ``c`` is profiled out. With one
block of one lengthscale it is the model of :class:`~surrobench.predictors.gp.ExactGP`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg.lapack import dpotri, dpotrs

from surrobench.predictors.gp_fit import (
    FitReport,
    LogNormal,
    Point,
    Priors,
    Search,
    factorise,
)
from surrobench.predictors.pool_gp.kernels import BlockKernel
from surrobench.predictors.protocol import FloatArray


@dataclass(frozen=True)
class BlockParameters:
    """Hyperparameters: per block the log lengthscales, then log outputscales, then log noise.

    Attributes:
        values: all logarithms in this order.
        sizes: number of lengthscales of each block.
    """

    values: FloatArray
    sizes: tuple[int, ...]

    @property
    def noise(self) -> float:
        """Variance of an observation around the function."""
        return math.exp(self.values[-1])

    @property
    def outputscales(self) -> FloatArray:
        """Variance of each block's function."""
        return np.exp(self.values[sum(self.sizes) : -1])

    def log_lengthscales(self) -> list[FloatArray]:
        """Of each block."""
        return np.split(self.values[: sum(self.sizes)], np.cumsum(self.sizes)[:-1])


class BlockPosterior:
    """The log posterior of the hyperparameters, a function of their logarithms.

    Args:
        kernels: the blocks.
        pairs: what each block knows of the training pairs, ``n x n``.
        y: targets, ``n``.
    """

    def __init__(
        self,
        kernels: Sequence[BlockKernel],
        pairs: Sequence[npt.NDArray[Any]],
        y: FloatArray,
        unit: float,
    ) -> None:
        self.kernels, self.pairs, self.y = kernels, pairs, y
        self.sizes = tuple(kernel.size for kernel in kernels)
        self.priors = _priors(kernels, unit)
        self._unit = unit
        self._targets = np.asfortranarray(np.stack([y, np.ones_like(y)], axis=1))

    def start(self) -> FloatArray:
        """Smooth over the cube, one tenth of the variance noise."""
        smooth = [
            math.log(0.5 * math.sqrt(kernel.dimensions))
            for kernel in self.kernels
            for _ in range(kernel.size)
        ]
        share = math.log(self._unit / len(self.kernels))
        return np.array([*smooth, *[share] * len(self.kernels), math.log(0.1 * self._unit)])

    def bounds(self) -> list[tuple[float, float]]:
        """Bounds of each log hyperparameter."""
        base = Priors.scaled_to(1, self._unit).bounds(1)
        return [base[0]] * sum(self.sizes) + [base[1]] * len(self.kernels) + [base[2]]

    def __call__(self, log_parameters: FloatArray) -> Point:
        """Value and gradient.

        Raises:
            ArithmeticError: if no jitter makes the covariance positive definite.
        """
        parameters = BlockParameters(log_parameters, self.sizes)
        scales, noise = parameters.outputscales, parameters.noise
        lengthscales = parameters.log_lengthscales()
        total = float(scales.sum())
        parts = [
            kernel.correlation(pairs, logs)
            for kernel, pairs, logs in zip(self.kernels, self.pairs, lengthscales, strict=True)
        ]
        correlation = sum(s / total * part for s, part in zip(scales, parts, strict=True))
        factor, jitter = factorise(np.asarray(correlation), total, noise)
        solved = dpotrs(factor, self._targets, lower=1)[0]
        constant = float(solved[:, 0].sum() / solved[:, 1].sum())
        alpha = solved[:, 0] - constant * solved[:, 1]
        n, fit = len(self.y), float((self.y - constant) @ alpha)
        log_determinant = 2.0 * float(np.log(np.diagonal(factor)).sum())
        value = -0.5 * (fit + log_determinant + n * math.log(2.0 * math.pi))

        inverse = dpotri(factor, lower=1, overwrite_c=1)[0]
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        weights = np.multiply.outer(alpha, alpha) - inverse
        trace = float(np.trace(weights))
        gradient = np.empty_like(log_parameters)
        at, first = 0, sum(self.sizes)
        for block, kernel in enumerate(self.kernels):
            _, slopes = kernel.slopes(self.pairs[block], lengthscales[block], weights)
            gradient[at : at + kernel.size] = 0.5 * scales[block] * slopes
            at += kernel.size
            own = float(np.vdot(weights, parts[block])) + jitter / total * trace
            gradient[first + block] = 0.5 * scales[block] * own
        gradient[-1] = 0.5 * noise * trace
        return self._with_priors(log_parameters, Point(value, gradient, constant, jitter))

    def _with_priors(self, log_parameters: FloatArray, point: Point) -> Point:
        value, gradient = point.value, point.gradient
        for position, prior in enumerate(self.priors):
            density, slope = prior.log_density(log_parameters[position : position + 1])
            value += density
            gradient[position] += slope[0]
        return Point(value, gradient, point.constant, point.jitter)


def _priors(kernels: Sequence[BlockKernel], unit: float) -> list[LogNormal]:
    priors = [Priors.scaled_to(kernel.dimensions, unit) for kernel in kernels]
    lengthscales = [
        p.lengthscale for p, k in zip(priors, kernels, strict=True) for _ in range(k.size)
    ]
    outputscales = [
        LogNormal(p.outputscale.location - math.log(len(kernels)), p.outputscale.scale)
        for p in priors
    ]
    return [*lengthscales, *outputscales, priors[0].noise]


def fit_blocks(
    objective: BlockPosterior, start: FloatArray | None, max_evaluations: int
) -> tuple[BlockParameters, FitReport]:
    """Maximise the log posterior with L-BFGS-B from one start.

    Args:
        objective: what to maximise.
        start: log hyperparameters to start from, None for the prior's.
        max_evaluations: budget of likelihood evaluations.

    Returns:
        The best hyperparameters seen (jitter is part of their noise), and what the search did.
    """
    search = Search(objective, max_evaluations)
    converged = search.run(objective.start() if start is None else start)
    assert search.best is not None
    values, point = search.best
    values = values.copy()
    values[-1] = math.log(math.exp(values[-1]) + point.jitter)
    report = FitReport(search.evaluations, converged, point.value, point.jitter)
    return BlockParameters(values, objective.sizes), report
