"""Permutation importance: what a predictor loses when it cannot tell a feature."""

from __future__ import annotations

import numpy as np
import pandas as pd

from surrobench.arrays import FloatArray
from surrobench.metrics.ranking import kendall_tau
from surrobench.understanding.fitting import Fit


def permutation_importance(fit: Fit, repeats: int = 5) -> pd.DataFrame:
    """Loss of Kendall τ and gain of mean absolute error on the test set, feature by feature.

    The columns of a feature are shuffled together among the test architectures, so that a variable
    is lost as a whole. Breiman, "Random forests", Machine Learning 2001.

    Args:
        fit: a fitted predictor.
        repeats: shuffles to average over.

    Returns:
        A row per feature: ``feature``, ``block``, ``tau_loss``, ``mae_gain``.
    """
    sample = fit.sample
    tau, mae = _scores(sample.truth, np.asarray(fit.predictive.median))
    rows = []
    for place, feature in enumerate(sample.features):
        generator = np.random.default_rng([sample.seed, place])
        columns = list(feature.columns)
        scores = []
        for _ in range(repeats):
            X = sample.X_test.copy()
            X[:, columns] = X[generator.permutation(len(X))][:, columns]
            scores.append(_scores(sample.truth, fit.answer(X)))
        lost_tau, lost_mae = np.mean(scores, axis=0)
        rows.append((feature.name, feature.block, tau - lost_tau, lost_mae - mae))
    return pd.DataFrame(rows, columns=["feature", "block", "tau_loss", "mae_gain"])


def _scores(truth: FloatArray, predicted: FloatArray) -> tuple[float, float]:
    return kendall_tau(truth, predicted), float(np.abs(truth - predicted).mean())
