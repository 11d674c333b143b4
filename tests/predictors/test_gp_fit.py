"""The closed-form objective against GPyTorch's automatic differentiation, and the search."""

from __future__ import annotations

import math
import warnings
from typing import get_args

import gpytorch
import numpy as np
import pytest
import torch
from botorch.fit import fit_gpytorch_mll
from gpytorch.mlls import ExactMarginalLogLikelihood

from surrobench.predictors.gp.correlations import (
    CodedCorrelation,
    DenseCorrelation,
    shared_correlation,
)
from surrobench.predictors.gp.fitted_gp import FittedGP
from surrobench.predictors.gp.gp import ExactGP
from surrobench.predictors.gp.gp_fit import (
    Kernel,
    LogNormal,
    LogPosterior,
    Priors,
    fit_hyperparameters,
)

KERNELS = get_args(Kernel)


def problem(n: int, d: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 4, size=(n, d)).astype(float)
    y = np.sin(X.sum(axis=1)) + X[:, 0] ** 2 / 3 + 0.1 * rng.normal(size=n)
    return torch.tensor(X), torch.tensor(y)[:, None]


def objective_of(model: FittedGP, kernel: Kernel, *, ard: bool) -> LogPosterior:
    """Our objective on the data that a model was built from."""
    X, y = model.train_inputs[0].numpy(), model.train_targets.numpy()
    variance = float(y.var(ddof=1))
    return LogPosterior(
        X, y, kernel, ard=ard, priors=Priors.scaled_to(X.shape[1], variance=variance)
    )


def gpytorch_objective(model: FittedGP) -> tuple[float, np.ndarray, float]:
    """GPyTorch's log posterior, its gradient in our parameters, and that in the constant."""
    model.train()
    model.zero_grad()
    mll = ExactMarginalLogLikelihood(model.likelihood, model)
    value = mll(model(*model.train_inputs), model.train_targets) * len(model.train_targets)
    value.backward()
    base = model.covar_module.base_kernel
    parts = (base.raw_lengthscale, model.covar_module.raw_outputscale, model.likelihood.raw_noise)
    gradient = torch.cat([(part.grad * part).reshape(-1) for part in parts])
    constant = float(model.mean_module.raw_constant.grad)
    model.eval()
    return value.item(), gradient.detach().numpy(), constant


@pytest.mark.parametrize("ard", [False, True])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("transform", ["none", "standardise"])
def test_value_and_gradient_equal_gpytorch(kernel: Kernel, ard: bool, transform: str) -> None:
    X, y = problem(40, 5)
    X = X + 0.1 * torch.tensor(np.random.default_rng(1).random(X.shape))
    rng = np.random.default_rng(2)
    model = ExactGP(kernel, ard, transform, max_evaluations=1).fit(X, y, seed=0)
    objective = objective_of(model, kernel, ard=ard)
    for _ in range(3):
        log_parameters = rng.normal(0.0, 0.7, size=objective.size)
        log_parameters[-1] = rng.uniform(-5.0, 0.0)
        point = objective(log_parameters)
        values = torch.tensor(np.exp(log_parameters))
        base = model.covar_module.base_kernel
        base.lengthscale = values[:-2].reshape(base.lengthscale.shape)
        model.covar_module.outputscale = values[-2]
        model.likelihood.noise = values[-1]
        model.mean_module.constant = torch.tensor(point.constant, dtype=torch.float64)
        value, gradient, constant = gpytorch_objective(model)
        # With gradients, GPyTorch finds rounding instead of zero for a point's distance to itself,
        # and the Matérn-1/2 kernel has its kink there.
        tolerance = 1e-6 if kernel == "matern-1/2" and ard else 1e-8
        assert point.value == pytest.approx(value, rel=tolerance)
        np.testing.assert_allclose(point.gradient, gradient, rtol=tolerance, atol=tolerance)
        assert constant == pytest.approx(0.0, abs=tolerance)


