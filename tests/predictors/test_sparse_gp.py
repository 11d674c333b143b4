"""The sparse variational process: against GPyTorch's, against the exact one, and as a model."""

from __future__ import annotations

from typing import Any

import gpytorch
import numpy as np
import pytest
import torch
from gpytorch.kernels import InducingPointKernel
from gpytorch.mlls import ExactMarginalLogLikelihood

from surrobench.base.columns import ColumnBlock
from surrobench.errors import UserError
from surrobench.predictors import make_predictor
from surrobench.predictors.gp.modules import covariance_module
from surrobench.predictors.gp.process import Process
from surrobench.predictors.gp.recipe import PoolGP
from surrobench.predictors.model_posterior import ModelPosterior
from surrobench.predictors.predictive import predict
from surrobench.predictors.sparse_gp.bound import SparsePosterior
from surrobench.predictors.sparse_gp.inducing import conditional_variance
from surrobench.predictors.sparse_gp.recipe import SparseGP

BLOCKS = (ColumnBlock("one-hot", 0, 6, "one-hot", (0, 0, 0, 1, 1, 1)), ColumnBlock("numeric", 6, 9))


def problem(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, 3, size=(n, 2))
    X = np.hstack([np.eye(3)[chosen].reshape(n, 6), rng.random((n, 3))])
    y = np.sin(5 * X[:, 6]) + chosen[:, 0] * X[:, 7] + 0.1 * rng.normal(size=n)
    return torch.tensor(X), torch.tensor(50.0 + y)[:, None]


RECIPES = {
    "all columns": {"kernel": "matern-5/2", "lengthscales": "column", "combine": "sum"},
    "shared": {"kernel": "rbf", "lengthscales": "shared", "combine": "product"},
    "mixed": {"kernel": "categorical", "lengthscales": "variable", "combine": "product"},
    "sum": {"kernel": "categorical", "lengthscales": "shared", "combine": "sum"},
}
by_recipe = pytest.mark.parametrize("options", RECIPES.values(), ids=RECIPES)


class _Theirs(gpytorch.models.ExactGP):
    """Titsias' model as GPyTorch's manual has it."""

    def __init__(self, X: Any, y: Any, base: Any, Z: Any, likelihood: Any) -> None:
        super().__init__(X, y, likelihood)
        self.mean_module = gpytorch.means.ConstantMean()
        self.covar_module = InducingPointKernel(base, Z.clone(), likelihood)

    def forward(self, X: Any) -> Any:
        return gpytorch.distributions.MultivariateNormal(self.mean_module(X), self.covar_module(X))


@by_recipe
def test_bound_and_gradient_equal_gpytorchs(options: dict[str, Any]) -> None:
    X, y = problem(80)
    covariance = PoolGP(**options).for_blocks(BLOCKS).covariance(X)
    targets, chosen = y[:, 0].numpy() - 50.0, np.arange(0, 80, 6)
    objective = SparsePosterior.of(covariance, chosen, targets, 1.0)
    at = covariance.start(1.0)
    at += 0.2 * np.random.default_rng(1).normal(size=len(at))
    found = objective(at)

    parameters = covariance.parameters(at, 0.0)
    report: Any = None
    process = Process(X, covariance, parameters, covariance.bind(parameters), 1.0, report)
    likelihood = gpytorch.likelihoods.GaussianLikelihood().double()
    likelihood.noise = parameters.noise
    low, high = X.amin(dim=0), X.amax(dim=0)
    inputs = (X - low) / (high - low)
    model = _Theirs(
        inputs, torch.tensor(targets), covariance_module(process), inputs[chosen], likelihood
    ).double()
    model.mean_module.constant = torch.tensor(found.constant)
    model.train()
    with gpytorch.settings.cholesky_jitter(double_value=1e-8), torch.no_grad():
        mll = ExactMarginalLogLikelihood(likelihood, model)
        value = float(mll(model(inputs), model.train_targets)) * len(targets)
    # The likelihood is a part of their model twice, and its prior would be.
    value += covariance.priors(1.0)[2].log_density(at[-1:])[0]
    assert found.value == pytest.approx(value, abs=1e-4)

    step = 1e-5 * np.eye(len(at))
    slopes = [(objective(at + e).value - objective(at - e).value) / 2e-5 for e in step]
    np.testing.assert_allclose(found.gradient, slopes, rtol=1e-6, atol=1e-5)


