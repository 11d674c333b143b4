"""Beliefs about pools say what the fitted models say, on the models' own scales."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from botorch.models.model import Model
from torch import Tensor

from surrobench.predictors import make_predictor
from surrobench.predictors.model_posterior import JOINT_ROWS, ModelPosterior
from surrobench.predictors.models import EnsembleModel, MomentsModel
from surrobench.predictors.pool_session import RefitSession, open_pool
from surrobench.predictors.posterior import SurrogatePosterior

TRAINED = list(range(5, 35))
PROCESSES = [
    "gp-matern52",
    "gp-rbf-ard",
    "gp-matern32+quantile-normal",
    "gp-matern12+none",
]


def pool(m: int = 60) -> Tensor:
    return torch.rand(m, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def targets(X: Tensor) -> Tensor:
    noise = torch.randn(len(X), 1, dtype=X.dtype, generator=torch.Generator().manual_seed(1))
    return 70 + 10 * torch.sin(4 * X[:, :1]) - 8 * X[:, 1:2] * X[:, 2:3] + 0.5 * noise


@cache
def fitted(name: str) -> tuple[Model, ModelPosterior]:
    X = pool()
    y = targets(X)[TRAINED]
    model = make_predictor(name).fit(X[TRAINED], y, seed=0)
    return model, ModelPosterior(model, X, TRAINED, y)


def normal_at(model: Model, X: Tensor, **options: Any) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        posterior: Any = model.posterior(X, **options)
    return posterior.mean.squeeze(-1), posterior.distribution.covariance_matrix


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_is_its_botorch_model(name: str) -> None:
    belief = fitted(name)[1]
    mean, covariance = normal_at(belief.model(), belief.X)
    rows = torch.arange(60)
    assert belief.kind == "gp"
    assert belief.members() is None
    torch.testing.assert_close(belief.mean, mean)
    torch.testing.assert_close(belief.variance, covariance.diagonal(), rtol=1e-5, atol=1e-8)
    torch.testing.assert_close(
        belief.covariance(rows[:9], rows[3:]), covariance[:9, 3:], rtol=1e-5, atol=1e-8
    )
    sets = torch.tensor([[1, 40], [5, 7], [59, 0]])
    expected = covariance[sets.unsqueeze(-1), sets.unsqueeze(-2)]
    torch.testing.assert_close(belief.covariance(sets, sets), expected, rtol=1e-5, atol=1e-8)
    noisy = normal_at(belief.model(), belief.X, observation_noise=True)[1]
    torch.testing.assert_close(
        (noisy - covariance).diagonal(), torch.full((60,), belief.noise, dtype=torch.float64)
    )


def test_standardised_targets_stay_standardised() -> None:
    model, belief = fitted("gp-matern52")
    assert float(belief.targets.mean()) == pytest.approx(0.0, abs=1e-9)
    assert float(belief.targets.std()) == pytest.approx(1.0)
    # The answer in units of the task, moved to the belief's scale.
    theirs = normal_at(model, belief.X)[0]
    torch.testing.assert_close(belief.to_scale(theirs), belief.mean)


@pytest.mark.parametrize("name", ["gp-matern52", "xgboost", "svr"])
def test_quantile_normal_targets_are_normal_scores(name: str) -> None:
    belief = fitted(f"{name}+quantile-normal")[1]
    y = targets(pool())[TRAINED].squeeze(-1)
    ranks = y.argsort().argsort().to(torch.float64)
    torch.testing.assert_close(belief.targets, torch.special.ndtri((ranks + 0.5) / 30))
    torch.testing.assert_close(belief.to_scale(y), belief.targets)
    assert belief.rows.tolist() == TRAINED


@pytest.mark.parametrize("name", PROCESSES)
def test_conditioning_equals_botorch(name: str) -> None:
    belief = fitted(name)[1]
    rows, values = [0, 50, 51], torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64)
    twice = belief.condition(rows[:1], values[:1]).condition(rows[1:], values[1:])
    model = belief.model()
    normal_at(model, belief.X[:1])
    theirs = model.condition_on_observations(belief.X[rows], values.unsqueeze(-1))
    mean, covariance = normal_at(theirs, belief.X)
    for known in (belief.condition(rows, values), twice):
        torch.testing.assert_close(known.mean, mean, rtol=1e-5, atol=1e-7)
        torch.testing.assert_close(known.variance, covariance.diagonal(), rtol=1e-4, atol=1e-8)
        torch.testing.assert_close(normal_at(known.model(), belief.X)[0], mean)
        assert known.rows.tolist() == [*TRAINED, *rows]
        torch.testing.assert_close(known.targets[-3:], values)
    assert len(belief.rows) == 30
    assert not torch.allclose(belief.mean, mean)


def test_joint_samples_have_the_posteriors_moments() -> None:
    belief = fitted("gp-matern52")[1]
    rows = torch.tensor([0, 1, 2, 40, 59])
    samples = belief.sample(20_000, seed=3, rows=rows)
    deviation = belief.variance[rows].sqrt()
    error = (samples.mean(dim=0) - belief.mean[rows]) / deviation
    assert error.abs().max() < 0.04
    scaled = torch.cov(samples.T) / (deviation[:, None] * deviation)
    expected = belief.covariance(rows, rows) / (deviation[:, None] * deviation)
    assert (scaled - expected).abs().max() < 0.05
    assert torch.equal(samples, belief.sample(20_000, seed=3, rows=rows))
    assert not torch.equal(samples, belief.sample(20_000, seed=4, rows=rows))


def test_a_large_pool_is_sampled_where_its_maximum_may_be() -> None:
    X = pool(JOINT_ROWS + 300)
    y = targets(X)[TRAINED]
    belief = ModelPosterior(make_predictor("gp-rbf").fit(X[TRAINED], y, seed=0), X, TRAINED, y)
    samples = belief.sample(2, seed=0)
    assert samples.shape == (2, len(X))
    drawn = torch.isfinite(samples[0])
    upper = belief.mean + 2 * belief.variance.sqrt()
    assert int(drawn.sum()) == JOINT_ROWS
    assert upper[drawn].min() >= upper[~drawn].max()


@pytest.mark.parametrize("name", ["random-forest", "xgboost", "mlp-ensemble+quantile-normal"])
def test_an_ensemble_is_its_botorch_model(name: str) -> None:
    belief = fitted(name)[1]
    model = belief.model()
    assert isinstance(model, EnsembleModel)
    posterior: Any = model.posterior(belief.X)
    torch.testing.assert_close(belief.mean, posterior.mean.squeeze(-1))
    torch.testing.assert_close(belief.variance, posterior.variance.squeeze(-1))
    members = belief.members()
    assert belief.kind == "ensemble"
    assert members is not None
    torch.testing.assert_close(members, posterior.values.squeeze(-1))
    rows = torch.arange(60)
    spread = belief.covariance(rows, rows)
    torch.testing.assert_close(spread.diagonal().clamp_min(model.floor), belief.variance)
    with pytest.raises(TypeError, match="ensemble"):
        belief.condition([0], torch.zeros(1))


def test_a_sample_of_an_ensemble_is_one_member() -> None:
    belief = fitted("xgboost")[1]
    members = belief.members()
    assert members is not None
    samples = belief.sample(50, seed=0)
    picked = torch.cdist(samples, members).argmin(dim=1)
    torch.testing.assert_close(samples, members[picked])
    assert len(picked.unique()) > 4
    torch.testing.assert_close(belief.sample(50, seed=0, rows=torch.tensor([7])), samples[:, [7]])


def test_equal_candidates_get_equal_samples_from_a_forest() -> None:
    X = pool()
    X[1] = X[0]
    y = targets(X)[TRAINED]
    forest = make_predictor("random-forest", trees=20)
    belief = ModelPosterior(forest.fit(X[TRAINED], y, seed=0), X, TRAINED, y)
    samples = belief.sample(30, seed=0)
    assert torch.equal(samples[:, 0], samples[:, 1])


@pytest.mark.parametrize("name", ["knn", "svr+quantile-normal", "bayesian-ridge"])
def test_moments_are_independent_normals(name: str) -> None:
    belief = fitted(name)[1]
    model = belief.model()
    assert isinstance(model, MomentsModel)
    posterior: Any = model.posterior(belief.X.unsqueeze(1))
    torch.testing.assert_close(belief.mean, posterior.mean.flatten())
    torch.testing.assert_close(belief.variance, posterior.variance.flatten())
    rows = torch.arange(60)
    torch.testing.assert_close(belief.covariance(rows, rows), torch.diag(belief.variance))
    scores = (belief.sample(4000, seed=0) - belief.mean) / belief.variance.sqrt()
    assert (torch.corrcoef(scores.T) - torch.eye(60)).abs().max() < 0.1
    with pytest.raises(TypeError, match="moments"):
        belief.condition([0], torch.zeros(1))


@pytest.mark.parametrize("name", ["random-forest", "svr+quantile-normal", "gp-matern52"])
def test_a_session_goes_on_as_if_it_had_never_stopped(name: str) -> None:
    X = pool()
    y = targets(X)
    predictor = make_predictor(name)
    session = open_pool(predictor, X)
    session.update(range(10), y[:10], seed=1)
    kept = session.state()
    later: SurrogatePosterior = session.update(range(14), y[:14], seed=2, refit=False)
    other = open_pool(predictor, X)
    other.restore(kept)
    again = other.update(range(14), y[:14], seed=2, refit=False)
    assert torch.equal(later.mean, again.mean)
    assert torch.equal(later.variance, again.variance)


def test_a_predictor_without_a_pool_of_its_own_is_fitted_anew() -> None:
    X = pool()
    y = targets(X)
    predictor = make_predictor("bayesian-ridge")
    session = open_pool(predictor, X)
    assert isinstance(session, RefitSession)
    belief = session.update([3, 1, 8, 30], y[[3, 1, 8, 30]], seed=0, refit=False)
    direct = ModelPosterior(
        predictor.fit(X[[3, 1, 8, 30]], y[[3, 1, 8, 30]], seed=0),
        X,
        [3, 1, 8, 30],
        y[[3, 1, 8, 30]],
    )
    assert torch.equal(belief.mean, direct.mean)
    assert session.state() == {}
