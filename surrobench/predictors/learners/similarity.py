"""Predictors for inputs whose inner products are similarities: nothing is rescaled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from botorch.models.model import Model
from botorch.posteriors.gpytorch import GPyTorchPosterior
from gpytorch.distributions import MultivariateNormal
from torch import Tensor

from surrobench.arrays import FloatArray
from surrobench.base.process_state import if_settled
from surrobench.predictors.learners.neighbours import NearestNeighbours
from surrobench.predictors.learners.scaling import UnitRange
from surrobench.predictors.models import MIN_VARIANCE, OneOutput
from surrobench.predictors.recipe import TransformedPredictor, smallest_variance

RATIOS: FloatArray = np.geomspace(1e-4, 1e2, 61)
"""Noise over signal that are tried, in units of the mean similarity of an example with itself."""


@dataclass(frozen=True, kw_only=True)
class SimilarityGP(TransformedPredictor):
    """An exact Gaussian process whose kernel is given, up to its size.

    ``y = c + f + e`` with ``f ~ N(0, s^2 K)``, ``e ~ N(0, s^2 d I)``. From the eigenvalues of the
    examples' ``K``, ``c`` and ``s^2`` have closed forms for every ratio ``d``; of :data:`RATIOS`
    the one with the highest posterior is taken, under a log-normal prior around a tenth of the mean
    diagonal of ``K`` (two natural logarithms wide), and one more observation of unit variance in
    ``s^2``. (Rasmussen & Williams, "Gaussian Processes for Machine Learning", 2006, section 2.7 for
    the constant, 5.4 for the likelihood.)
    """

    encoding: ClassVar[str | None] = "similarity"

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> Model:
        """Fit; deterministic, ``seed`` is not used."""
        K = X @ X.T
        level = max(float(np.trace(K)) / len(K), 1e-300)
        values, vectors = np.linalg.eigh(K / level)
        values = np.maximum(values, 0.0)
        ones, targets = vectors.T @ np.ones(len(y)), vectors.T @ y
        best = max((_fitted(values, ones, targets, ratio) for ratio in RATIOS), key=lambda f: f[0])
        _, ratio, constant, size = best
        weights = vectors @ ((targets - constant * ones) / (values + ratio))
        inverse = (vectors / (values + ratio)) @ vectors.T
        floor = max(smallest_variance(y), MIN_VARIANCE)
        return GivenKernelModel(
            torch.from_numpy(X / np.sqrt(level)),
            torch.from_numpy(weights),
            torch.from_numpy(inverse),
            (constant, size, size * ratio, floor, 1.0 / np.sqrt(level)),
        )


def _fitted(
    values: FloatArray, ones: FloatArray, targets: FloatArray, ratio: float
) -> tuple[float, float, float, float]:
    """Log posterior density, ratio, constant and signal variance, best for that ratio."""
    V = values + ratio
    constant = float((ones * targets / V).sum() / (ones * ones / V).sum())
    left = targets - constant * ones
    n = len(targets)
    size = (float((left * left / V).sum()) + 1.0) / (n + 1)
    prior = -0.5 * ((np.log(ratio) - np.log(0.1)) / 2.0) ** 2
    density = -0.5 * (n + 1) * np.log(size) - 0.5 * float(np.log(V).sum()) + prior
    return float(density), float(ratio), constant, size


class GivenKernelModel(OneOutput):
    """The posterior of a Gaussian process over inner products, with its joint covariance.

    Args:
        X: the examples, ``n x d``, scaled.
        weights: ``V^-1 (y - c)``, ``n``.
        inverse: ``V^-1``, ``n x n``.
        numbers: constant, signal variance, noise variance, smallest variance and scale of inputs.
    """

    settled = True

    def __init__(
        self,
        X: Tensor,
        weights: Tensor,
        inverse: Tensor,
        numbers: tuple[float, float, float, float, float],
    ) -> None:
        super().__init__()
        self.X, self.weights, self.inverse = X, weights, inverse
        self.constant, self.size, self.noise, self.floor, self.scale = map(float, numbers)

    @if_settled
    def _posterior_at(self, X: Tensor, observation_noise: bool | Tensor) -> Any:
        Z = X.to(torch.float64) * self.scale
        cross = Z @ self.X.T
        mean = self.constant + cross @ self.weights
        covariance = Z @ Z.transpose(-1, -2) - cross @ self.inverse @ cross.transpose(-1, -2)
        covariance = self.size * (covariance + covariance.transpose(-1, -2)) / 2
        added = torch.full(mean.shape, self.floor, dtype=torch.float64)
        if isinstance(observation_noise, Tensor):
            added = added + observation_noise.squeeze(-1)
        elif observation_noise:
            added = added + self.noise
        covariance = covariance + torch.diag_embed(added)
        return GPyTorchPosterior(MultivariateNormal(mean, covariance))


@dataclass(frozen=True, kw_only=True)
class SimilarNeighbours(NearestNeighbours):
    """Nearest neighbours by the distance of a kernel, ``K_ii + K_jj - 2 K_ij`` squared."""

    encoding: ClassVar[str | None] = "similarity"

    metric: str = "euclidean"

    def scaling(self, X: FloatArray) -> UnitRange:
        """None: columns keep their size."""
        return UnitRange(np.zeros(X.shape[1]), np.ones(X.shape[1]))
