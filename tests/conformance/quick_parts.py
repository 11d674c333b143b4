"""Registered parts as they are tested: smaller than the defaults, the code being the same."""

from __future__ import annotations

from typing import Any

from random_checkpoints import MAKERS, checkpoint

from surrobench.predictors import PREDICTORS, make_predictor
from surrobench.predictors.learners.baselines import MeasuredColumn

CHEAPER_PREDICTORS: dict[str, dict[str, Any]] = {
    "random-forest": {"trees": 60},
    "random-forest-hist": {"trees": 60},
    "xgboost": {"rounds": 40},
    "xgboost-hist": {"rounds": 40},
    "mlp-ensemble": {"steps": 60},
    "mlp-hinge": {"steps": 60},
    "stacking": {"trees": 60, "fold_trees": 30, "folds": 3},
    "xgb-plus": {"rounds": 60, "learning_rate": 0.1, "folds": 2},
    "xgb-plus-fast": {"rounds": 60, "learning_rate": 0.1, "folds": 2},
    "dngo": {"steps": 60},
    "dngo-held-out": {"steps": 60, "folds": 3},
    "lightgbm": {"rounds": 40, "ensemble": 4},
    "catboost": {"rounds": 40, "ensemble": 4},
    "ngboost": {"rounds": 60},
    "omni": {"rounds": 60},
    "quantile-forest": {"trees": 60},
    "mlp-listmle": {"steps": 60},
    "rgpe": {"samples": 64},
    "few-shot-deep-kernel": {"members": 3, "steps": 40, "held_out_steps": 20},
    "source-features": {"options": {"trees": 60}},
    "gcn": {"width": 16, "steps": 60},
    **{name: {"estimators": 2} for name in MAKERS},
    "graph-transformer": {"width": 16, "layers": 1, "members": 3},
    **{name: {"trials": 3, "folds": 2} for name in PREDICTORS.names() if name.endswith("-tuned")},
}
"""Smaller ensembles and fewer trials than the defaults: the code is the same, and quick to test."""

for _name, _options in (
    ("random-forest", {"trees": 10}),
    ("xgboost", {"members": 2, "rounds": 20}),
    ("mlp-ensemble", {"members": 2, "steps": 50}),
):
    CHEAPER_PREDICTORS[f"{_name}-tuned"]["options"] = _options


def quick(name: str, **options: Any) -> Any:
    """The predictor with the cheaper options, and random weights where it needs a checkpoint."""
    file = {"checkpoint": checkpoint(name)} if name in MAKERS else {}
    return make_predictor(name, **CHEAPER_PREDICTORS.get(name, {}), **file, **options)


NAMES = [
    name
    for name in PREDICTORS.names()
    if not isinstance(make_predictor(name), MeasuredColumn) or name == "synflow"
]
"""All, but one of those that only differ in the column that they insist on."""

CHEAPER_STRATEGIES: dict[str, dict[str, Any]] = {
    "npenas": {"predictor": "bayesian-ridge", "offspring": 20},
    "progressive": {"predictor": "bayesian-ridge"},
    "reinforce": {"hidden": 8},
    "ppo": {"hidden": 8, "passes": 2},
    "reinforce-transformer": {"hidden": 8},
    "bayesian": {"predictor": "gp-matern52"},
    "bayesian-warm-start": {"predictor": "gp-matern52"},
    "bayesian-multi-objective": {"predictor": "gp-matern52", "screen": 20},
    "bananas": {
        "predictor": {"use": "mlp-ensemble", "members": 2, "steps": 20},
        "encoding": "one-hot",  # the toy decisions have no paths
    },
}
"""Smaller models than the defaults: the code is the same and the test-suite stays quick."""

PEERS = {"optuna-tpe": "optuna", "optuna-gp": "optuna", "smac": "smac", "nsga2": "pymoo"}
"""Strategies that only work where an optional package is installed."""
