"""Predictive distributions: the models' own posteriors, scored by the definitions."""

from __future__ import annotations

import gpytorch
import numpy as np
import pytest
import torch
from botorch.models import SingleTaskGP
from botorch.models.model import Model
from botorch.models.transforms import Log
from scipy.stats import norm

from surrobench.base.columns import ColumnBlock
from surrobench.predictors.gp.dense_covariance import (
    covariance_with,
    dense_covariance,
    prior_variance,
)
from surrobench.predictors.gp.fitted_gp import leaves_alone
from surrobench.predictors.gp.gp import ExactGP
from surrobench.predictors.gp.modules import CategoricalKernel, TiedKernel
from surrobench.predictors.gp.recipe import PoolGP
from surrobench.predictors.models import EnsembleModel, MomentsModel
from surrobench.predictors.predictive import DenseGP, Predictive, predict, quick_gp
from surrobench.predictors.transforms import fit_transform


def problem(n: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    X = torch.tensor(rng.integers(0, 2, size=(n, 8)).astype(float))
    y = 94.0 - (X[:, :3].sum(dim=1, keepdim=True) - 2.2) ** 2 + torch.tensor(rng.random((n, 1)))
    return X, y


def pool() -> torch.Tensor:
    return torch.tensor(np.random.default_rng(1).integers(0, 2, size=(50, 8)).astype(float))


def warped(mean: torch.Tensor, deviation: torch.Tensor) -> Predictive:
    """Predictive of given latent marginals behind a warp of 60 heavy-tailed targets."""
    y = torch.tensor(94.0 - np.random.default_rng(0).gamma(0.7, 4.0, size=(60, 1)))
    base = MomentsModel(lambda X: (X[:, 0], X[:, 1]))
    return predict(
        fit_transform("quantile-normal", y).wrap(base), torch.stack([mean, deviation], dim=1)
    )


@pytest.fixture
def examples() -> dict[str, Predictive]:
    mean = torch.linspace(-2.0, 2.5, 9, dtype=torch.float64)
    deviation = torch.linspace(0.1, 1.5, 9, dtype=torch.float64)
    return {
        "normal": Predictive.normal(mean.numpy(), deviation.numpy()),
        "warped": warped(mean, deviation),
    }


@pytest.mark.parametrize("transform", ["none", "standardise", "quantile-normal"])
@pytest.mark.parametrize("ard", [False, True])
@pytest.mark.parametrize("kernel", ["rbf", "matern-1/2", "matern-3/2", "matern-5/2"])
def test_gaussian_processes_equal_their_own_posterior(
    kernel: str, ard: bool, transform: str
) -> None:
    X, y = problem()
    model = ExactGP(kernel, ard, transform, max_evaluations=20).fit(X, y, seed=0)
    unseen = pool() + 0.01
    predictive = predict(model, unseen, chunk=7)
    with torch.no_grad():
        posterior = model.posterior(unseen, observation_noise=True)
        mean, variance = posterior.mean[:, 0].numpy(), posterior.variance[:, 0].numpy()
    # Distances between equal rows are rounding in GPyTorch, where the Matérn-1/2 kernel has a kink.
    tolerance = 1e-6 if kernel == "matern-1/2" else 1e-8
    np.testing.assert_allclose(predictive.mean, mean, rtol=tolerance)
    np.testing.assert_allclose(predictive.std**2, variance, rtol=tolerance)


def test_plain_botorch_models_take_the_direct_way_too() -> None:
    X, y = problem()
    periodic = gpytorch.kernels.ScaleKernel(gpytorch.kernels.PeriodicKernel())
    for model in (SingleTaskGP(X, y), SingleTaskGP(X, y, covar_module=periodic)):
        assert DenseGP.of(model) is not None
        predictive = predict(model, pool())
        with torch.no_grad():
            posterior = model.posterior(pool(), observation_noise=True)
        np.testing.assert_allclose(predictive.mean, posterior.mean[:, 0].numpy(), rtol=1e-8)


@pytest.mark.parametrize("kind", ["fixed noise", "logarithm", "two outputs", "moments"])
def test_other_models_answer_through_their_posterior(kind: str) -> None:
    X, y = problem()
    models: dict[str, Model] = {
        "fixed noise": SingleTaskGP(X, y, train_Yvar=torch.full_like(y, 0.1)),
        "logarithm": SingleTaskGP(X, y, outcome_transform=Log()),
        "two outputs": SingleTaskGP(X, torch.cat([y, y], dim=1)),
        "moments": MomentsModel(lambda X: (X[:, 0], 1 + X[:, 1]), noise=0.5),
    }
    model = models[kind]
    assert quick_gp(model) is None
    if kind == "two outputs":
        with pytest.raises(ValueError, match="shape"):
            predict(model, pool())
    elif kind != "logarithm":
        predictive = predict(model, pool(), chunk=16)
        with torch.no_grad():
            posterior = model.posterior(pool(), observation_noise=True)
        np.testing.assert_allclose(predictive.mean, posterior.mean[:, 0].numpy(), rtol=1e-6)
        np.testing.assert_allclose(
            predictive.std, posterior.variance[:, 0].sqrt().numpy(), rtol=1e-6
        )


def test_ensembles_are_matched_in_mean_and_variance_with_noise() -> None:
    members = torch.tensor([[0.0], [1.0], [5.0]], dtype=torch.float64)
    model = EnsembleModel(lambda X: members.expand(3, len(X)), noise=0.25)
    predictive = predict(model, torch.zeros(4, 1, dtype=torch.float64))
    np.testing.assert_allclose(predictive.mean, 2.0)
    np.testing.assert_allclose(predictive.std**2, np.var([0, 1, 5]) + 0.25)


def test_normal_scores_equal_their_definitions(examples: dict[str, Predictive]) -> None:
    p, y = examples["normal"], np.linspace(-3, 3, 9)
    np.testing.assert_allclose(p.cdf(y), norm.cdf(y, p.mean, p.std), rtol=1e-12)
    np.testing.assert_allclose(p.log_density(y), norm.logpdf(y, p.mean, p.std), rtol=1e-12)
    np.testing.assert_allclose(p.quantile([0.1, 0.9])[:, 1], norm.ppf(0.9, p.mean, p.std))
    assert np.array_equal(p.median, p.mean)


@pytest.mark.parametrize("kind", ["normal", "warped"])
def test_crps_equals_simulation(examples: dict[str, Predictive], kind: str) -> None:
    p = examples[kind]
    levels = (np.arange(20_000) + 0.5) / 20_000
    draws = p.quantile(levels)
    y = p.quantile([0.2])[:, 0] + 0.3
    # E|Y - Y'| / 2 of sorted draws; the levels stand in for random draws.
    spread = (draws * (2 * levels - 1)).mean(axis=1)
    expected = np.abs(draws - y[:, None]).mean(axis=1) - spread
    np.testing.assert_allclose(p.crps(y), expected, rtol=5e-3)


def test_warped_distribution_is_consistent(examples: dict[str, Predictive]) -> None:
    p = examples["warped"]
    levels = np.array([0.01, 0.25, 0.5, 0.75, 0.99])
    quantiles = p.quantile(levels)
    assert np.all(np.diff(quantiles, axis=1) > 0)
    np.testing.assert_allclose(quantiles[:, 2], p.median)
    for level, q in zip(levels, quantiles.T, strict=True):
        np.testing.assert_allclose(p.cdf(q), level, rtol=1e-9)
    fine = p.quantile((np.arange(200_000) + 0.5) / 200_000)
    np.testing.assert_allclose(p.mean, fine.mean(axis=1), rtol=1e-3)
    np.testing.assert_allclose(p.std, fine.std(axis=1), rtol=1e-2)


def test_warped_density_is_the_slope_of_the_distribution(examples: dict[str, Predictive]) -> None:
    p = examples["warped"]
    y = p.quantile([0.37])[:, 0]
    slope = (p.cdf(y + 1e-7) - p.cdf(y - 1e-7)) / 2e-7
    np.testing.assert_allclose(np.exp(p.log_density(y)), slope, rtol=1e-4)


def test_median_ranks_like_the_latent_mean() -> None:
    mean = torch.linspace(-4, 4, 200, dtype=torch.float64)
    assert np.all(np.diff(warped(mean, torch.rand(200).double() + 0.1).median) > 0)


@pytest.mark.parametrize("kind", ["normal", "warped"])
def test_distribution_function_is_monotone_between_zero_and_one(
    examples: dict[str, Predictive], kind: str
) -> None:
    p = examples[kind]
    values = np.stack([p.cdf(y) for y in np.linspace(-1e4, 1e4, 301)])
    assert values.min() >= 0.0
    assert values.max() <= 1.0
    assert np.all(np.diff(values, axis=0) >= 0.0)


def test_certain_predictions_can_be_scored() -> None:
    model = MomentsModel(lambda X: (X[:, 0], torch.zeros(len(X))), floor=1e-300)
    p = predict(model, pool())
    assert np.all(p.std > 0)
    y = p.mean + 1.0
    np.testing.assert_allclose(p.crps(y), 1.0, rtol=1e-4)
    assert np.isfinite(p.log_density(y)).all()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_predictions_that_are_not_finite_are_refused_with_the_reason(value: float) -> None:
    def moments(X: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean = X[:, 0].clone()
        mean[3] = value
        return mean, torch.ones(len(X))

    with pytest.raises(ValueError, match="mean is not finite at 1 of 50 points"):
        predict(MomentsModel(moments), pool())


def test_negative_variances_are_refused() -> None:
    class Wrong(MomentsModel):
        def posterior(self, X: torch.Tensor, *args, **options):
            posterior = super().posterior(X)
            return type("P", (), {"mean": posterior.mean, "variance": -posterior.variance})()

    with pytest.raises(ValueError, match="variance is negative"):
        predict(Wrong(lambda X: (X[:, 0], torch.ones(len(X)))), pool())


def test_bad_queries(examples: dict[str, Predictive]) -> None:
    with pytest.raises(ValueError, match="m x d"):
        predict(ExactGP().fit(*problem(), seed=0), torch.zeros(3))
    for p in examples.values():
        with pytest.raises(ValueError, match="between 0 and 1"):
            p.quantile([0.0, 0.5])
        with pytest.raises(ValueError, match="finite"):
            p.crps(np.nan)


def test_nothing_asked_nothing_answered() -> None:
    for transform in ("standardise", "quantile-normal"):
        model = ExactGP(transform=transform).fit(*problem(), seed=0)
        p = predict(model, pool()[:0])
        assert p.mean.shape == p.std.shape == p.median.shape == (0,)
        assert p.crps(np.zeros(0)).shape == (0,)


def test_dense_covariances_equal_gpytorchs() -> None:
    A, B = pool()[:20] + 0.1, pool()
    kernels = [gpytorch.kernels.RBFKernel(ard_num_dims=8), gpytorch.kernels.RBFKernel()]
    kernels += [gpytorch.kernels.MaternKernel(nu=nu) for nu in (0.5, 1.5, 2.5)]
    for base in kernels:
        for module in (gpytorch.kernels.ScaleKernel(base).double(), base.double()):
            with torch.no_grad():
                torch.testing.assert_close(
                    dense_covariance(module)(A, B), module(A, B).to_dense(), rtol=1e-10, atol=1e-12
                )


@pytest.mark.parametrize("ard", [None, 8])
def test_dense_covariances_of_zeros_and_ones_equal_gpytorchs(ard: int | None) -> None:
    rng = np.random.default_rng(0)
    A, B = (torch.from_numpy(rng.integers(0, 2, size=(n, 8)).astype(float)) for n in (20, 12))
    kernels = [gpytorch.kernels.RBFKernel(ard_num_dims=ard)]
    kernels += [gpytorch.kernels.MaternKernel(nu=nu, ard_num_dims=ard) for nu in (0.5, 1.5, 2.5)]
    for base in kernels:
        module = gpytorch.kernels.ScaleKernel(base).double()
        base.lengthscale = 1.7
        covariance = dense_covariance(module)
        # One other value is enough for the ordinary way, on either side.
        for left, right in ((A, B), (A + 0.5 * B[0], B), (A, B + 0.5 * A[0])):
            with torch.no_grad():
                expected = module(left, right).to_dense()
            # GPyTorch's distance of equal points is rounding, whose root Matérn-1/2 sees.
            tolerance = 1e-6 if getattr(base, "nu", 0.0) == 0.5 else 1e-10
            torch.testing.assert_close(
                covariance(left, right), expected, rtol=tolerance, atol=tolerance
            )


@pytest.mark.parametrize(("n", "columns"), [(12, 8), (11, 8), (12, 70)])
def test_covariances_with_fixed_zeros_and_ones_are_the_same_to_the_bit(
    n: int, columns: int
) -> None:
    rng = np.random.default_rng(0)
    A, B = (
        torch.from_numpy(rng.integers(0, 2, size=(rows, columns)).astype(float)) for rows in (40, n)
    )
    for base in (gpytorch.kernels.RBFKernel(), gpytorch.kernels.MaternKernel(nu=2.5)):
        module = gpytorch.kernels.ScaleKernel(base).double()
        base.lengthscale, module.outputscale = 1.7, 0.3
        with torch.no_grad():
            # Few rows, then more, then others than zeros and ones.
            for points in (A[:5], A, A[:5] + 0.5):
                found = covariance_with(module, B)(points)
                assert torch.equal(found, dense_covariance(module)(points, B))


def test_predictions_do_not_depend_on_where_the_pool_is_cut() -> None:
    rng = np.random.default_rng(0)
    X = torch.from_numpy(rng.integers(0, 2, size=(30, 8)).astype(float))
    y = X.sum(dim=1, keepdim=True) + torch.from_numpy(rng.normal(size=(30, 1)))
    model = ExactGP().fit(X, y, seed=0)
    unseen = torch.from_numpy(rng.integers(0, 2, size=(700, 8)).astype(float))
    whole, parts = predict(model, unseen), predict(model, unseen, chunk=96)
    np.testing.assert_allclose(whole.mean, parts.mean, rtol=1e-9)
    np.testing.assert_allclose(whole.std, parts.std, rtol=1e-9)


@pytest.mark.parametrize("width", [1.0, 2.0])
def test_inputs_that_scaling_changes_are_not_taken_as_they_are(width: float) -> None:
    X = width * torch.from_numpy(
        np.random.default_rng(0).integers(0, 2, size=(30, 8)).astype(float)
    )
    model = ExactGP().fit(X, X.sum(dim=1, keepdim=True), seed=0)
    assert leaves_alone(model) == (width == 1.0)
    with torch.no_grad():
        expected = model.posterior(X, observation_noise=True).mean[:, 0].numpy()
    np.testing.assert_allclose(predict(model, X).mean, expected, rtol=1e-8)


class Unknown(gpytorch.kernels.RBFKernel):
    """A kernel that only its own module can evaluate."""


GROUPS = (0, 0, 1, 1, 1, 2, 2, 2)


def kernels() -> dict[str, gpytorch.kernels.Kernel]:
    """Kernels over parts of eight columns, alone and combined."""
    scaled = gpytorch.kernels.ScaleKernel
    tied, choices = TiedKernel("matern-5/2", GROUPS), CategoricalKernel(GROUPS, shared=False)
    tied.lengthscale = choices.lengthscale = torch.tensor([0.5, 1.0, 2.0])
    some = CategoricalKernel((0, 0, 1), shared=True, active_dims=(1, 2, 6))
    numeric = gpytorch.kernels.MaternKernel(nu=1.5, active_dims=(0, 5))
    alone = {"tied": scaled(tied), "categorical": scaled(choices), "some columns": some}
    return {
        **alone,
        "sum": gpytorch.kernels.AdditiveKernel(scaled(some), scaled(numeric)),
        "product": scaled(gpytorch.kernels.ProductKernel(some, numeric)),
        "unknown": gpytorch.kernels.AdditiveKernel(scaled(Unknown()), numeric),
        "not stationary": scaled(gpytorch.kernels.LinearKernel()),
    }


@pytest.mark.parametrize("name", kernels())
def test_dense_covariances_of_blocks_equal_gpytorchs(name: str) -> None:
    module, (A, B) = kernels()[name].double(), (pool()[:20], pool())
    with torch.no_grad():
        expected = module(A, B).to_dense()
        torch.testing.assert_close(dense_covariance(module)(A, B), expected, rtol=1e-10, atol=1e-7)
        torch.testing.assert_close(prior_variance(module, A), module(A, diag=True))


@pytest.mark.parametrize("transform", ["none", "standardise", "quantile-normal"])
@pytest.mark.parametrize("combine", ["sum", "product"])
def test_processes_over_blocks_equal_their_own_posterior(combine: str, transform: str) -> None:
    X, y = problem()
    blocks = (ColumnBlock("one-hot", 0, 5, "one-hot", GROUPS[:5]), ColumnBlock("numbers", 5, 8))
    recipe = PoolGP(combine=combine, transform=transform, max_evaluations=15).for_blocks(blocks)
    model = recipe.fit(X, y, seed=0)
    predictive = predict(model, pool())
    with torch.no_grad():
        posterior = model.posterior(pool(), observation_noise=True)
        mean, variance = posterior.mean[:, 0].numpy(), posterior.variance[:, 0].numpy()
    np.testing.assert_allclose(predictive.mean, mean, rtol=1e-8)
    np.testing.assert_allclose(predictive.std**2, variance, rtol=1e-8)
