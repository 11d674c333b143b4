"""A network whose last layer is Bayesian."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sklearn.linear_model
import torch
from torch import Tensor

from surrobench.arrays import FloatArray
from surrobench.predictors.learners.rank_losses import SquaredError
from surrobench.predictors.learners.scaling import UnitRange
from surrobench.predictors.learners.stacked_networks import (
    Gradient,
    HiddenLayers,
    StackedNetworks,
    train,
)
from surrobench.predictors.models import MomentsModel
from surrobench.predictors.recipe import TransformedPredictor, option, smallest_variance

_ROWS = 4096


@dataclass(frozen=True, kw_only=True)
class LastLayer(TransformedPredictor):
    """DNGO: Bayesian linear regression on what a network has learned (Snoek et al., ICML 2015).

    A multilayer perceptron is trained on all examples with the squared loss. With its last hidden
    layer ``phi(x)`` as features,

        ``y = phi(x)' w + b + e``,   ``w ~ N(0, 1/lambda)``,   ``e ~ N(0, 1/alpha)``,

    where ``alpha`` and ``lambda`` maximise the evidence (MacKay, 1992), with one pseudo-observation
    as :class:`~.linear.BayesianRidge` has it. Width, steps, learning rate and decay are those of
    :class:`~.neural.MLPEnsemble`, but for a wider last layer.

    Args:
        width: units of each of the two hidden layers.
        steps: of AdamW.
        learning_rate: at the start of the cosine schedule.
        weight_decay: of AdamW.
        pseudo_error: squared error of the pseudo-observation, as a share of the targets' variance.
    """

    width: int = option(32, least=1, most=4096)
    steps: int = option(200, least=1, most=1_000_000)
    learning_rate: float = option(2e-2, least=1e-9, most=10.0)
    weight_decay: float = option(1e-3, least=0.0, most=100.0)
    pseudo_error: float = option(0.1, least=1e-9, most=1e3)

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> MomentsModel:
        """Train the network, then fit the line through its last hidden layer."""
        scale = UnitRange.of(X)
        networks = StackedNetworks(1, X.shape[1], self.width).draw(float(y.mean()), seed)
        share = np.full((1, len(y)), 1.0 / len(y))
        train(
            networks,
            Gradient(networks, scale(X)[None], SquaredError(y[None], share)),
            steps=self.steps,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
        )
        floor = smallest_variance(y)
        variance = max(float(np.var(y)), floor) if len(y) > 1 else 1.0
        line = sklearn.linear_model.BayesianRidge(
            alpha_1=0.5, alpha_2=0.5 * self.pseudo_error * variance
        )
        line.fit(_last_layer(networks, scale(X)), y)

        def moments(Z: Tensor) -> tuple[Tensor, Tensor]:
            features = _last_layer(networks, scale(Z.detach().numpy()))
            mean, deviation = line.predict(features, return_std=True)
            function = np.maximum(np.square(deviation) - 1.0 / line.alpha_, 0.0)
            return torch.from_numpy(mean), torch.from_numpy(np.sqrt(function))

        return MomentsModel(moments, max(1.0 / float(line.alpha_), floor), floor)


def _last_layer(networks: StackedNetworks, X: FloatArray) -> FloatArray:
    """The second hidden layer of one network at ``X`` (``m x d``), ``m x width``."""
    layers, parts = networks.layers_of(networks.parameters), []
    for begin in range(0, len(X), _ROWS):
        rows = X[begin : begin + _ROWS]
        inputs = np.ones((len(rows), X.shape[1] + 1), dtype=np.float32)
        inputs[:, :-1] = rows
        hidden = HiddenLayers(networks, len(rows))
        hidden.forward(layers, inputs)
        parts.append(hidden.units[1][0].astype(np.float64))
    return np.concatenate(parts)
