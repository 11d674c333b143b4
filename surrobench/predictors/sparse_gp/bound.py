"""The collapsed bound of a sparse variational Gaussian process, with closed-form gradients.

With inducing points ``Z``, ``Q = K_XZ K_ZZ^-1 K_ZX`` and noise variance ``s``, the bound on the log
marginal likelihood is (Titsias 2009)

    ``log N(y | c 1, Q + s I) - tr(K - Q) / (2 s)``.

It is maximised with the priors of :mod:`~surrobench.predictors.gp.gp_fit`; the constant ``c`` has
none and is profiled out. An evaluation takes about five products of ``m x m`` and ``m x n``
matrices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
from scipy.linalg.blas import dtrsm
from scipy.linalg.lapack import dpotri, dpotrs, dtrtri, dtrtrs

from surrobench.arrays import FloatArray, IntArray
from surrobench.predictors.gp.correlations import Correlation, Kernel, ProductCorrelation, Pull
from surrobench.predictors.gp.covariance import PoolCovariance
from surrobench.predictors.gp.gp_fit import LogNormal, Point, factorise, with_priors
from surrobench.predictors.gp.kernel_tiles import KernelTiles
from surrobench.predictors.gp.kernels import BlockKernel

JITTER = 1e-8
"""Share of the outputscale on the diagonal of ``K_ZZ``; more where that does not suffice."""


class CrossCorrelation:
    """Correlations of ``m`` inducing points with ``n`` examples.

    Matrices are overwritten by the next call.
    """

    def __init__(self, Z: FloatArray, X: FloatArray, kernel: Kernel, groups: IntArray) -> None:
        """Take columns ``m x d`` and ``n x d`` and the lengthscale of each column."""
        self.size = int(groups.max()) + 1
        self._Z, self._X, self._kernel, self._groups = Z, X, kernel, groups
        self._matrix, self._weight = (np.empty((len(Z), len(X))) for _ in range(2))

    @classmethod
    def of_block(cls, block: BlockKernel, chosen: IntArray) -> CrossCorrelation:
        """Between some rows of a block and all."""
        columns, groups = block.columns()
        return cls(columns[chosen], columns, block.kernel, groups)

    def __call__(self, log_lengthscales: FloatArray) -> tuple[FloatArray, Pull]:
        """The matrix ``m x n`` and its reverse-mode derivative."""
        by_column = np.exp(log_lengthscales)[self._groups]
        tiles = KernelTiles(self._X, self._kernel, by_column)
        Z, X = tiles.scaled(self._Z), tiles.points
        tiles.fill(Z, self._matrix, self._weight)

        def pull(M: FloatArray) -> FloatArray:
            M *= self._weight
            slopes = M.sum(axis=1) @ np.square(Z) + M.sum(axis=0) @ np.square(X)
            slopes -= 2.0 * np.einsum("ij,ij->j", Z, M @ X)
            summed = np.bincount(self._groups, weights=slopes, minlength=self.size)
            return summed.astype(np.float64)

        return self._matrix, pull


@dataclass(frozen=True)
class Collapsed:
    """A sparse process with certain hyperparameters after ``n`` observations.

    Attributes:
        value: the bound.
        constant: the prior mean.
        weights: ``w``, ``m``: the posterior mean at ``x`` is ``constant + k(x, Z) w``.
        explained: ``F``, ``m x m``: the posterior covariance of ``x`` and ``x'`` is ``k(x, x')``
            less the product of ``F k(Z, x)`` and ``F k(Z, x')``.
        jitter: what was added to the diagonal of ``K_ZZ``, as a share of the outputscale.
    """

    value: float
    constant: float
    weights: FloatArray
    explained: FloatArray
    jitter: float


class Projection:
    """``A = L^-1 K_ZX / sqrt(s)`` with ``L L' = K_ZZ``, and ``B = I + A A'`` with its factor.

    Args:
        among: ``K_ZZ`` over the outputscale, ``m x m``.
        across: ``K_ZX``, ``m x n``.
        outputscale: prior variance at every point.
        noise: ``s``.
        y: targets, ``n``.

    Raises:
        ArithmeticError: if no jitter makes ``K_ZZ`` positive definite.
    """

    def __init__(
        self,
        among: FloatArray,
        across: FloatArray,
        outputscale: float,
        noise: float,
        y: FloatArray,
    ) -> None:
        self.outputscale, self.noise, self.y = outputscale, noise, y
        self.L, more = factorise(among, outputscale, JITTER * outputscale)
        self.jitter = JITTER + more / outputscale
        # Transposed, the m x n matrices are in the order of LAPACK.
        share = 1.0 / math.sqrt(noise)
        self.A: FloatArray = dtrsm(share, self.L, across.T, side=1, lower=1, trans_a=1).T
        self.gram: FloatArray = self.A @ self.A.T
        m = len(self.gram)
        self.LB, _ = factorise(self.gram, 1.0, 1.0)
        # With S = Q + s I, S^-1 v = (v - A' B^-1 A v) / s.
        both = np.asfortranarray(np.stack([self.A @ y, self.A.sum(axis=1)], axis=1))
        inner = dpotrs(self.LB, both, lower=1)[0]
        by_ones = float(len(y) - both[:, 1] @ inner[:, 1])
        self.constant = float(y.sum() - both[:, 1] @ inner[:, 0]) / by_ones
        self.residual = y - self.constant
        self.seen = both[:, 0] - self.constant * both[:, 1]
        self.inner: FloatArray = inner[:, 0] - self.constant * inner[:, 1]
        self.weights: FloatArray = (
            dtrtrs(self.L, self.inner, lower=1, trans=1)[0].reshape(m) * share
        )

    def value(self) -> float:
        """The bound."""
        n = len(self.y)
        fit = float(self.residual @ self.residual - self.seen @ self.inner) / self.noise
        log_determinant = 2.0 * float(np.log(np.diagonal(self.LB)).sum()) + n * math.log(self.noise)
        unexplained = n * self.outputscale / self.noise - float(np.trace(self.gram))
        return -0.5 * (fit + log_determinant + n * math.log(2.0 * math.pi) + unexplained)

    def collapsed(self) -> Collapsed:
        """What predictions need."""
        # L^-T (I - B^-1) L^-1 = F' F with B - I = A A' = U diag(l) U'.
        sizes, vectors = np.linalg.eigh(self.gram)
        shares = np.sqrt(np.maximum(sizes, 0.0) / (1.0 + np.maximum(sizes, 0.0)))
        inverse, _ = dtrtri(self.L, lower=1)
        explained: FloatArray = scipy.linalg.qr(
            (shares[:, None] * vectors.T) @ inverse, mode="r", check_finite=False
        )[0]
        return Collapsed(self.value(), self.constant, self.weights, explained, self.jitter)


class SparsePosterior:
    """The bound plus log priors, a function of log hyperparameters.

    The covariance is ``sum_t s_t C_t``. The argument holds the logarithms of the lengthscales of
    each term in turn, of the outputscales ``s_t`` and of the noise.

    Args:
        terms: each as correlations among the inducing points, and of them with the examples.
        y: targets, ``n``.
        priors: one or more for neighbouring entries of the argument, from the first to the last.
        bounds: of each entry.
    """

    def __init__(
        self,
        terms: Sequence[tuple[Correlation, Correlation]],
        y: FloatArray,
        priors: Sequence[tuple[LogNormal, slice]],
        bounds: list[tuple[float, float]],
    ) -> None:
        self.terms, self.y = terms, y
        self._parts, self._bounds = priors, bounds
        sizes = [among.size for among, _ in terms]
        self._first_scale, self._ends = sum(sizes), np.cumsum(sizes)[:-1]

    @classmethod
    def of(
        cls, covariance: PoolCovariance, chosen: IntArray, y: FloatArray, unit: float
    ) -> SparsePosterior:
        """For a covariance over ``n`` examples, of which some are inducing points.

        Args:
            covariance: of the examples.
            chosen: positions of the inducing points.
            y: targets, ``n``.
            unit: variance of the targets that priors are scaled to.
        """
        among: list[Correlation] = [block.correlation(chosen) for block in covariance.blocks]
        across: list[Correlation] = [
            CrossCorrelation.of_block(block, chosen) for block in covariance.blocks
        ]
        if covariance.product:
            among, across = [ProductCorrelation(among)], [ProductCorrelation(across)]
        terms = list(zip(among, across, strict=True))
        return cls(terms, y, covariance.prior_parts(unit), covariance.bounds(unit))

    def bounds(self) -> list[tuple[float, float]]:
        """Bounds of the log hyperparameters."""
        return self._bounds

    def _split(self, log_parameters: FloatArray) -> tuple[list[FloatArray], FloatArray, float]:
        lengthscales = np.split(log_parameters[: self._first_scale], self._ends)
        scales = np.exp(log_parameters[self._first_scale : -1])
        return lengthscales, scales, math.exp(log_parameters[-1])

    def _projection(
        self, matrices: Sequence[tuple[FloatArray, FloatArray]], scales: FloatArray, noise: float
    ) -> Projection:
        outputscale = float(scales.sum())
        among, across = (
            sum(share * pair[side] for share, pair in zip(shares, matrices, strict=True))
            for side, shares in enumerate((scales / outputscale, scales))
        )
        return Projection(among, across, outputscale, noise, self.y)

    def collapsed(self, log_parameters: FloatArray) -> Collapsed:
        """The process with these hyperparameters.

        Raises:
            ArithmeticError: if no jitter makes the covariance positive definite.
        """
        lengthscales, scales, noise = self._split(log_parameters)
        matrices = [
            (among(logs)[0], across(logs)[0])
            for (among, across), logs in zip(self.terms, lengthscales, strict=True)
        ]
        return self._projection(matrices, scales, noise).collapsed()

    def __call__(self, log_parameters: FloatArray) -> Point:
        """Evaluate value and gradient.

        Raises:
            ArithmeticError: if no jitter makes the covariance positive definite.
        """
        lengthscales, scales, noise = self._split(log_parameters)
        parts: list[Any] = [
            (among(logs), across(logs))
            for (among, across), logs in zip(self.terms, lengthscales, strict=True)
        ]
        matrices = [(a[0], b[0]) for a, b in parts]
        found = self._projection(matrices, scales, noise)
        value, n, m, w = found.value(), len(self.y), len(found.gram), found.weights
        # With S = Q + s I, alpha = S^-1 r and W = K_ZZ^-1 K_ZX, d bound / dQ is
        #     G = (alpha alpha' + A' B^-1 A / s) / 2,
        # so that the slopes are 2 W G in K_ZX and -W G W' in K_ZZ, where W alpha = w,
        #     W A' B^-1 A / s = L^-T (I - B^-1) A / sqrt(s).
        inverse_L, _ = dtrtri(found.L, lower=1)
        inverse_B = dpotri(found.LB, lower=1)[0]
        inverse_B = np.tril(inverse_B) + np.tril(inverse_B, -1).T
        identity = np.eye(m)
        alpha = (found.residual - found.inner @ found.A) / noise
        by_across = ((inverse_L.T @ (identity - inverse_B)) / math.sqrt(noise)) @ found.A
        by_across += np.multiply.outer(w, alpha)
        both = found.gram + inverse_B - identity  # B - 2 I + B^-1
        by_among = -0.5 * (inverse_L.T @ both @ inverse_L + np.multiply.outer(w, w))
        trace = found.jitter * float(np.trace(by_among)) - 0.5 * n / noise
        by_scale, by_lengthscale = [], []
        last = len(parts) - 1
        for i, ((among, across), scale) in enumerate(zip(parts, scales, strict=True)):
            slope = float(np.vdot(by_across, across[0])) + float(np.vdot(by_among, among[0]))
            by_scale.append(scale * (slope + trace))
            slopes = among[1](by_among.copy())
            slopes = slopes + across[1](by_across if i == last else by_across.copy())
            by_lengthscale.append(scale * slopes)
        explained = float(np.trace(found.gram))
        by_noise = float(alpha @ alpha) * noise - (n - m + float(np.trace(inverse_B)))
        by_noise += n * found.outputscale / noise - explained
        gradient = np.concatenate([*by_lengthscale, by_scale, [0.5 * by_noise]])
        point = Point(value, gradient, found.constant, 0.0)
        return with_priors(point, self._parts, log_parameters)
