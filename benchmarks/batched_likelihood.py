"""Likelihoods of several Gaussian processes at once, to see what batching over seeds would give.

Every pass over matrices is one NumPy call for all processes; LAPACK has no batched factorisation,
so that is called for one after another. A fit in lock-step would need as many such calls as its
slowest process has evaluations.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs

from surrobench.predictors.gp.correlations import PROFILES, Kernel, squared_distances
from surrobench.predictors.gp.gp_fit import Priors


class BatchedPosterior:
    """``LogPosterior`` with one lengthscale, for ``b`` training sets of one size.

    Args:
        X: inputs, ``b x n x d``, scaled to the unit cube.
        y: targets, ``b x n``.
        kernel: name of the kernel.
        priors: of every process.
    """

    def __init__(self, X: np.ndarray, y: np.ndarray, kernel: Kernel, priors: Priors) -> None:
        self.squared, self.y = squared_distances(X, X), y
        self.profile, self.priors = PROFILES[kernel], priors
        self.targets = np.stack([y, np.ones_like(y)], axis=2)

    def __call__(self, log_parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values ``b`` and gradients ``b x 3`` at ``b x 3`` log hyperparameters."""
        n = self.y.shape[1]
        scale, noise = np.exp(log_parameters[:, 1]), np.exp(log_parameters[:, 2])
        squared = self.squared * np.exp(-2.0 * log_parameters[:, 0])[:, None, None]
        correlation, weight = self.profile(squared)
        correlation *= scale[:, None, None]
        diagonal = np.einsum("bii->bi", correlation)
        diagonal += noise[:, None]
        solved = np.empty_like(self.targets)
        for i, covariance in enumerate(correlation):
            factor, failed = dpotrf(covariance.T, lower=1, clean=1, overwrite_a=1)
            assert failed == 0
            solved[i] = dpotrs(factor, self.targets[i], lower=1)[0]
        constant = solved[..., 0].sum(1) / solved[..., 1].sum(1)
        alpha = solved[..., 0] - constant[:, None] * solved[..., 1]
        fit = ((self.y - constant[:, None]) * alpha).sum(1)
        log_determinant = 2.0 * np.log(diagonal).sum(1)
        values = -0.5 * (fit + log_determinant + n * math.log(2.0 * math.pi))
        for factor in correlation:
            dpotri(factor.T, lower=1, overwrite_c=1)
        curvature = np.square(alpha).sum(1) - diagonal.sum(1)
        correlation *= -2.0
        correlation += alpha[:, :, None] * alpha[:, None, :]
        correlation *= weight
        by_lengthscale = scale * np.einsum("bij,bij->b", correlation, squared)
        by_scale = fit - n - noise * curvature
        gradients = 0.5 * np.stack([by_lengthscale, by_scale, noise * curvature], axis=1)
        return self._with_priors(log_parameters, values, gradients)

    def _with_priors(
        self, log_parameters: np.ndarray, values: np.ndarray, gradients: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        for prior, part in self.priors.parts(1):
            logs = log_parameters[:, part]
            z = (logs - prior.location) / prior.scale
            constant = math.log(prior.scale) + 0.5 * math.log(2.0 * math.pi)
            values -= (logs + constant + 0.5 * z * z).sum(1)
            gradients[:, part] += -1.0 - z / prior.scale
        return values, gradients