@pytest.mark.parametrize("ard", [False, True])
@pytest.mark.parametrize("kernel", KERNELS)
def test_gradient_equals_finite_differences_with_duplicate_rows(kernel: Kernel, ard: bool) -> None:
    X, y = problem(30, 2)
    objective = LogPosterior(
        X.numpy() / 3, y[:, 0].numpy(), kernel, ard=ard, priors=Priors.scaled_to(2)
    )
    at = np.full(objective.size, -0.7)
    gradient = objective(at).gradient
    for i in range(objective.size):
        step = np.zeros_like(at)
        step[i] = 1e-5
        difference = (objective(at + step).value - objective(at - step).value) / 2e-5
        assert gradient[i] == pytest.approx(difference, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("kernel", KERNELS)
def test_correlations_of_zeros_and_ones_are_those_of_any_columns(kernel: Kernel) -> None:
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, size=(25, 6)).astype(float)
    coded, dense = shared_correlation(X, kernel), DenseCorrelation(X, kernel, None)
    assert isinstance(coded, CodedCorrelation)
    M = rng.normal(size=(25, 25))
    for log_lengthscale in (-1.0, 0.7):
        (K, pull), (L, pull_dense) = (c(np.array([log_lengthscale])) for c in (coded, dense))
        np.testing.assert_allclose(K, L, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(pull(M.copy()), pull_dense(M.copy()), rtol=1e-10)
    assert isinstance(shared_correlation(0.5 * X, kernel), DenseCorrelation)


@pytest.mark.slow
@pytest.mark.parametrize("ard", [False, True])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("n", [15, 60])
def test_optimum_is_no_worse_than_botorchs(kernel: Kernel, ard: bool, n: int) -> None:
    X, y = problem(n, 4, seed=n)
    ours = ExactGP(kernel, ard).fit(X, y, seed=0)
    report, objective = ours.fit_report, objective_of(ours, kernel, ard=ard)
    assert report.converged
    assert report.evaluations <= 100
    theirs = ExactGP(kernel, ard, max_evaluations=1).fit(X, y, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit_gpytorch_mll(ExactMarginalLogLikelihood(theirs.likelihood, theirs.train()))
    value, _, _ = gpytorch_objective(theirs)
    assert report.log_posterior > value - 1e-3 * n
    assert objective.size == (6 if ard else 3)


def test_report_states_the_value_at_the_fitted_hyperparameters() -> None:
    X, y = problem(50, 3)
    model = ExactGP("matern-3/2").fit(X, y, seed=0)
    assert model.fit_report.log_posterior == pytest.approx(gpytorch_objective(model)[0], rel=1e-8)
    assert model.fit_report.jitter == 0.0


def test_budget_is_kept() -> None:
    X, y = problem(40, 6)
    report = ExactGP("rbf", ard=True, max_evaluations=4).fit(X, y, seed=0).fit_report
    assert report.evaluations == 4
    assert not report.converged


def test_more_evaluations_never_fit_worse() -> None:
    X, y = problem(40, 6)
    values = [
        ExactGP("matern-5/2", ard=True, max_evaluations=budget).fit(X, y, seed=0)
        for budget in (1, 3, 9, 27)
    ]
    reached = [model.fit_report.log_posterior for model in values]
    assert reached == sorted(reached)


def test_jitter_is_escalated_recorded_and_part_of_the_noise() -> None:
    X, y = np.repeat([[0.0], [1.0]], 40, axis=0), np.repeat([0.0, 1.0], 40)
    priors = Priors(LogNormal(0.0, 1.0), LogNormal(50.0, 1e-4), LogNormal(-50.0, 1e-4))
    objective = LogPosterior(X, y, "rbf", ard=False, priors=priors)
    assert objective(np.array([0.0, 18.0, -50.0])).jitter > 0.0
    fitted, report = fit_hyperparameters(X, y, "rbf", ard=False, priors=priors, max_evaluations=9)
    assert fitted.noise > report.jitter >= 0.0
    assert math.isfinite(report.log_posterior)


def test_what_cannot_be_factorised_is_said() -> None:
    objective = LogPosterior(
        np.array([[0.0], [1e200]]), np.zeros(2), "rbf", ard=False, priors=Priors.scaled_to(1)
    )
    with pytest.raises(ArithmeticError, match="positive definite"):
        objective(np.full(3, np.nan))


def test_prior_is_the_log_normal_density() -> None:
    prior = gpytorch.priors.LogNormalPrior(0.5, 0.6)
    x = torch.tensor([0.3, 2.0], dtype=torch.float64)
    value, slope = LogNormal(0.5, 0.6).log_density(x.log().numpy())
    assert value == pytest.approx(float(prior.log_prob(x).sum()), rel=1e-6)
    higher, _ = LogNormal(0.5, 0.6).log_density(x.log().numpy() + 1e-6)
    assert slope.sum() == pytest.approx((higher - value) / 1e-6, rel=1e-4)
