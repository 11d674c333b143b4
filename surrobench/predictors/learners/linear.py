"""Bayesian linear regression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sklearn.linear_model
import torch
from torch import Tensor

from surrobench.arrays import FloatArray
from surrobench.predictors.models import MomentsModel
from surrobench.predictors.recipe import TransformedPredictor, option, smallest_variance


@dataclass(frozen=True, kw_only=True)
class BayesianRidge(TransformedPredictor):
    """Linear regression with a normal prior on the weights (MacKay, 1992).

    Prior precision and noise precision maximise the evidence. Pseudo-observations (by default one,
    with a tenth of the targets' variance as its squared error) keep the noise positive where a few
    examples lie on a line. The posterior's variance is that of the line; the noise is added for
    observations. No trial of ``benchmarks/tuning.py`` was surely better than these defaults, nor
    than scikit-learn's (next to no pseudo-observations).

    Args:
        pseudo_observations: that the prior on the noise counts for.
        pseudo_error: their mean squared error, as a share of the targets' variance.
        weight_shape: shape of the gamma prior on the precision of the weights.
        weight_rate: its rate.
    """

    pseudo_observations: float = option(1.0, least=1e-9, most=1e9)
    pseudo_error: float = option(0.1, least=1e-9, most=1e3)
    weight_shape: float = option(1e-6, least=0.0, most=1e9)
    weight_rate: float = option(1e-6, least=0.0, most=1e9)

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> MomentsModel:
        """Fit by evidence maximisation; ``seed`` is not used."""
        floor = smallest_variance(y)
        variance = max(float(np.var(y)), floor) if len(y) > 1 else 1.0
        shape = 0.5 * self.pseudo_observations
        ridge = sklearn.linear_model.BayesianRidge(
            alpha_1=shape,
            alpha_2=shape * self.pseudo_error * variance,
            lambda_1=self.weight_shape,
            lambda_2=self.weight_rate,
        )
        ridge.fit(X, y)
        noise = max(1.0 / float(ridge.alpha_), floor)

        def moments(Z: Tensor) -> tuple[Tensor, Tensor]:
            inputs = Z.detach().numpy()
            deviation = np.sqrt(line_variance(ridge, inputs))
            return torch.from_numpy(ridge.predict(inputs)), torch.from_numpy(deviation)

        return MomentsModel(moments, noise, floor)


def line_variance(ridge: sklearn.linear_model.BayesianRidge, inputs: FloatArray) -> FloatArray:
    """Posterior variance of a fitted line at ``inputs`` (``m x d``), without the noise, ``m``."""
    # not predict(return_std=True): before scikit-learn 1.9 it forgets to centre the inputs
    centred = inputs - ridge.X_offset_
    variance: FloatArray = np.maximum(((centred @ ridge.sigma_) * centred).sum(axis=1), 0.0)
    return variance
