"""An ensemble of small networks, trained together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from surrobench.arrays import BoolArray, FloatArray, IntArray
from surrobench.predictors.learners.rank_losses import (
    LossName,
    check_loss,
    lines,
    loss_for,
    top_weights,
)
from surrobench.predictors.learners.resampling import fold_masks, left_out_noise
from surrobench.predictors.learners.scaling import UnitRange
from surrobench.predictors.learners.stacked_networks import Gradient, StackedNetworks, train
from surrobench.predictors.models import EnsembleModel
from surrobench.predictors.recipe import TransformedPredictor, option, smallest_variance

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
        loss: ``"squared"``, or of ranks: ``"hinge"`` over pairs or ``"listmle"``, see
            :mod:`~.rank_losses`. Scores that were trained on ranks are moved to the targets by a
            line for each member.
        margin: of the hinge.
        focus: examples weigh ``exp(focus * r)`` with ``r`` from 0 for the worst to 1 for the best.
    """

    members: int = option(10, least=2, most=1000)
    width: int = option(16, least=1, most=4096)
    steps: int = option(200, least=1, most=1_000_000)
    learning_rate: float = option(2e-2, least=1e-9, most=10.0)
    weight_decay: float = option(1e-3, least=0.0, most=100.0)
    initial_gain: float = option(0.5, least=1e-6, most=100.0)
    loss: LossName = "squared"
    margin: float = option(0.5, least=1e-9, most=1e9)
    focus: float = option(0.0, least=0.0, most=50.0)

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        super().__post_init__()
        check_loss(self.loss)

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> EnsembleModel:
        """Train the members in single precision."""
        scale = UnitRange.of(X)
        left_out = np.zeros((self.members, len(y)), dtype=bool)
        if len(y) >= max(TOO_FEW_FOR_FOLDS, self.members):
            left_out = fold_masks(len(y), self.members, seed)
        networks = StackedNetworks(self.members, X.shape[1], self.width)
        networks.draw(float(y.mean()), seed, gain=self.initial_gain)
        rows, share = used_rows(left_out)
        if self.focus:
            share = share * top_weights(y, self.focus)[rows]
            share /= share.sum(axis=1, keepdims=True)
        loss = loss_for(self.loss, y[rows], share, margin=self.margin, seed=seed * self.members)
        self._train(networks, Gradient(networks, scale(X)[rows], loss))
        answer = self._in_units(networks, scale, X, y, left_out)
        noise = left_out_noise(y, answer(X), left_out)

        def members(Z: Tensor) -> Tensor:
            return torch.from_numpy(answer(Z.detach().numpy()))

        return EnsembleModel(members, noise, smallest_variance(y), size=self.members)

    def _in_units(
        self,
        networks: StackedNetworks,
        scale: UnitRange,
        X: FloatArray,
        y: FloatArray,
        left_out: BoolArray,
    ) -> Callable[[FloatArray], FloatArray]:
        """The members' answers ``s x m`` in units of the targets."""
        if self.loss == "squared":
            return lambda Z: networks(Z, scale)
        seen = (~left_out).astype(np.float64)
        slope, intercept = lines(networks(X, scale), y, seen)
        return lambda Z: networks(Z, scale) * slope[:, None] + intercept[:, None]

    def _train(self, networks: StackedNetworks, gradient: Gradient) -> None:
        train(
            networks,
            gradient,
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
