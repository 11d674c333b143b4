"""The kernels of several blocks as one covariance: their sum or their product."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.predictors.gp.correlations import Correlation, ProductCorrelation
from surrobench.predictors.gp.gp_fit import (
    FitReport,
    LogNormal,
    Priors,
    PriorShape,
    Search,
    SumPosterior,
)
from surrobench.predictors.gp.kernels import BlockKernel, BoundKernel

Combine = Literal["sum", "product"]


@dataclass(frozen=True)
class Parameters:
    """Hyperparameters of a covariance.

    Attributes:
        lengthscales: of each block.
        outputscales: one for each block of a sum, one for a product.
        noise: variance of an observation around the function, with what jitter was needed.
    """

    lengthscales: tuple[FloatArray, ...]
    outputscales: FloatArray
    noise: float


class PoolCovariance:
    """``sum_b s_b K_b`` or ``s prod_b K_b`` over the blocks of a pool.

    With ``B`` blocks in a sum, each outputscale is expected to be ``1/B`` of the variance; the
    priors are otherwise those of :class:`~surrobench.predictors.gp.gp_fit.Priors`. One block is the
    model of :class:`~surrobench.predictors.gp.gp.ExactGP`.
    """

    def __init__(
        self, blocks: Sequence[BlockKernel], combine: Combine, shape: PriorShape | None = None
    ) -> None:
        self.shape = shape or PriorShape()
        self.blocks = tuple(blocks)
        self.product = combine == "product" and len(self.blocks) > 1
        self.lengthscales = sum(block.size for block in self.blocks)
        self.scales = 1 if self.product else len(self.blocks)

    def priors(self, unit: float) -> tuple[list[LogNormal], LogNormal, LogNormal]:
        """On the lengthscales of each block, on outputscales, on the noise.

        Args:
            unit: variance of the targets.
        """
        priors = [Priors.scaled_to(block.dimensions, unit, self.shape) for block in self.blocks]
        scale = priors[0].outputscale
        share = LogNormal(scale.location - math.log(self.scales), scale.scale)
        return [prior.lengthscale for prior in priors], share, priors[0].noise

    def bounds(self, unit: float) -> list[tuple[float, float]]:
        """Of each log hyperparameter."""
        lengthscale, outputscale, noise = Priors.scaled_to(1, unit).bounds(1)
        return [lengthscale] * self.lengthscales + [outputscale] * self.scales + [noise]

    def start(self, unit: float) -> FloatArray:
        """Log hyperparameters to search from: smooth over the cube, one tenth of it noise."""
        smooth = [
            math.log(0.5 * math.sqrt(block.dimensions))
            for block in self.blocks
            for _ in range(block.size)
        ]
        share = math.log(unit / self.scales)
        return np.array([*smooth, *[share] * self.scales, math.log(0.1 * unit)])

    def objective(self, rows: IntArray, y: FloatArray, unit: float) -> SumPosterior:
        """The log posterior of the log hyperparameters after ``y`` (``n``) at ``rows``."""
        terms: list[Correlation] = [block.correlation(rows) for block in self.blocks]
        if self.product:
            terms = [ProductCorrelation(terms)]
        return SumPosterior(terms, y, self.prior_parts(unit), self.bounds(unit))

    def prior_parts(self, unit: float) -> list[tuple[LogNormal, slice]]:
        """Each prior with the log hyperparameters that it is for."""
        lengthscale, outputscale, noise = self.priors(unit)
        parts, first = [], 0
        for block, prior in zip(self.blocks, lengthscale, strict=True):
            parts.append((prior, slice(first, first + block.size)))
            first += block.size
        parts.append((outputscale, slice(first, first + self.scales)))
        parts.append((noise, slice(first + self.scales, first + self.scales + 1)))
        return parts

    def fit(
        self,
        rows: IntArray,
        y: FloatArray,
        unit: float,
        start: FloatArray | None,
        max_evaluations: int,
    ) -> tuple[FloatArray, FitReport]:
        """Maximise the log posterior with L-BFGS-B from one start (None: :meth:`start`).

        Raises:
            ArithmeticError: if the covariance cannot be factorised.
        """
        bounds = np.array(self.bounds(unit))
        first = self.start(unit) if start is None else np.clip(start, bounds[:, 0], bounds[:, 1])
        search = Search(self.objective(rows, y, unit), max_evaluations)
        converged = search.run(first)
        assert search.best is not None
        log_parameters, point = search.best
        return log_parameters, FitReport(search.evaluations, converged, point.value, point.jitter)

    def parameters(self, log_parameters: FloatArray, jitter: float) -> Parameters:
        """Hyperparameters from their logarithms."""
        values = np.exp(log_parameters)
        ends = np.cumsum([block.size for block in self.blocks])
        *lengthscales, rest = np.split(values, ends)
        return Parameters(tuple(lengthscales), rest[:-1], float(rest[-1]) + jitter)

    def bind(self, parameters: Parameters) -> BoundCovariance:
        """The covariance with its hyperparameters."""
        scales = parameters.outputscales
        if self.product:
            scales = np.array([float(scales[0]), *[1.0] * (len(self.blocks) - 1)])
        bound = [
            block.bind(lengthscales, float(scale))
            for block, lengthscales, scale in zip(
                self.blocks, parameters.lengthscales, scales, strict=True
            )
        ]
        return BoundCovariance(bound, self.product, float(parameters.outputscales.sum()))


class BoundCovariance(BoundKernel):
    """A sum or product of bound kernels.

    Attributes:
        scale: prior variance of every row.
    """

    def __init__(self, parts: Sequence[BoundKernel], product: bool, scale: float) -> None:
        self.parts, self.scale = tuple(parts), scale
        self._combine = np.multiply if product else np.add
        self._sums = not product and all(part.sums for part in self.parts)

    @property
    def sums(self) -> bool:
        """Whether :meth:`weighted` is there: all blocks have it, and their kernels are added."""
        return self._sums

    def weighted(self, rows: IntArray, weights: FloatArray) -> FloatArray:
        """``sum_i weights_i k(row_i, pool)`` for ``n`` rows (new), ``m``; where :attr:`sums`."""
        total = self.parts[0].weighted(rows, weights)
        for part in self.parts[1:]:
            total += part.weighted(rows, weights)
        return total

    def row(self, row: int) -> FloatArray:
        """Covariances of one row with the pool (new), ``m``."""
        total = self.parts[0].row(row)
        for part in self.parts[1:]:
            self._combine(total, part.row(row), out=total)
        return total

    def cross(self, rows: IntArray, tile: slice, out: FloatArray) -> None:
        """Covariances of ``n`` rows with a part of the pool, into ``out`` (``n x w``)."""
        self.parts[0].cross(rows, tile, out)
        for part in self.parts[1:]:
            other = np.empty_like(out)
            part.cross(rows, tile, other)
            self._combine(out, other, out=out)

    def between(self, a: IntArray, b: IntArray) -> FloatArray:
        """Covariances of rows ``a`` (``... x k``) and ``b`` (``... x l``), ``... x k x l``."""
        total = self.parts[0].between(a, b)
        for part in self.parts[1:]:
            self._combine(total, part.between(a, b), out=total)
        return total
