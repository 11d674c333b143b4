"""The cells of ``nb201-predictors`` as one computes them with scikit-learn, XGBoost and BoTorch.

The same tasks, samples and models, one cell after another in one process: fit, predict every other
architecture with an uncertainty, score. Kernels and priors are those of our processes; the
uncertainty of an ensemble is the spread of its members; the scores are fewer than ours.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import gpytorch_peer
import numpy as np
import torch
import xgboost
from scipy.stats import kendalltau, norm, pearsonr, spearmanr
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import BayesianRidge, LinearRegression
from sklearn.metrics import mean_absolute_error, root_mean_squared_error
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import QuantileTransformer, StandardScaler
from sklearn.svm import SVR

from surrobench.studies.prediction.plan import Cell
from surrobench.studies.prediction.protocols import split
from surrobench.tasks.task import TableTask

Array = np.ndarray
Moments = tuple[Array, Array]
TREES, BOOSTERS, NETWORKS = 300, 8, 10


def run_cell(cell: Cell, task: TableTask) -> dict[str, float]:
    """Scores of one cell."""
    train, test = split(task, cell.protocol, cell.train_size, cell.seed)
    encoding = cell.encoding if cell.encoding.startswith("measured") else "one-hot"
    X = task.encode(encoding)
    warp = target_transform(cell.transform, cell.train_size)
    y = warp.fit_transform(task.truth[train, None])[:, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mean, deviation = model_of(cell.use)(X[train], y, X[test], cell)
        return scores(task.truth[test], warp, mean, deviation)


def target_transform(name: str, n: int) -> StandardScaler | QuantileTransformer:
    """scikit-learn's standardisation or its quantile transform to a normal."""
    if name == "quantile-normal":
        return QuantileTransformer(n_quantiles=n, output_distribution="normal")
    return StandardScaler()


def scores(truth: Array, warp: StandardScaler, mean: Array, deviation: Array) -> dict[str, float]:
    """Rank correlations and errors in units of the task, likelihood and coverage."""
    predicted = warp.inverse_transform(mean[:, None])[:, 0]
    standard = (warp.transform(truth[:, None])[:, 0] - mean) / np.maximum(deviation, 1e-6)
    return {
        "kendall_tau": float(kendalltau(truth, predicted).statistic),
        "spearman": float(spearmanr(truth, predicted).statistic),
        "pearson": float(pearsonr(truth, predicted).statistic),
        "mae": float(mean_absolute_error(truth, predicted)),
        "rmse": float(root_mean_squared_error(truth, predicted)),
        "nll": float(-norm.logpdf(standard).mean()),
        "coverage_90": float((np.abs(standard) < norm.ppf(0.95)).mean()),
    }


def model_of(name: str) -> Callable[[Array, Array, Array, Cell], Moments]:
    """What fits and predicts in the place of one of our predictors."""
    return gaussian_process if name.startswith("gp-") else MODELS[name]


def gaussian_process(X: Array, y: Array, Z: Array, cell: Cell) -> Moments:
    inputs, targets = torch.tensor(X), torch.tensor(y)[:, None]
    if cell.use == "gp-categorical":
        model = gpytorch_peer.fit_categorical(codes(X), targets)
        mean, variance = gpytorch_peer.moments(model, codes(Z))
        return mean.numpy(), variance.sqrt().numpy()
    varies = inputs.amax(0) > inputs.amin(0)  # BoTorch cannot normalise constant columns
    model = gpytorch_peer.fit(inputs[:, varies], targets, cell.use, standardise=False)
    mean, variance = gpytorch_peer.moments(model, torch.tensor(Z)[:, varies])
    return mean.numpy(), variance.sqrt().numpy()


def codes(X: Array) -> torch.Tensor:
    """The operation on each edge of one-hot cells of NAS-Bench-201, ``n x 30`` to ``n x 6``."""
    return torch.tensor(X.reshape(len(X), 6, 5).argmax(axis=2), dtype=torch.float64)


def spread(members: list, Z: Array) -> Moments:
    answers = np.stack([member.predict(Z) for member in members])
    return answers.mean(0), answers.std(0)


def random_forest(X: Array, y: Array, Z: Array, cell: Cell) -> Moments:
    forest = RandomForestRegressor(TREES, n_jobs=1, random_state=cell.seed).fit(X, y)
    return spread(forest.estimators_, Z)


def boosting(X: Array, y: Array, Z: Array, cell: Cell) -> Moments:
    rng, members = np.random.default_rng(cell.seed), []
    for member in range(BOOSTERS):
        drawn = rng.integers(len(y), size=len(y))
        booster = xgboost.XGBRegressor(
            n_estimators=100, learning_rate=0.1, n_jobs=1, random_state=member
        )
        members.append(booster.fit(X[drawn], y[drawn]))
    return spread(members, Z)


def networks(X: Array, y: Array, Z: Array, cell: Cell) -> Moments:
    members = [
        MLPRegressor(
            hidden_layer_sizes=(64, 64),
            batch_size=len(y),
            max_iter=100,
            n_iter_no_change=100,
            learning_rate_init=2e-2,
            random_state=member,
        ).fit(X, y)
        for member in range(NETWORKS)
    ]
    return spread(members, Z)


def left_out(model: SVR | KNeighborsRegressor, X: Array, y: Array, Z: Array) -> Moments:
    """A point prediction, with the cross-validated error as its deviation."""
    errors = cross_val_predict(model, X, y, cv=5) - y
    mean = model.fit(X, y).predict(Z)
    return mean, np.full(len(Z), errors.std())


def support_vectors(X: Array, y: Array, Z: Array, cell: Cell) -> Moments:
    return left_out(SVR(), X, y, Z)


def neighbours(X: Array, y: Array, Z: Array, cell: Cell) -> Moments:
    return left_out(KNeighborsRegressor(5), X, y, Z)


def ridge(X: Array, y: Array, Z: Array, cell: Cell) -> Moments:
    return BayesianRidge().fit(X, y).predict(Z, return_std=True)


def line(X: Array, y: Array, Z: Array, cell: Cell) -> Moments:
    model = LinearRegression().fit(X, y)
    return model.predict(Z), np.full(len(Z), (model.predict(X) - y).std())


def constant(X: Array, y: Array, Z: Array, cell: Cell) -> Moments:
    return DummyRegressor().fit(X, y).predict(Z), np.full(len(Z), y.std())


MODELS = {
    "random-forest": random_forest,
    "xgboost": boosting,
    "mlp-ensemble": networks,
    "svr": support_vectors,
    "knn": neighbours,
    "bayesian-ridge": ridge,
    "params": line,
    "flops": line,
    "constant": constant,
}
