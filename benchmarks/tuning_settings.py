"""The settings that ``benchmarks/tuning.py`` starts from: previous defaults and libraries' own."""

from __future__ import annotations

import math

from surrobench.predictors.hyperparameters import Setting

_PRIORS: Setting = {
    "lengthscale_location": 0.5,
    "lengthscale_spread": 0.6,
    "outputscale_spread": 1.0,
    "noise_location": -3.0,
    "noise_spread": 1.5,
    "max_evaluations": 100,
}

PREVIOUS: dict[str, Setting] = {
    "gp-matern52": _PRIORS,
    "gp-matern52-ard": _PRIORS,
    "gp-categorical": _PRIORS,
    "svr": {"C": 1.0, "epsilon": 0.1, "gamma": 1.0},
    "knn": {"neighbours": 5, "distance_power": 0.0, "metric": "euclidean"},
    "bayesian-ridge": {
        "pseudo_observations": 1.0,
        "pseudo_error": 0.1,
        "weight_shape": 1e-6,
        "weight_rate": 1e-6,
    },
    "xgboost": {
        "rounds": 100,
        "learning_rate": 0.1,
        "max_depth": 6,
        "min_child_weight": 1.0,
        "subsample": 1.0,
        "colsample": 1.0,
        "reg_lambda": 1.0,
    },
    "random-forest": {
        "min_samples_leaf": 1,
        "min_samples_split": 2,
        "max_features": 1.0,
        "max_depth": 1000,
        "max_samples": 1.0,
    },
    "mlp-ensemble": {
        "width": 64,
        "steps": 100,
        "learning_rate": 2e-2,
        "weight_decay": 1e-2,
        "initial_gain": 0.5,
    },
}
"""Defaults before this protocol, by family; trial 0 of each."""

FAMILIES: tuple[str, ...] = tuple(PREVIOUS)

LIBRARY: dict[str, Setting] = {
    # BoTorch 0.18: SingleTaskGP's priors on lengthscales and noise (Hvarfner et al., 2024), with
    # our optimiser and outputscale.
    "gp-matern52-ard": {
        "kernel": "rbf",
        "lengthscale_location": math.sqrt(2.0),
        "lengthscale_spread": math.sqrt(3.0),
        "noise_location": -4.0,
        "noise_spread": 1.0,
    },
    # scikit-learn 1.x
    "svr": {"C": 1.0, "epsilon": 0.1, "gamma": 1.0},
    "knn": {"neighbours": 5, "distance_power": 0.0, "metric": "euclidean"},
    "bayesian-ridge": {
        "pseudo_observations": 2e-6,
        "pseudo_error": 1.0,
        "weight_shape": 1e-6,
        "weight_rate": 1e-6,
    },
    "random-forest": {
        "trees": 100,
        "min_samples_leaf": 1,
        "min_samples_split": 2,
        "max_features": 1.0,
        "max_depth": 1000,
        "max_samples": 1.0,
    },
    # XGBoost 3: 100 rounds, rate 0.3, depth 6; still in our bootstrap ensemble of eight.
    "xgboost": {
        "rounds": 100,
        "learning_rate": 0.3,
        "max_depth": 6,
        "min_child_weight": 1.0,
        "subsample": 1.0,
        "colsample": 1.0,
        "reg_lambda": 1.0,
    },
}
"""What the library behind a family would use, in our terms."""


def described(setting: Setting) -> str:
    """One line."""
    return " ".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in setting.items()
    )


FIXED: dict[str, Setting] = {"random-forest": {"trees": 100}}
"""What every trial of a family has in common: more trees of a forest change its noise alone."""