@by_recipe
def test_bound_and_posterior_equal_their_plain_formulas(options: dict[str, Any]) -> None:
    X, y = problem(80)
    covariance = PoolGP(**options).for_blocks(BLOCKS).covariance(X)
    targets, chosen, every = y[:, 0].numpy() - 50.0, np.arange(0, 80, 6), np.arange(80)
    objective, at = SparsePosterior.of(covariance, chosen, targets, 1.0), covariance.start(1.0)
    found = objective.collapsed(at)

    parameters = covariance.parameters(at, 0.0)
    kernel = covariance.bind(parameters)
    K, s = kernel.between(every, every), parameters.noise
    K_ZZ = K[np.ix_(chosen, chosen)] + 1e-8 * kernel.scale * np.eye(len(chosen))
    K_ZX = K[chosen]
    Q = K_ZX.T @ np.linalg.solve(K_ZZ, K_ZX)
    S, r = Q + s * np.eye(80), targets - found.constant
    fit = r @ np.linalg.solve(S, r) + np.linalg.slogdet(S)[1] + 80 * np.log(2 * np.pi)
    assert found.value == pytest.approx(-0.5 * (fit + np.trace(K - Q) / s), abs=1e-6)
    inner = np.linalg.inv(K_ZZ + K_ZX @ K_ZX.T / s)
    np.testing.assert_allclose(K_ZX.T @ found.weights, K_ZX.T @ inner @ K_ZX @ r / s, atol=1e-6)
    seen = found.explained @ K_ZX
    expected = K_ZX.T @ (np.linalg.inv(K_ZZ) - inner) @ K_ZX
    np.testing.assert_allclose(seen.T @ seen, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("exact", "options"),
    [
        ("gp-matern52-ard", {}),
        ("gp-matern52", {"lengthscales": "shared"}),
        ("gp-mixed", {"kernel": "categorical", "lengthscales": "variable"}),
        ("gp-blocks", {"kernel": "categorical", "lengthscales": "variable", "combine": "sum"}),
    ],
)
@pytest.mark.parametrize("transform", ["standardise", "quantile-normal"])
def test_with_all_examples_as_inducing_points_it_is_the_exact_process(
    exact: str, options: dict[str, Any], transform: str
) -> None:
    X, y = problem(90)
    points, _ = problem(50, seed=1)
    recipes: list[Any] = [
        make_predictor({"use": name, "transform": transform, **more})
        for name, more in ((exact, {}), ("gp-sparse", options))
    ]
    answers = []
    for recipe in recipes:
        told = recipe.for_blocks(BLOCKS) if hasattr(recipe, "for_blocks") else recipe
        answers.append(predict(told.fit(X, y, seed=0), points))
    plain, sparse = answers
    np.testing.assert_allclose(sparse.mean, plain.mean, rtol=0, atol=1e-4 * float(y.std()))
    np.testing.assert_allclose(sparse.std, plain.std, rtol=1e-4)


def test_few_inducing_points_bound_the_likelihood_from_below_and_predict() -> None:
    X, y = problem(400)
    points, truth = problem(300, seed=1)
    exact = make_predictor("gp-matern52-ard").fit(X, y, seed=0)
    model = SparseGP(inducing=60).fit(X, y, seed=0)
    report = model.base.fit_report
    assert report.converged
    assert report.log_posterior <= exact.fit_report.log_posterior + 1e-3
    assert len(model.base.inducing) == 60
    error = [np.abs(predict(m, points).mean - truth[:, 0].numpy()).mean() for m in (exact, model)]
    assert error[1] < 1.25 * error[0]


def test_the_order_of_examples_plays_no_part() -> None:
    X, y = problem(150)
    other = torch.randperm(150, generator=torch.manual_seed(0))
    recipe = SparseGP(inducing=40, max_evaluations=10)
    one, two = (predict(recipe.fit(X[o], y[o], seed=0), X) for o in (torch.arange(150), other))
    assert np.array_equal(one.mean, two.mean)
    assert np.array_equal(one.std, two.std)


def test_inducing_points_are_where_variance_is_left_and_no_more_than_it_takes() -> None:
    X, _ = problem(60)
    covariance = (
        PoolGP("rbf", "shared")
        .for_blocks((ColumnBlock("columns", 0, 9),))
        .covariance(torch.cat([X, X]))
    )
    parameters = covariance.parameters(covariance.start(1.0), 0.0)
    kernel = covariance.bind(parameters)
    chosen = conditional_variance(kernel, 120, 120)
    assert len(chosen) <= 60
    assert len(set((chosen % 60).tolist())) == len(chosen)
    K = kernel.between(np.arange(120), np.arange(120))
    five = chosen[:5]
    left = np.diag(K - K[:, five] @ np.linalg.solve(K[np.ix_(five, five)], K[five]))
    assert chosen[5] == np.argmax(left) or left[chosen[5]] == pytest.approx(left.max())


def test_joint_posterior_conditioning_and_the_pool_agree_with_predictions() -> None:
    X, y = problem(200)
    model = SparseGP(inducing=50, max_evaluations=15).fit(X, y, seed=0)
    points, _ = problem(30, seed=1)
    predictive = predict(model, points)
    with torch.no_grad():
        posterior = model.posterior(points, observation_noise=True)
    np.testing.assert_allclose(posterior.mean[:, 0], predictive.mean, rtol=1e-9)
    np.testing.assert_allclose(posterior.variance[:, 0].sqrt(), predictive.std, rtol=1e-7)

    pool = ModelPosterior(model, points, [], torch.empty(0, 1, dtype=torch.float64))
    assert pool.kind == "gp"
    rows = torch.arange(4)
    joint = pool.covariance(rows, rows)
    np.testing.assert_allclose(joint.diagonal(), pool.variance[:4], rtol=1e-7)
    after = pool.condition([0], pool.mean[:1] + 1.0)
    assert float(after.variance[0]) < float(pool.variance[0])
    assert float(pool.mean[0]) < float(after.mean[0]) < float(pool.mean[0]) + 1.0
    with pytest.raises(ValueError, match="one batch"):
        model.base.condition_on_observations(points[None], points[None, :, :1])


def test_options_that_are_not_valid_are_named() -> None:
    for options in ({"inducing": 0}, {"kernel": "matern"}, {"max_evaluations": 0}):
        with pytest.raises(UserError, match=next(iter(options))):
            make_predictor({"use": "gp-sparse", **options})
