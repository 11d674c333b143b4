"""An ensemble of small networks, trained together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from surrobench.arrays import BoolArray, FloatArray, IntArray
from surrobench.predictors.models import EnsembleModel
from surrobench.predictors.recipe import TransformedPredictor, option, smallest_variance
from surrobench.predictors.resampling import fold_masks, left_out_noise
from surrobench.predictors.scaling import UnitRange
from surrobench.predictors.stacked_networks import SquaredLoss, StackedNetworks, train

TOO_FEW_FOR_FOLDS = 10


@dataclass(frozen=True, kw_only=True)
class MLPEnsemble(TransformedPredictor):
    """A cross-validation ensemble of multilayer perceptrons (Krogh & Vedelsby, 1995).

    Each member leaves out one fold of the examples, so that its errors there tell the observation
    noise; with fewer than 10 examples every member sees all of them. Members start from different
    weights and run through one batched product; they are trained for a fixed number of full-batch
    AdamW steps under a cosine schedule. Weights start smaller than usual (by default half of He's
    variance, a hundredth of it at the output).

    Width, steps and weight decay were chosen on TransNAS-Bench-101 and HAT
    (``benchmarks/tuning.py``, ``results/tuning``).

    Args:
        members: networks in the ensemble, and folds.
        width: units of each of the two hidden layers.
        steps: of AdamW.
        learning_rate: at the start of the schedule.
        weight_decay: of AdamW.
        initial_gain: variance of the initial weights times the inputs of a unit (He's is 2).
    """

    members: int = option(10, least=2, most=1000)
    width: int = option(16, least=1, most=4096)
    steps: int = option(200, least=1, most=1_000_000)
    learning_rate: float = option(2e-2, least=1e-9, most=10.0)
    weight_decay: float = option(1e-3, least=0.0, most=100.0)
    initial_gain: float = option(0.5, least=1e-6, most=100.0)

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> EnsembleModel:
        """Train the members in single precision."""
        scale = UnitRange.of(X)
        left_out = np.zeros((self.members, len(y)), dtype=bool)
        if len(y) >= max(TOO_FEW_FOR_FOLDS, self.members):
            left_out = fold_masks(len(y), self.members, seed)
        networks = StackedNetworks(self.members, X.shape[1], self.width)
        networks.draw(float(y.mean()), seed, gain=self.initial_gain)
        rows, share = used_rows(left_out)
        self._train(networks, SquaredLoss(networks, scale(X)[rows], y[rows], share))
        noise = left_out_noise(y, networks(X, scale), left_out)

        def members(Z: Tensor) -> Tensor:
            return torch.from_numpy(networks(Z.detach().numpy(), scale))

        return EnsembleModel(members, noise, smallest_variance(y), size=self.members)

    def _train(self, networks: StackedNetworks, loss: SquaredLoss) -> None:
        train(
            networks,
            loss,
            steps=self.steps,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
        )


def used_rows(left_out: BoolArray) -> tuple[IntArray, FloatArray]:
    """Rows that each member sees and their shares in its mean, both ``s x k``.

    Members that leave out one row more than others get a row of no weight.

    Args:
        left_out: rows that a member does not see, ``s x n``.
    """
    counts = (~left_out).sum(axis=1, keepdims=True)
    rows = np.argsort(left_out, axis=1, kind="stable")[:, : counts.max()]
    return rows, ~np.take_along_axis(left_out, rows, axis=1) / counts
