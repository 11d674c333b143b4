"""Bayesian linear regression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sklearn.linear_model
import torch
from torch import Tensor

from surrobench.predictors.models import MomentsModel
from surrobench.predictors.protocol import FloatArray
from surrobench.predictors.recipe import TransformedPredictor, smallest_variance


@dataclass(frozen=True, kw_only=True)
class BayesianRidge(TransformedPredictor):
    """Linear regression with a normal prior on the weights (MacKay, 1992).

    Prior precision and noise precision maximise the evidence; one pseudo-observation with a tenth
    of the targets' variance as its squared error keeps the noise positive where a few examples lie
    on a line. The posterior's variance is that of the line; the noise is added for observations.
    """

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> MomentsModel:
        """Fit by evidence maximisation; ``seed`` is not used."""
        floor = smallest_variance(y)
        pseudo_error = 0.1 * (max(float(np.var(y)), floor) if len(y) > 1 else 1.0)
        ridge = sklearn.linear_model.BayesianRidge(alpha_1=0.5, alpha_2=0.5 * pseudo_error)
        ridge.fit(X, y)
        noise = max(1.0 / float(ridge.alpha_), floor)

        def moments(Z: Tensor) -> tuple[Tensor, Tensor]:
            mean, deviation = ridge.predict(Z.detach().numpy(), return_std=True)
            line = np.maximum(np.square(deviation) - 1.0 / ridge.alpha_, 0.0)
            return torch.from_numpy(mean), torch.from_numpy(np.sqrt(line))

        return MomentsModel(moments, noise, floor)
