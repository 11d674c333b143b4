"""Network, forest and boosting ensembles beside the same ensembles of scikit-learn and XGBoost."""

from __future__ import annotations

import warnings

import bare_algebra
import numpy as np
import pytest
import torch
import xgboost
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from test_gp import examples

from surrobench.predictors import make_predictor
from surrobench.predictors.predictive import predict

N, MEMBERS, WIDTH, EPOCHS = 200, 5, 64, 100
TREES, BOOSTERS, ROUNDS = 300, 8, 100


def networks() -> list[MLPRegressor]:
    """Members of our shape, trained for as many full-batch epochs."""
    return [
        MLPRegressor(
            hidden_layer_sizes=(WIDTH, WIDTH),
            batch_size=N,
            max_iter=EPOCHS,
            n_iter_no_change=EPOCHS,
            learning_rate_init=2e-2,
            random_state=member,
        )
        for member in range(MEMBERS)
    ]


def boosters() -> list[xgboost.XGBRegressor]:
    return [
        xgboost.XGBRegressor(n_estimators=ROUNDS, learning_rate=0.1, n_jobs=1, random_state=member)
        for member in range(BOOSTERS)
    ]


def fitted(members, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return [member.fit(X, y) for member in members]


def spread(members, X):
    """Mean and deviation of the members' answers."""
    answers = np.stack([member.predict(X) for member in members])
    return answers.mean(0), answers.std(0)


OURS = {
    "mlp": {"use": "mlp-ensemble", "members": MEMBERS, "width": WIDTH, "steps": EPOCHS},
    "forest": {"use": "random-forest", "trees": TREES},
    "xgboost": {"use": "xgboost", "members": BOOSTERS, "rounds": ROUNDS},
}


@pytest.mark.benchmark(group="ensemble-fit")
@pytest.mark.parametrize("kind", OURS)
def test_ensemble_fit(benchmark, pool, targets, kind):
    X, y = examples(pool, targets, N)
    predictor = make_predictor(OURS[kind])
    benchmark.pedantic(predictor.fit, (X, y), {"seed": 0}, rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="ensemble-predict")
@pytest.mark.parametrize("kind", OURS)
def test_ensemble_predict(benchmark, pool, targets, kind):
    model = make_predictor(OURS[kind]).fit(*examples(pool, targets, N), seed=0)
    benchmark.pedantic(predict, (model, torch.tensor(pool)), rounds=5, warmup_rounds=1)


def members_of(kind: str):
    return networks() if kind == "mlp" else boosters()


def arrays(pool, targets):
    X, y = examples(pool, targets, N)
    standard = (y - y.mean()) / y.std()
    return X.numpy(), standard.squeeze(-1).numpy()


@pytest.mark.benchmark(group="ensemble-fit")
@pytest.mark.parametrize("kind", ["mlp", "xgboost"])
def test_ensemble_fit_peer(benchmark, pool, targets, kind):
    X, y = arrays(pool, targets)

    def setup():
        return (members_of(kind), X, y), {}

    benchmark.pedantic(fitted, setup=setup, rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="ensemble-predict")
@pytest.mark.parametrize("kind", ["mlp", "xgboost"])
def test_ensemble_predict_peer(benchmark, pool, targets, kind):
    members = fitted(members_of(kind), *arrays(pool, targets))
    benchmark.pedantic(spread, (members, pool), rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="ensemble-fit")
def test_forest_fit_peer(benchmark, pool, targets):
    X, y = arrays(pool, targets)
    forest = RandomForestRegressor(TREES, n_jobs=1, random_state=0)
    benchmark.pedantic(forest.fit, (X, y), rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="ensemble-predict")
def test_forest_predict_peer(benchmark, pool, targets):
    forest = RandomForestRegressor(TREES, n_jobs=1, random_state=0).fit(*arrays(pool, targets))
    benchmark.pedantic(spread, (forest.estimators_, pool), rounds=3)


@pytest.mark.benchmark(group="ensemble-fit")
def test_mlp_fit_floor(benchmark, pool):
    # A member leaves out one fold of the examples.
    used = N - N // MEMBERS
    network = bare_algebra.Network(MEMBERS, (pool.shape[1], WIDTH, WIDTH, 1), used)
    arguments = (network, EPOCHS)
    benchmark.pedantic(bare_algebra.network_training, arguments, rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="ensemble-predict")
def test_mlp_predict_floor(benchmark, pool):
    chunk = 125
    network = bare_algebra.Network(MEMBERS, (pool.shape[1], WIDTH, WIDTH, 1), chunk)
    arguments = (network, len(pool) // chunk)
    benchmark.pedantic(bare_algebra.network_prediction, arguments, rounds=5, warmup_rounds=1)
