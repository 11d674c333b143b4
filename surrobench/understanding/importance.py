"""Permutation importance: what a predictor loses when it cannot tell a feature."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from surrobench.arrays import FloatArray, IntArray
from surrobench.encodings import make_encoding
from surrobench.metrics.ranking import kendall_tau
from surrobench.understanding.fitting import Fit, Sample

Shuffled = Callable[[IntArray], FloatArray]
"""From an order of the test architectures to inputs whose feature comes from others."""


def permutation_importance(fit: Fit, repeats: int = 5) -> pd.DataFrame:
    """Loss of Kendall τ and gain of mean absolute error on the test set, feature by feature.

    The columns of a feature are shuffled together among the test architectures, so that a variable
    is lost as a whole. Breiman, "Random forests", Machine Learning 2001. To a predictor that reads
    graphs a column means nothing without the others: there every decision of the space is shuffled,
    and the architectures that result are encoded.

    Args:
        fit: a fitted predictor.
        repeats: shuffles to average over.

    Returns:
        A row per feature: ``feature``, ``block``, ``tau_loss``, ``mae_gain``.
    """
    sample = fit.sample
    tau, mae = _scores(sample.truth, np.asarray(fit.predictive.median))
    rows = []
    shuffles = _decisions(sample) if fit.on_graphs else _columns(sample)
    for place, (feature, block, shuffled) in enumerate(shuffles):
        generator = np.random.default_rng([sample.seed, place])
        scores = []
        for _ in range(repeats):
            X = shuffled(generator.permutation(len(sample.X_test)))
            scores.append(_scores(sample.truth, fit.answer(X)))
        lost_tau, lost_mae = np.mean(scores, axis=0)
        rows.append((feature, block, tau - lost_tau, lost_mae - mae))
    return pd.DataFrame(rows, columns=["feature", "block", "tau_loss", "mae_gain"])


def _columns(sample: Sample) -> Iterator[tuple[str, str, Shuffled]]:
    """Name and block of each feature, and how to shuffle it."""
    for feature in sample.features:

        def shuffled(order: IntArray, columns: tuple[int, ...] = feature.columns) -> FloatArray:
            X = sample.X_test.copy()
            X[:, columns] = X[order][:, columns]
            return X

        yield feature.name, feature.block, shuffled


def _decisions(sample: Sample) -> Iterator[tuple[str, str, Shuffled]]:
    """Name of each decision with more than one choice, the encoding, and how to shuffle it."""
    space, encoding = sample.task.space, make_encoding(sample.encoding)
    for number, variable in enumerate(space.variables):
        if len(variable.choices) == 1:
            continue

        def shuffled(order: IntArray, number: int = number) -> FloatArray:
            choices = sample.choices.copy()
            choices[:, number] = choices[order, number]
            return encoding(np.asarray(choices, dtype=np.int_), space, {})

        yield variable.name, sample.encoding, shuffled


def _scores(truth: FloatArray, predicted: FloatArray) -> tuple[float, float]:
    return kendall_tau(truth, predicted), float(np.abs(truth - predicted).mean())
