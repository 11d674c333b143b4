"""Exact processes in tiles: the same numbers as matrix by matrix, in less memory and time."""

from __future__ import annotations

import tracemalloc
from typing import get_args

import numpy as np
import pytest
import torch

from surrobench.errors import UserError
from surrobench.predictors.gp import nested_fit, tiled_gp
from surrobench.predictors.gp.gp import ExactGP
from surrobench.predictors.gp.gp_fit import Kernel, LogPosterior, Priors, fit_hyperparameters
from surrobench.predictors.gp.quasi_newton import minimise
from surrobench.predictors.gp.tiled_gp import TiledGP
from surrobench.predictors.gp.tiled_likelihood import TiledPosterior
from surrobench.predictors.memory import check_memory
from surrobench.predictors.predictive import DenseGP, predict


def problem(n: int, d: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.random((n, d))
    X[3] = X[1]
    y = np.sin(5 * X[:, 0]) + X[:, 1] ** 2 + 0.1 * rng.normal(size=n)
    return X, (y - y.mean()) / y.std(ddof=1)


@pytest.mark.parametrize("ard", [False, True])
@pytest.mark.parametrize("kernel", get_args(Kernel))
@pytest.mark.parametrize("n", [1, 40, 700])
def test_value_and_gradient_equal_those_matrix_by_matrix(n: int, kernel: Kernel, ard: bool) -> None:
    X, y = problem(max(n, 5))
    X, y, priors = X[:n], y[:n], Priors.scaled_to(4)
    tiled = TiledPosterior(X, y, kernel, ard=ard, priors=priors)
    dense = LogPosterior(X, y, kernel, ard=ard, priors=priors)
    at = np.random.default_rng(1).normal(0.0, 0.5, size=dense.size)
    ours, theirs = tiled(at), dense(at)
    assert ours.value == pytest.approx(theirs.value, rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(ours.gradient, theirs.gradient, rtol=1e-8, atol=1e-8)
    assert ours.constant == pytest.approx(theirs.constant, rel=1e-8, abs=1e-10)


def test_a_likelihood_holds_one_matrix() -> None:
    X, y = problem(1500)
    priors = Priors.scaled_to(4)
    tracemalloc.start()
    objective = TiledPosterior(X, y, "matern-5/2", ard=True, priors=priors)
    objective(priors.start(4, 4))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1.2 * 8 * 1500**2


@pytest.mark.slow
@pytest.mark.parametrize("ard", [False, True])
def test_a_fit_from_half_the_examples_is_as_good(ard: bool) -> None:
    X, y = problem(1000)
    options = {"ard": ard, "priors": Priors.scaled_to(4), "max_evaluations": 100}
    _, plain = fit_hyperparameters(X, y, "matern-5/2", **options)
    _, nested = nested_fit.fit_many(X, y, "matern-5/2", **options)
    assert nested.converged
    assert nested.log_posterior > plain.log_posterior - 1e-5 * len(y)
    assert nested.evaluations < 0.7 * plain.evaluations


def test_a_budget_of_evaluations_is_kept() -> None:
    X, y = problem(1000)
    options = {"ard": True, "priors": Priors.scaled_to(4), "max_evaluations": 2}
    _, report = nested_fit.fit_many(X, y, "rbf", **options)
    assert (report.evaluations, report.converged) == (2, False)


@pytest.mark.parametrize("transform", ["standardise", "quantile-normal"])
@pytest.mark.parametrize("kernel", get_args(Kernel))
def test_predictions_equal_those_matrix_by_matrix(
    kernel: Kernel, transform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = (torch.tensor(part) for part in problem(150))
    model = ExactGP(kernel, True, transform, max_evaluations=8).fit(X, 7.0 + y[:, None], seed=0)
    points = torch.tensor(np.random.default_rng(2).random((601, 4)))
    dense = predict(model, points)
    monkeypatch.setattr(tiled_gp, "MANY", 100)
    assert isinstance(TiledGP.of(getattr(model, "base", model)), TiledGP)
    tiled = predict(model, points)
    np.testing.assert_allclose(tiled.mean, dense.mean, rtol=1e-8)
    np.testing.assert_allclose(tiled.std, dense.std, rtol=1e-7)


def test_few_examples_are_predicted_from_as_before() -> None:
    X, y = (torch.tensor(part) for part in problem(60))
    model = ExactGP().fit(X, y[:, None], seed=0)
    assert TiledGP.of(model) is None
    assert isinstance(DenseGP.of(model), DenseGP)


def test_what_does_not_fit_into_memory_is_refused_with_what_to_use() -> None:
    check_memory(2000, 2000, "covariances")
    with pytest.raises(UserError, match=r"3,000,000 x 300,000 .*gp-sparse"):
        check_memory(3_000_000, 300_000, "covariances of its examples with the pool")


def test_the_search_between_bounds_finds_the_minimum_there() -> None:
    centre, seen = np.array([2.0, -1.0, 0.5]), []

    def bowl(x: np.ndarray) -> tuple[float, np.ndarray]:
        seen.append(x)
        z = x - centre
        return float(z @ z + (z**4).sum() + z[0] * z[1]), 2 * z + 4 * z**3 + np.array(
            [z[1], z[0], 0.0]
        )

    bounds = np.array([[-3.0, 1.0], [-3.0, 3.0], [-3.0, 3.0]])
    assert minimise(bowl, np.zeros(3), np.diag([9.0, -1.0, 0.1]), bounds, decrease=1e-12)
    least = min(list(seen), key=lambda x: bowl(x)[0])  # which calls it, and so adds to those seen
    assert least[0] == 1.0
    slope = bowl(least)[1]
    assert slope[0] < 0.0
    np.testing.assert_allclose(slope[1:], 0.0, atol=1e-3)
