"""Targets in other units give the same predictions in those units, from every predictor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from libraries import INSTALLED

from surrobench.predictors import TRANSFORMS, make_predictor
from surrobench.predictors.learners.baselines import MeasuredColumn
from surrobench.predictors.predictive import predict
from surrobench.testing.problems import Subject, cells

CHEAPER: dict[str, dict[str, Any]] = {
    "random-forest": {"trees": 20},
    "xgboost": {"rounds": 20, "members": 3},
    "xgboost-hist": {"rounds": 20, "members": 3},
    "mlp-ensemble": {"members": 3, "steps": 30},
    "mlp-hinge": {"members": 3, "steps": 30},
    "mlp-listmle": {"members": 3, "steps": 30},
    "dngo": {"steps": 30},
    "dngo-held-out": {"steps": 30, "folds": 3},
    "stacking": {"trees": 20, "fold_trees": 10, "folds": 2},
    "xgb-plus": {"rounds": 20, "learning_rate": 0.2, "folds": 2},
    "xgb-plus-fast": {"rounds": 20, "learning_rate": 0.2, "folds": 2},
    "lightgbm": {"rounds": 20, "ensemble": 3},
    "catboost": {"rounds": 20, "ensemble": 3},
    "ngboost": {"rounds": 30},
    "quantile-forest": {"trees": 20},
    "gcn": {"members": 3, "width": 8, "steps": 30},
    "graph-transformer": {"members": 3, "width": 8, "layers": 1, "steps": 30},
    "random-forest-tuned": {"trials": 2, "options": {"trees": 10}},
    "xgboost-tuned": {"trials": 2, "options": {"members": 2, "rounds": 20}},
    "mlp-ensemble-tuned": {"trials": 2, "options": {"members": 2, "steps": 30}},
}
NAMES = [
    name
    for name in INSTALLED
    if not isinstance(make_predictor(name), MeasuredColumn) or name == "synflow"
]


def made(name: str, transform: str) -> Any:
    options: dict[str, Any] = {"trials": 3} if name.endswith("-tuned") else {}
    return make_predictor(name, transform=transform, **(options | CHEAPER.get(name, {})))


@pytest.mark.slow
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", NAMES)
def test_predictions_follow_the_units_of_the_targets(name: str, transform: str) -> None:
    subject = Subject(made(name, transform))
    predictor, problem = subject.predictor, subject.make_problem(30, 40)
    y = problem.y - problem.y.mean()
    plain = predict(predictor.fit(problem.X, y, seed=0), problem.pool)
    spread = float(y.std())
    for unit, shift in ((1e-6, 0.0), (1e-6, 3e-5), (1e6, -2e7)):
        model = predictor.fit(problem.X, unit * y + shift, seed=0)
        scaled = predict(model, problem.pool)
        mean, std = (scaled.mean - shift) / unit, scaled.std / unit
        np.testing.assert_allclose(mean, plain.mean, rtol=0.0, atol=0.01 * spread)
        np.testing.assert_allclose(std, plain.std, rtol=0.02, atol=1e-3 * spread)


def test_a_latency_in_seconds_is_learned_without_a_transform() -> None:
    problem = cells(40, 60)
    for name in ("xgboost", "svr", "mlp-ensemble"):
        model = made(name, "none").fit(problem.X, 1e-4 * (problem.y - problem.y.mean()), seed=0)
        assert np.ptp(predict(model, problem.pool).median) > 1e-5
