"""Gaussian processes as predictors: BoTorch's own model, in all the corners of small data."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import torch
from botorch.acquisition import LogExpectedImprovement
from botorch.models import SingleTaskGP
from scipy.stats import kendalltau

from surrobench.errors import UserError
from surrobench.predictors.gp.fitted_gp import FittedGP
from surrobench.predictors.gp.gp import ExactGP
from surrobench.predictors.gp.gp_fit import Kernel
from surrobench.predictors.predictive import predict
from surrobench.predictors.transforms import WarpedModel

TRANSFORMS = ("none", "standardise", "quantile-normal")


def problem(n: int = 40, d: int = 3, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    X = torch.tensor(rng.random((n, d))) * torch.tensor([1.0, 50.0, 0.01][:d]).double()
    y = torch.sin(5 * X[:, :1]) + X[:, 1:2] / 40 + 0.05 * torch.tensor(rng.normal(size=(n, 1)))
    return X, 90.0 + y


def latent(model: torch.nn.Module) -> FittedGP:
    base = model.base if isinstance(model, WarpedModel) else model
    assert isinstance(base, FittedGP)
    return base


@pytest.mark.parametrize("ard", [False, True])
@pytest.mark.parametrize("kernel", get_args(Kernel))
def test_fit_returns_botorchs_own_model(kernel: Kernel, ard: bool) -> None:
    X, y = problem()
    model = ExactGP(kernel, ard).fit(X, y, seed=0)
    assert isinstance(model, SingleTaskGP)
    reference = SingleTaskGP(
        X,
        y,
        likelihood=model.likelihood,
        covar_module=model.covar_module,
        mean_module=model.mean_module,
        input_transform=model.input_transform,
    )
    with torch.no_grad():
        ours, theirs = model.posterior(X[:9] + 0.01), reference.posterior(X[:9] + 0.01)
    torch.testing.assert_close(ours.mean, theirs.mean, rtol=1e-8, atol=0.0)
    torch.testing.assert_close(ours.variance, theirs.variance, rtol=1e-8, atol=0.0)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_predictions_are_in_units_of_the_targets(transform: str) -> None:
    X, y = problem(80)
    model = ExactGP(transform=transform).fit(X[:60], y[:60], seed=0)
    predictive = predict(model, X[60:])
    assert np.abs(predictive.mean - y[60:, 0].numpy()).mean() < 0.3 * float(y.std())


def test_standardising_changes_nothing_but_rounding() -> None:
    X, y = problem()
    raw = predict(ExactGP(transform="none").fit(X, y, seed=0), X)
    scaled = predict(ExactGP(transform="standardise").fit(X, y, seed=0), X)
    np.testing.assert_allclose(raw.mean, scaled.mean, rtol=1e-4)
    np.testing.assert_allclose(raw.std, scaled.std, rtol=1e-2)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_targets_of_any_size(transform: str) -> None:
    X, y = problem()
    small, large = (
        predict(ExactGP(transform=transform).fit(X, y * unit, seed=0), X) for unit in (1e-6, 1e6)
    )
    np.testing.assert_allclose(small.mean * 1e12, large.mean, rtol=1e-4)
    np.testing.assert_allclose(small.std * 1e12, large.std, rtol=1e-2)


def test_constant_columns_are_left_alone_and_others_scaled_by_their_range() -> None:
    X = torch.tensor([[3.0, 5.0], [3.0, 9.0], [3.0, 7.0]], dtype=torch.float64)
    model = ExactGP().fit(X, torch.arange(3.0, dtype=torch.float64)[:, None], seed=0)
    scaled = torch.tensor([[3.0, 0.0], [3.0, 1.0], [3.0, 0.5]], dtype=torch.float64)
    torch.testing.assert_close(model.train_inputs[0], scaled)


@pytest.mark.slow
@pytest.mark.parametrize("ard", [False, True])
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("kernel", get_args(Kernel))
def test_corner_cases_give_finite_predictions(kernel: Kernel, transform: str, ard: bool) -> None:
    X, y = problem(30)
    grid = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64)
    cases = {
        "one point": (X[:1], y[:1]),
        "two points": (X[:2], y[:2]),
        "constant targets": (X, torch.full_like(y, 0.7)),
        "duplicate rows": (X[:5].repeat(6, 1), y),
        "two distinct rows": (grid.repeat(15, 1), y),
        "constant inputs": (torch.ones_like(X), y),
        "two distinct targets": (X, (y > y.median()).double()),
        "an outlier": (X, torch.cat([y[1:], y[:1] - 1e6])),
    }
    for name, (inputs, targets) in cases.items():
        model = ExactGP(kernel, ard, transform).fit(inputs, targets, seed=0)
        predictive = predict(model, X)
        assert np.isfinite(predictive.mean).all(), name
        assert (np.isfinite(predictive.std) & (predictive.std > 0)).all(), name
        if name == "constant targets":
            np.testing.assert_allclose(predictive.mean, 0.7, atol=1e-9)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_same_data_same_bits_and_no_global_random_state(transform: str) -> None:
    X, y = problem()
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first, second = (predict(ExactGP(transform=transform).fit(X, y, seed=s), X) for s in (0, 0))
    assert np.array_equal(first.mean, second.mean)
    assert np.array_equal(first.std, second.std)
    assert torch.equal(torch.get_rng_state(), before)


def test_ranks_alone_decide_the_latent_fit() -> None:
    X, y = problem()
    y = y - y.mean()
    predictor = ExactGP(transform="quantile-normal")
    fits = [
        latent(predictor.fit(X, g(y), seed=0)) for g in (lambda v: v, torch.exp, lambda v: v**3)
    ]
    with torch.no_grad():
        means = [model.posterior(X + 0.01).mean for model in fits]
    assert torch.equal(means[0], means[1])
    assert torch.equal(means[0], means[2])


def test_exact_beyond_the_size_where_gpytorch_would_approximate() -> None:
    X, y = problem(900)
    model = ExactGP(max_evaluations=2).fit(X, y, seed=0)
    predictive = predict(model, X[:20] + 0.01)
    with torch.no_grad():
        posterior = model.posterior(X[:20] + 0.01, observation_noise=True)
        mean, variance = posterior.mean[:, 0].numpy(), posterior.variance[:, 0].numpy()
    np.testing.assert_allclose(mean, predictive.mean, rtol=1e-8)
    np.testing.assert_allclose(variance, predictive.std**2, rtol=1e-7)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_conditioning_on_an_observation_moves_the_prediction_there(transform: str) -> None:
    X, y = problem()
    model = ExactGP(transform=transform).fit(X, y, seed=0)
    new = X[:1] + 0.3
    with torch.no_grad():
        before = model.posterior(new).mean
        target = before + float(y.std())
        after = model.condition_on_observations(new, target).posterior(new)
    assert (after.mean - target).abs() < 0.7 * (before - target).abs()


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_gradients_reach_the_inputs(transform: str) -> None:
    X, y = problem()
    model = ExactGP(transform=transform).fit(X, y, seed=0)
    at = (X[:4] + 0.05).unsqueeze(1).requires_grad_()
    LogExpectedImprovement(model, best_f=y.max())(at).sum().backward()
    assert torch.isfinite(at.grad).all()
    assert (at.grad != 0).any()


def test_unknown_options_are_named() -> None:
    with pytest.raises(UserError, match=r"matern-5/2"):
        ExactGP(kernel="matern-52")
    with pytest.raises(UserError, match="quantile-normal"):
        ExactGP(transform="quantile")
    with pytest.raises(UserError, match="max_evaluations"):
        ExactGP(max_evaluations=0)


def test_bad_training_data_are_refused() -> None:
    X, y = problem(5)
    for inputs, targets in ((X, y[:4]), (X[:0], y[:0]), (X, y[:, 0]), (X[:, :0], y)):
        with pytest.raises(ValueError, match="X"):
            ExactGP().fit(inputs, targets, seed=0)
    with pytest.raises(ValueError, match="finite"):
        ExactGP().fit(X, y.log() * float("nan"), seed=0)


def test_quantile_normal_targets_lift_the_ranking_of_nas_bench_201(tables: Path) -> None:
    frame = pd.read_parquet(tables / "nb201.parquet")
    edges = [column for column in frame if column.startswith("op_")]
    X = pd.get_dummies(frame[edges].astype("category")).to_numpy(dtype=float)
    y = frame["cifar10_val_acc_run"].to_numpy(dtype=float)
    taus = []
    for transform in ("standardise", "quantile-normal"):
        for seed in range(3):
            order = np.random.default_rng(seed).permutation(len(y))
            train, test = order[:100], order[100:]
            model = ExactGP(transform=transform).fit(
                torch.tensor(X[train]), torch.tensor(y[train])[:, None], seed=seed
            )
            median = predict(model, torch.tensor(X[test])).median
            taus.append(kendalltau(median, y[test]).statistic)
    standardised, ranked = np.mean(taus[:3]), np.mean(taus[3:])
    assert 0.40 < standardised < 0.54
    assert 0.57 < ranked < 0.66
