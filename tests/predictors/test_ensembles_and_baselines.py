from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn.linear_model
import sklearn.svm
import torch
import xgboost
from sklearn.ensemble import RandomForestRegressor
from torch import Tensor

from surrobench.predictors import make_predictor
from surrobench.predictors.learners.kernel_machines import SVR
from surrobench.predictors.learners.neighbours import NearestNeighbours
from surrobench.predictors.learners.neural import MLPEnsemble
from surrobench.predictors.learners.resampling import bootstrap_counts
from surrobench.predictors.learners.scaling import UnitRange, squared_distances
from surrobench.predictors.learners.trees import HistogramXGBoost, RandomForest, XGBoost
from surrobench.predictors.recipe import rounded
from surrobench.testing.problems import cells, column, moments, rank_correlation

PROBLEM = cells(60, 80)


def predictions(predictor: object, seed: int = 0, noise: bool = False) -> tuple[Tensor, Tensor]:
    model = predictor.fit(PROBLEM.X, PROBLEM.y, seed=seed)  # type: ignore[attr-defined]
    return moments(model, PROBLEM.pool, noise=noise)


def column_tensor(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


def ordered_examples() -> tuple[np.ndarray, np.ndarray]:
    """The examples as methods see them, whatever the units of the targets."""
    order = np.lexsort(np.c_[PROBLEM.X, PROBLEM.y].T[::-1])
    y = PROBLEM.y.numpy()[order, 0]
    return PROBLEM.X.numpy()[order], rounded((y - y.mean()) / y.std(ddof=1))


def in_units_of_the_targets(z: np.ndarray) -> np.ndarray:
    y = PROBLEM.y.numpy()
    return z * y.std(ddof=1) + y.mean()


ALIKE: dict[str, Any] = {"distance_power": 0.0, "metric": "euclidean"}
"""All votes count alike."""


@pytest.mark.parametrize(("seed", "max_features"), [(0, 1.0), (7, 0.5)])
def test_the_forest_is_scikit_learns_and_its_variance_is_total(
    seed: int, max_features: float
) -> None:
    options: dict[str, Any] = {
        "min_samples_leaf": 4,
        "min_samples_split": 9,
        "max_features": max_features,
        "max_depth": 5,
        "max_samples": 0.8,
    }
    mean, deviation = predictions(RandomForest(trees=40, transform="none", **options), seed)
    X, y = ordered_examples()
    forest = RandomForestRegressor(40, random_state=seed, **options).fit(X, y)
    expected = in_units_of_the_targets(forest.predict(PROBLEM.pool.numpy()))
    np.testing.assert_allclose(mean[:, 0], expected, rtol=1e-9)
    leaves = forest.apply(PROBLEM.pool.numpy())
    within, between = [], []
    for i, tree in enumerate(forest.estimators_):
        within.append(tree.tree_.impurity[leaves[:, i]])
        between.append(tree.tree_.value[leaves[:, i], 0, 0])
    total = (np.mean(within, axis=0) + np.var(between, axis=0)) * float(PROBLEM.y.var())
    np.testing.assert_allclose(deviation[:, 0] ** 2, total, rtol=1e-6)


def test_boosted_members_differ_and_the_noise_is_seen_in_left_out_rows() -> None:
    model = XGBoost(members=5, rounds=20, transform="none").fit(PROBLEM.X, PROBLEM.y, seed=0)
    inside: Any = model.base
    posterior = inside.posterior(PROBLEM.pool, observation_noise=False)
    assert posterior.values.shape == (5, 80, 1)
    assert (posterior.variance > 0).all()
    assert 0 < inside.noise < 2


@pytest.mark.parametrize(("recipe", "method"), [(XGBoost, "exact"), (HistogramXGBoost, "hist")])
def test_boosted_members_are_xgboosts_on_the_rows_that_they_drew(
    recipe: type[XGBoost], method: str
) -> None:
    options: dict[str, Any] = {"rounds": 10, "subsample": 0.8, "colsample": 0.7}
    options |= {"learning_rate": 0.2, "max_depth": 6, "min_child_weight": 1.0, "reg_lambda": 1.0}
    model: Any = recipe(members=3, transform="none", **options).fit(PROBLEM.X, PROBLEM.y, seed=4)
    X, y = ordered_examples()
    for i, drawn in enumerate(bootstrap_counts(len(y), 3, 4)):
        rows, weight = drawn > 0, drawn[drawn > 0]
        parameters = {
            "base_score": np.average(y[rows], weights=weight),
            "tree_method": method,
            "eta": 0.2,
            "subsample": 0.8,
            "colsample_bytree": 0.7,
            "seed": 4 * 3 + i,
        }
        data = xgboost.DMatrix(X[rows], label=y[rows], weight=weight)
        expected = xgboost.train(parameters, data, 10).predict(xgboost.DMatrix(PROBLEM.pool))
        values = model.base.posterior(PROBLEM.pool).values[i, :, 0]
        np.testing.assert_array_equal(values, expected.astype(np.float64))


def test_networks_rank_an_additive_function_and_know_their_error() -> None:
    mean, _ = predictions(MLPEnsemble())
    assert rank_correlation(mean, PROBLEM.truth) > 0.6
    _, deviation = predictions(MLPEnsemble(), noise=True)
    inside = ((PROBLEM.truth - mean).abs() < 1.645 * deviation).double().mean()
    assert 0.7 < float(inside) <= 1.0


@pytest.mark.parametrize("predictor", [RandomForest(trees=20), XGBoost(rounds=20), MLPEnsemble()])
def test_another_seed_gives_another_ensemble(predictor: object) -> None:
    assert not torch.equal(predictions(predictor, 0)[0], predictions(predictor, 1)[0])


def test_the_kernel_expansion_equals_libsvm() -> None:
    mean, deviation = predictions(SVR(transform="none", C=3.0, gamma=0.5, epsilon=0.1))
    X, y = ordered_examples()
    svr = sklearn.svm.SVR(C=3.0, gamma=0.5 / X.var(axis=0).sum()).fit(X, y)
    expected = in_units_of_the_targets(svr.predict(PROBLEM.pool.numpy()))
    np.testing.assert_allclose(mean[:, 0], expected, atol=5e-3)
    assert float(deviation.max() - deviation.min()) < 1e-9


def test_the_deviation_of_svr_is_the_size_of_its_errors() -> None:
    mean, deviation = predictions(SVR())
    error = (mean - PROBLEM.truth).square().mean().sqrt()
    assert 0.7 < float(deviation[0, 0] / error) < 1.6


def test_neighbours_that_tie_share_the_votes() -> None:
    X = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    y = column_tensor(0.0, 3.0, 6.0, 9.0)
    model = NearestNeighbours(neighbours=2, **ALIKE).fit(X, y, seed=0)
    mean, _ = moments(model, X)
    # Itself with one vote; two corners at distance 1 share the other.
    torch.testing.assert_close(mean, column_tensor(2.25, 3.75, 5.25, 6.75))
    nearest = NearestNeighbours(neighbours=1, **ALIKE).fit(X, y, seed=0)
    torch.testing.assert_close(moments(nearest, X)[0], y)
    centre = torch.full((1, 2), 0.5, dtype=torch.float64)
    torch.testing.assert_close(moments(nearest, centre)[0], column_tensor(4.5))


def test_more_neighbours_than_examples_is_their_mean() -> None:
    model = NearestNeighbours(neighbours=50, **ALIKE).fit(PROBLEM.X[:7], PROBLEM.y[:7], seed=0)
    mean, _ = moments(model, PROBLEM.pool)
    torch.testing.assert_close(mean, PROBLEM.y[:7].mean().expand(80, 1))


def test_the_deviation_of_neighbours_is_the_size_of_their_errors() -> None:
    mean, deviation = predictions(NearestNeighbours())
    error = (mean - PROBLEM.truth).square().mean().sqrt()
    assert 0.7 < float(deviation.square().mean().sqrt() / error) < 1.6


def test_features_are_brought_to_one_scale() -> None:
    X = PROBLEM.X.clone()
    X[:, 0] *= 1e6
    pool = PROBLEM.pool.clone()
    pool[:, 0] *= 1e6
    for name in ("svr", "knn", "mlp-ensemble"):
        predictor = make_predictor(name)
        scaled, _ = moments(predictor.fit(X, PROBLEM.y, seed=0), pool)
        plain, _ = moments(predictor.fit(PROBLEM.X, PROBLEM.y, seed=0), PROBLEM.pool)
        torch.testing.assert_close(scaled, plain, rtol=1e-5, atol=1e-3)


def test_distances_and_ranges() -> None:
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((5, 3)), rng.standard_normal((4, 3))
    expected = ((A[:, None] - B[None]) ** 2).sum(-1)
    np.testing.assert_allclose(squared_distances(A, B), expected, atol=1e-12)
    constant = np.array([[2.0, 1.0], [2.0, 3.0]])
    np.testing.assert_array_equal(UnitRange.of(constant)(constant), [[0.0, 0.0], [0.0, 1.0]])
    choices = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    np.testing.assert_array_equal(UnitRange.of(choices)(choices + 3.0), choices + 3.0)


def test_the_constant_is_mean_and_deviation_of_the_targets() -> None:
    mean, deviation = predictions(make_predictor("constant"))
    torch.testing.assert_close(mean, PROBLEM.y.mean().expand(80, 1))
    torch.testing.assert_close(deviation, PROBLEM.y.std().expand(80, 1), rtol=0.02, atol=0.0)


def test_a_measured_column_is_followed_in_the_direction_of_the_data() -> None:
    falling = column()
    for sign in (1.0, -1.0):
        model = make_predictor("params").fit(falling.X, sign * falling.y, seed=0)
        mean, deviation = moments(model, falling.pool)
        assert rank_correlation(mean, sign * falling.truth) > 0.99
        _, noisy = moments(model, falling.pool, noise=True)
        assert (noisy > deviation).all()


def test_a_line_through_two_points_does_not_claim_certainty() -> None:
    X, y = column_tensor(0.4, 0.6), column_tensor(70.0, 71.0)
    _, deviation = moments(make_predictor("bayesian-ridge").fit(X, y, seed=0), X, noise=True)
    assert float(deviation.min()) > 0.05


def test_neighbours_that_disagree_make_an_answer_less_certain() -> None:
    X = torch.linspace(0.0, 1.0, 41, dtype=torch.float64).unsqueeze(-1)
    swings = torch.where(torch.arange(41) % 2 == 0, 1.0, -1.0).to(X).unsqueeze(-1)
    y = torch.where(X < 0.5, swings, torch.zeros_like(X))
    model = NearestNeighbours(neighbours=4, distance_power=0.0).fit(X, y, seed=0)
    at = torch.tensor([[0.2125], [0.8125]], dtype=torch.float64)
    torn, agreed = model.posterior(at).variance.flatten().tolist()
    assert torn - agreed == pytest.approx(1.0, abs=1e-6)


def test_a_ridge_with_more_columns_than_examples_knows_what_it_does_not_know() -> None:
    """The posterior covariance of the weights is that of all directions, the unseen ones too.

    ``S = inv(lambda I + alpha X'X)``, and the variance of the line at ``z`` is ``z' S z`` with the
    inputs centred. scikit-learn before 1.7 left out the directions without examples, and before
    1.9 its ``predict`` does not centre the inputs.
    """
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(8, 30, dtype=torch.float64, generator=generator)
    at = torch.randn(5, 30, dtype=torch.float64, generator=generator)
    y = X[:, :1] + 0.1 * torch.randn(8, 1, dtype=torch.float64, generator=generator)
    ridge = sklearn.linear_model.BayesianRidge(
        alpha_1=0.5, alpha_2=0.05 * float(y.var(correction=0)), lambda_1=1e-6, lambda_2=1e-6
    ).fit(X.numpy(), y.flatten().numpy())
    precision = ridge.lambda_ * np.eye(30)
    centred = (X - X.mean(dim=0)).numpy()
    precision += ridge.alpha_ * centred.T @ centred
    off = (at - X.mean(dim=0)).numpy()
    expected = np.einsum("id,de,ie->i", off, np.linalg.inv(precision), off)
    model = make_predictor("bayesian-ridge", transform="none").fit(X, y, seed=0)
    variance = model.posterior(at).variance.flatten().numpy()
    assert variance == pytest.approx(expected, rel=1e-3)  # ours fits standardised targets
