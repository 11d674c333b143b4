"""SHAP values of boosted trees: the share that each feature has in a prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch

from surrobench.arrays import FloatArray
from surrobench.predictors.learners.trees import XGBoost
from surrobench.understanding.features import summed
from surrobench.understanding.fitting import Sample


def shap_values(sample: Sample) -> FloatArray:
    """SHAP values at the test architectures, ``m x features``, in units of the target.

    Those of the ``xgboost`` predictor (the mean over its members), whose prediction is their sum
    and a constant; computed by XGBoost (Lundberg et al., "From local explanations to global
    understanding with explainable AI for trees", Nature Machine Intelligence 2020). The columns of
    a feature are added up.
    """
    X, y = torch.tensor(sample.X), torch.tensor(sample.y).unsqueeze(-1)
    model: Any = XGBoost().fit(X, y, seed=sample.seed)  # standardised, so an affine map of members
    shares = model.base.members.contributions(sample.X_test) * float(model.transform.scale)
    return summed(shares[:, :-1], sample.features)


def contribution_sizes(sample: Sample, values: FloatArray) -> pd.DataFrame:
    """Mean absolute SHAP value: ``feature``, ``block``, ``mean_abs_shap``."""
    sizes = np.abs(values).mean(axis=0)
    rows = [(f.name, f.block, size) for f, size in zip(sample.features, sizes, strict=True)]
    return pd.DataFrame(rows, columns=["feature", "block", "mean_abs_shap"])
