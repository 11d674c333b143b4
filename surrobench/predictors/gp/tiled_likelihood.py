"""The likelihood of an exact Gaussian process in the memory of one ``n x n`` matrix.

With thousands of examples each matrix of all pairs takes a gigabyte, and passes over it wait for
the memory. Here the covariance is made in tiles that stay near the processor, below the diagonal
alone; its factor and its inverse take its place, and the kernel's slopes are evaluated tile by tile
when the gradient needs them.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs

from surrobench.arrays import FloatArray
from surrobench.predictors.gp.correlations import Kernel
from surrobench.predictors.gp.gp_fit import (
    JITTERS,
    Point,
    Priors,
    not_positive_definite,
    with_priors,
)
from surrobench.predictors.gp.kernel_tiles import KernelTiles


def lower_factor(tiles: KernelTiles, outputscale: float, noise: float, into: FloatArray) -> float:
    """Cholesky factor of ``outputscale * correlation + (noise + jitter) I``, and the jitter.

    Args:
        tiles: the training points.
        outputscale: variance of the function.
        noise: variance of an observation around it.
        into: ``n x n``, in C order; its lower triangle becomes the transpose of the upper factor
            that LAPACK sees, which is the lower one. What is above the diagonal stays undefined.

    Raises:
        ArithmeticError: if no jitter makes the covariance positive definite.
    """
    for relative in JITTERS:
        jitter = relative * outputscale
        for rows, columns, correlation, *_ in tiles.below():
            np.multiply(correlation, outputscale, out=into[rows, columns])
        into.flat[:: len(into) + 1] = outputscale + noise + jitter
        factor, failed = dpotrf(into.T, lower=0, overwrite_a=1, clean=0)
        assert np.may_share_memory(factor, into)
        if failed == 0:
            return jitter
    raise not_positive_definite()


class TiledPosterior:
    """What :class:`~.gp_fit.LogPosterior` is, for any columns, in the memory of one matrix.

    Args:
        X: ``n x d``, scaled to about the unit cube.
        y: targets, ``n``.
        kernel: name of the kernel.
        ard: one lengthscale per column instead of one shared by all.
        priors: the priors.
        room: ``n x n`` numbers to work in; new ones where there are none.
    """

    def __init__(
        self,
        X: FloatArray,
        y: FloatArray,
        kernel: Kernel,
        *,
        ard: bool,
        priors: Priors,
        room: FloatArray | None = None,
    ) -> None:
        self.X, self.y, self.kernel = X, y, kernel
        self.lengthscales = X.shape[1] if ard else 1
        self._priors = priors
        self._room = np.empty((len(X), len(X))) if room is None else room
        self._targets = np.asfortranarray(np.stack([y, np.ones_like(y)], axis=1))

    def bounds(self) -> list[tuple[float, float]]:
        """Bounds of the log hyperparameters."""
        return self._priors.bounds(self.lengthscales)

    def __call__(self, log_parameters: FloatArray) -> Point:
        """Value and gradient; the formulas are those of :class:`~.gp_fit.SumPosterior`.

        Raises:
            ArithmeticError: if no jitter makes the covariance positive definite.
        """
        lengthscales = np.exp(log_parameters[: self.lengthscales])
        outputscale, noise = np.exp(log_parameters[self.lengthscales :]).tolist()
        tiles = KernelTiles(self.X, self.kernel, lengthscales)
        jitter = lower_factor(tiles, outputscale, noise, self._room)
        n, upper = len(self.y), self._room.T
        solved = dpotrs(upper, self._targets, lower=0)[0]
        constant = float(solved[:, 0].sum() / solved[:, 1].sum())
        alpha = solved[:, 0] - constant * solved[:, 1]
        fit = float((self.y - constant) @ alpha)
        log_determinant = 2.0 * float(np.log(np.diagonal(upper)).sum())
        value = -0.5 * (fit + log_determinant + n * math.log(2.0 * math.pi))

        inverse, _ = dpotri(upper, lower=0, overwrite_c=1)
        assert np.may_share_memory(inverse, self._room)
        curvature = float(alpha @ alpha) - float(np.trace(self._room))
        # What noise and jitter do not explain, the outputscale does; jitter is a share of it.
        by_scale = fit - n - noise * curvature
        by_lengthscale = outputscale * self._slopes(tiles, alpha)
        gradient = np.append(by_lengthscale, [0.5 * by_scale, 0.5 * noise * curvature])
        priors = self._priors.parts(self.lengthscales)
        return with_priors(Point(value, gradient, constant, jitter), priors, log_parameters)

    def _slopes(self, tiles: KernelTiles, alpha: FloatArray) -> FloatArray:
        """``sum_i>j (alpha_i alpha_j - inverse_ij) d correlation_ij`` for each log lengthscale."""
        Z, total = tiles.points, np.zeros(self.X.shape[1])
        for rows, columns, _, weight, matrix in tiles.below():
            np.multiply.outer(alpha[rows], alpha[columns], out=matrix)
            matrix -= self._room[rows, columns]
            matrix *= weight
            square = matrix[:, rows]  # of which the pairs above the diagonal are left out
            square[:] = np.tril(square, -1)
            total += matrix.sum(axis=1) @ np.square(Z[rows])
            total += matrix.sum(axis=0) @ np.square(Z[columns])
            total -= 2.0 * np.einsum("ij,ij->j", Z[rows], matrix @ Z[columns])
        return total if self.lengthscales > 1 else total.sum(keepdims=True)
