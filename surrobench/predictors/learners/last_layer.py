"""A network whose last layer is Bayesian."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sklearn.linear_model
import torch
from torch import Tensor

from surrobench.arrays import BoolArray, FloatArray
from surrobench.predictors.learners.linear import line_variance
from surrobench.predictors.learners.neural import used_rows
from surrobench.predictors.learners.rank_losses import SquaredError
from surrobench.predictors.learners.resampling import fold_masks
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

    The evidence takes the features for given, though they were fitted to the same targets; so it
    finds too little noise (``results/last-layer``). With ``folds``, as ``dngo-held-out`` has them,
    the noise is instead what networks and lines that have not seen an example miss it by, squared
    and less the variance that they gave their line there. The mean stays the same.

    Args:
        width: units of each of the two hidden layers.
        steps: of AdamW.
        learning_rate: at the start of the cosine schedule.
        weight_decay: of AdamW.
        pseudo_error: squared error of the pseudo-observation, as a share of the targets' variance.
        folds: for the noise, as many as there are examples at most; 0 for that of the evidence.
    """

    width: int = option(32, least=1, most=4096)
    steps: int = option(200, least=1, most=1_000_000)
    learning_rate: float = option(2e-2, least=1e-9, most=10.0)
    weight_decay: float = option(1e-3, least=0.0, most=100.0)
    pseudo_error: float = option(0.1, least=1e-9, most=1e3)
    folds: int = option(0, least=0, most=1000)

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> MomentsModel:
        """Train the network, then fit the line through its last hidden layer."""
        scale, floor = UnitRange.of(X), smallest_variance(y)
        networks = self._trained(scale(X), y, np.zeros((1, len(y)), dtype=bool), seed)
        line = self._line(_last_layers(networks, scale(X))[0], y, floor)
        noise = 1.0 / float(line.alpha_)
        if self.folds and len(y) > 1:
            noise = self._left_out_noise(scale(X), y, floor, seed)

        def moments(Z: Tensor) -> tuple[Tensor, Tensor]:
            features = _last_layers(networks, scale(Z.detach().numpy()))[0]
            deviation = np.sqrt(line_variance(line, features))
            return torch.from_numpy(line.predict(features)), torch.from_numpy(deviation)

        return MomentsModel(moments, max(noise, floor), floor)

    def _trained(
        self, X: FloatArray, y: FloatArray, left_out: BoolArray, seed: int
    ) -> StackedNetworks:
        """One network for each row of ``left_out``, ``s x n``, trained on the other examples."""
        rows, share = used_rows(left_out)
        networks = StackedNetworks(len(left_out), X.shape[1], self.width)
        networks.draw(float(y.mean()), seed)
        train(
            networks,
            Gradient(networks, X[rows], SquaredError(y[rows], share)),
            steps=self.steps,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
        )
        return networks

    def _line(
        self, features: FloatArray, y: FloatArray, floor: float
    ) -> sklearn.linear_model.BayesianRidge:
        """The line through the targets of ``features``, ``n x width``."""
        variance = max(float(np.var(y)), floor) if len(y) > 1 else 1.0
        line = sklearn.linear_model.BayesianRidge(
            alpha_1=0.5, alpha_2=0.5 * self.pseudo_error * variance
        )
        return line.fit(features, y)

    def _left_out_noise(self, X: FloatArray, y: FloatArray, floor: float, seed: int) -> float:
        """What lines miss left-out examples by, squared, less their own variance there."""
        left_out = fold_masks(len(y), min(self.folds, len(y)), seed)
        layers = _last_layers(self._trained(X, y, left_out, seed), X)
        excess = np.empty(len(y))
        for features, hidden in zip(layers, left_out, strict=True):
            line = self._line(features[~hidden], y[~hidden], floor)
            missed = line.predict(features[hidden]) - y[hidden]
            excess[hidden] = np.square(missed) - line_variance(line, features[hidden])
        return float(excess.mean())


def _last_layers(networks: StackedNetworks, X: FloatArray) -> FloatArray:
    """The second hidden layer of every network at ``X`` (``m x d``), ``s x m x width``."""
    layers, parts = networks.layers_of(networks.parameters), []
    for begin in range(0, len(X), _ROWS):
        rows = X[begin : begin + _ROWS]
        inputs = np.ones((len(rows), X.shape[1] + 1), dtype=np.float32)
        inputs[:, :-1] = rows
        hidden = HiddenLayers(networks, len(rows))
        hidden.forward(layers, inputs)
        parts.append(hidden.units[1].astype(np.float64))
    return np.concatenate(parts, axis=1)
