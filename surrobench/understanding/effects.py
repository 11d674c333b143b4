"""What a choice is worth: in truth, by the predictor, and by its SHAP values."""

from __future__ import annotations

import numpy as np
import pandas as pd

from surrobench.arrays import FloatArray
from surrobench.understanding.fitting import Fit

FEWEST = 5
"""Test architectures below which a choice has no effect stated."""


def choice_effects(fit: Fit, shap: FloatArray) -> pd.DataFrame:
    """Mean over the test architectures with a choice, less the mean over all of them.

    These are associations in the table, not interventions: in spaces where some combinations are
    missing, a choice may stand for the company that it keeps.

    Args:
        fit: a fitted predictor.
        shap: values at the test architectures, ``m x features``.

    Returns:
        A row per variable and choice with enough architectures: ``variable``, ``choice``, ``n``,
        ``true``, ``predicted``, and ``shap``, the mean SHAP value of the variable (NaN if the
        encoding has no such feature).
    """
    sample = fit.sample
    truth = sample.truth - sample.truth.mean()
    predicted = np.asarray(fit.predictive.median)
    predicted = predicted - predicted.mean()
    rows = []
    for number, variable in enumerate(sample.task.space.variables):
        places = [i for i, feature in enumerate(sample.features) if feature.variable == number]
        own = shap[:, places].sum(axis=1) if places else np.full(len(truth), np.nan)
        for choice, label in enumerate(variable.choices):
            chosen = sample.choices[:, number] == choice
            if chosen.sum() >= FEWEST:
                means = [float(values[chosen].mean()) for values in (truth, predicted, own)]
                rows.append((variable.name, label, int(chosen.sum()), *means))
    return pd.DataFrame(rows, columns=["variable", "choice", "n", "true", "predicted", "shap"])
