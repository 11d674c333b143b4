"""A pool of forty candidates, and what predictors believe about it (each is fitted once)."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from libraries import INSTALLED
from torch import Tensor

from surrobench.acquisition.context import AcquisitionContext
from surrobench.predictors import make_predictor
from surrobench.predictors.learners.baselines import MeasuredColumn
from surrobench.predictors.model_posterior import ModelPosterior
from surrobench.predictors.pool_session import open_pool
from surrobench.predictors.posterior import SurrogatePosterior

NAMES = [
    name
    for name in INSTALLED
    if (not isinstance(make_predictor(name), MeasuredColumn) or name == "synflow")
    and getattr(make_predictor(name), "inputs", "matrix") == "matrix"
]
"""Predictors of columns, but one of those that only differ in the column that they insist on."""
SIZE = 40
OBSERVED = tuple(range(16))
EXCLUDED = (*OBSERVED, 20, 21)
"""Observed, or ruled out beforehand."""
QUICK: dict[str, dict[str, Any]] = {
    "random-forest": {"trees": 10},
    "random-forest-hist": {"trees": 10},
    "xgboost": {"rounds": 10},
    "xgboost-hist": {"rounds": 10},
    "mlp-ensemble": {"steps": 20},
    "mlp-hinge": {"steps": 20},
    "mlp-listmle": {"steps": 20},
    "dngo": {"steps": 20},
    "dngo-held-out": {"steps": 20, "folds": 3},
    "stacking": {"trees": 20, "fold_trees": 10, "folds": 2},
    "xgb-plus": {"rounds": 20, "learning_rate": 0.2, "folds": 2},
    "xgb-plus-fast": {"rounds": 20, "learning_rate": 0.2, "folds": 2},
    "lightgbm": {"rounds": 10, "ensemble": 2},
    "catboost": {"rounds": 10, "ensemble": 2},
    "ngboost": {"rounds": 20},
    "quantile-forest": {"trees": 10},
}
QUICK |= {
    name: {"trials": 2, "folds": 2, "options": QUICK.get(name.removesuffix("-tuned"), {})}
    for name in NAMES
    if name.endswith("-tuned")
}


def pool() -> Tensor:
    """Candidates; the first two are corners, so that scaling to the unit cube does nothing."""
    X = torch.rand(SIZE, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    X[0], X[1] = 0.0, 1.0
    return X


def objectives(X: Tensor) -> Tensor:
    """Three that contradict each other, ``m x 3``."""
    first = torch.sin(4 * X[:, 0]) + X[:, 1] - X[:, 2] * X[:, 3]
    second = torch.cos(3 * X[:, 0]) - 0.5 * X[:, 1] ** 2 + 0.2 * X[:, 3]
    third = torch.sin(5 * X[:, 1]) - X[:, 0] * X[:, 2]
    return torch.stack([first, second, third], dim=1)


@cache
def predictor(name: str) -> Any:
    """By its name with a transform behind a plus sign, made smaller where that saves time."""
    return make_predictor(name, **QUICK.get(name.partition("+")[0], {}))


@cache
def belief(name: str, objective: int = 0) -> SurrogatePosterior:
    """What a predictor believes about an objective, by the quickest way that it has."""
    X = pool()
    inputs = X[:, :1] if getattr(predictor(name), "encoding", None) else X
    y = objectives(X)[list(OBSERVED), objective : objective + 1]
    return open_pool(predictor(name), inputs).update(OBSERVED, y, seed=0)


@cache
def process(objective: int = 0, name: str = "gp-matern52+quantile-normal") -> ModelPosterior:
    """The belief of a BoTorch Gaussian process, with the model that it came from."""
    X = pool()
    y = objectives(X)[list(OBSERVED), objective : objective + 1]
    return ModelPosterior(predictor(name).fit(X[list(OBSERVED)], y, seed=0), X, OBSERVED, y)


def situation(*beliefs: SurrogatePosterior, **changes: Any) -> AcquisitionContext:
    """Everything may be chosen but what is excluded; one candidate is pending."""
    allowed = torch.ones(SIZE, dtype=torch.bool)
    allowed[list(EXCLUDED)] = False
    return AcquisitionContext(beliefs, **{"allowed": allowed, "pending": (20,), **changes})
