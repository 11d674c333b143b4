"""Target transforms and the models that answer in the original units again."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from botorch.acquisition import (
    ExpectedImprovement,
    LogExpectedImprovement,
    PosteriorMean,
    ProbabilityOfImprovement,
    UpperConfidenceBound,
    qExpectedImprovement,
    qLogExpectedImprovement,
    qUpperConfidenceBound,
)
from botorch.models import SingleTaskGP
from botorch.models.model import Model
from botorch.posteriors.gpytorch import GPyTorchPosterior
from botorch.sampling.get_sampler import get_sampler
from scipy.stats import norm, rankdata

from surrobench.errors import UserError
from surrobench.predictors.models import EachMemberSampler, EnsembleModel, MomentsModel
from surrobench.predictors.predictive import predict
from surrobench.predictors.transforms import WarpedPosterior, fit_transform
from surrobench.predictors.warp import Warp

NAMES = ("none", "standardise", "quantile-normal")


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


def accuracies(n: int = 60) -> torch.Tensor:
    """Heavy-tailed: most near 93, a few failures."""
    rng = np.random.default_rng(0)
    return torch.tensor(94.0 - rng.gamma(0.7, 4.0, size=(n, 1)))


def inputs(n: int = 60) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(1).random((n, 2)))


def gaussian(targets: torch.Tensor) -> Model:
    return SingleTaskGP(inputs(len(targets)), targets, outcome_transform=None).eval()


def ensemble(targets: torch.Tensor) -> Model:
    shifts = torch.linspace(-1.0, 1.0, 7, dtype=torch.float64)[:, None]
    return EnsembleModel(lambda X: 2 * X[:, 0] - 1 + shifts * X[:, 1], noise=0.04)


def moments(targets: torch.Tensor) -> Model:
    return MomentsModel(lambda X: (2 * X[:, 0] - 1, 0.1 + X[:, 1]), noise=0.04)


BASES = {"gp": gaussian, "ensemble": ensemble, "moments": moments}


@pytest.fixture(params=BASES)
def build(request: pytest.FixtureRequest):
    return BASES[request.param]


def test_scores_are_normal_quantiles_of_average_ranks() -> None:
    y = column(3.0, 1.0, 2.0, 2.0, 7.0)
    expected = norm.ppf((rankdata(y[:, 0]) - 0.5) / 5)
    np.testing.assert_allclose(
        fit_transform("quantile-normal", y).forward(y)[:, 0].numpy(), expected, atol=1e-14
    )


@pytest.mark.parametrize("g", [torch.exp, lambda y: y**3, lambda y: 1e6 * y + 5, torch.atan])
def test_increasing_transformations_do_not_change_the_scores(g) -> None:
    y = torch.tensor(np.random.default_rng(0).normal(size=(40, 1)))
    scores = fit_transform("quantile-normal", y).forward(y)
    assert torch.equal(scores, fit_transform("quantile-normal", g(y)).forward(g(y)))


@pytest.mark.parametrize("name", NAMES)
def test_there_and_back_again(name: str) -> None:
    y = accuracies()
    transform = fit_transform(name, y)
    certain = MomentsModel(lambda X: (transform.forward(X)[:, 0], torch.full((len(X),), 1e-6)))
    new = torch.cat([y, column(50.0, 93.1, 99.0)])
    with torch.no_grad():
        torch.testing.assert_close(
            transform.wrap(certain).posterior(new).mean, new, rtol=1e-4, atol=0
        )


def test_predictions_above_the_best_target_keep_their_order() -> None:
    y = accuracies()
    transform = fit_transform("quantile-normal", y)
    beyond = torch.linspace(2.5, 6.0, 50, dtype=torch.float64)
    model = transform.wrap(MomentsModel(lambda X: (X[:, 0], torch.full((len(X),), 0.3))))
    mean = model.posterior(beyond[:, None]).mean[:, 0]
    assert mean[0] > y.max() - 1.0
    assert torch.all(mean.diff() > 0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "y", [column(0.7), column(0.7, 0.7, 0.7), column(1.0, 2.0), column(2.0, 1.0, 1.0)]
)
def test_few_and_constant_targets(name: str, y: torch.Tensor) -> None:
    transform = fit_transform(name, y)
    scores = transform.forward(y)
    assert torch.isfinite(scores).all()
    model = transform.wrap(MomentsModel(lambda X: (X[:, 0], torch.ones(len(X)))))
    posterior = model.posterior(scores)
    assert torch.isfinite(posterior.mean).all()
    assert (posterior.variance > 0).all()
    if len(torch.unique(y)) == 1:
        torch.testing.assert_close(posterior.mean, y)


def test_standardised_models_answer_in_the_original_units(build) -> None:
    y = accuracies()
    transform = fit_transform("standardise", y)
    scores = transform.forward(y)
    assert float(scores.mean()) == pytest.approx(0.0, abs=1e-9)
    assert float(scores.std()) == pytest.approx(1.0)
    base = build(scores)
    wrapped, X = transform.wrap(base), inputs()[:5]
    with torch.no_grad():
        raw, scaled = base.posterior(X), wrapped.posterior(X)
        torch.testing.assert_close(scaled.mean, raw.mean * y.std() + y.mean())
        torch.testing.assert_close(scaled.variance, raw.variance * y.var())
        assert isinstance(scaled, GPyTorchPosterior) == isinstance(raw, GPyTorchPosterior)
        draws = get_sampler(scaled, torch.Size([4096]), seed=0)(scaled)
    torch.testing.assert_close(draws.mean(dim=0), scaled.mean, rtol=0, atol=0.2)


def test_scaling_keeps_the_joint_covariance() -> None:
    y = accuracies()
    transform = fit_transform("standardise", y)
    base, X = gaussian(transform.forward(y)), inputs()[:6] + 0.1
    with torch.no_grad():
        raw = base.posterior(X).distribution.covariance_matrix
        scaled = transform.wrap(base).posterior(X).distribution.covariance_matrix
    torch.testing.assert_close(scaled, raw * y.var())


def test_warped_moments_quantiles_and_density_agree_with_samples() -> None:
    y = accuracies()
    transform = fit_transform("quantile-normal", y)
    model, X = transform.wrap(moments(y)), inputs()[:4]
    posterior = model.posterior(X)
    assert isinstance(posterior, WarpedPosterior)
    draws = get_sampler(posterior, torch.Size([2**14]), seed=0)(posterior)
    torch.testing.assert_close(posterior.mean, draws.mean(dim=0), rtol=0, atol=0.1)
    torch.testing.assert_close(posterior.variance, draws.var(dim=0), rtol=0.05, atol=0.0)
    p = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    expected = torch.quantile(draws, p, dim=0)
    assert posterior.quantile(p).shape == (3, 4, 1)
    torch.testing.assert_close(posterior.quantile(p), expected, rtol=0.01, atol=0.05)
    grid = torch.linspace(-200.0, 300.0, 500_001, dtype=torch.float64)
    mass = posterior.density(grid).sum(dim=0) * float(grid.diff()[0])
    torch.testing.assert_close(mass, torch.ones(4, 1, dtype=torch.float64), rtol=0.02, atol=0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "make",
    [
        lambda m, best: ExpectedImprovement(m, best),
        lambda m, best: LogExpectedImprovement(m, best),
        lambda m, best: ProbabilityOfImprovement(m, best),
        lambda m, best: UpperConfidenceBound(m, beta=2.0),
        lambda m, best: PosteriorMean(m),
        lambda m, best: qExpectedImprovement(m, best),
        lambda m, best: qLogExpectedImprovement(m, best),
        lambda m, best: qUpperConfidenceBound(m, beta=2.0),
    ],
    ids=["EI", "LogEI", "PI", "UCB", "mean", "qEI", "qLogEI", "qUCB"],
)
def test_acquisition_functions_work_and_tie_exactly(build, name: str, make) -> None:
    y = accuracies()
    transform = fit_transform(name, y)
    model = transform.wrap(build(transform.forward(y)))
    torch.manual_seed(0)
    candidates = torch.cat([inputs()[:6], inputs()[:6]]).unsqueeze(1)
    with torch.no_grad():
        values = make(model, float(transform.forward(y).median()))(candidates)
    assert values.shape == (12,)
    assert torch.isfinite(values).all()
    torch.testing.assert_close(values[:6], values[6:], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["standardise", "quantile-normal"])
def test_samples_of_an_ensemble_use_each_member_once(name: str) -> None:
    y = accuracies()
    transform = fit_transform(name, y)
    base, X = ensemble(y), inputs()[:3].unsqueeze(1)
    wrapped = transform.wrap(base)
    posterior = wrapped.posterior(X)
    sampler = get_sampler(posterior, torch.Size([512]), seed=0)
    assert isinstance(sampler, EachMemberSampler)
    members = base.posterior(X).values.movedim(-3, 0)
    torch.testing.assert_close(sampler(posterior), transform.backward(members))


def test_posterior_transforms_and_noise_are_passed_on(build) -> None:
    y = accuracies()
    transform = fit_transform("quantile-normal", y)
    model, X = transform.wrap(build(transform.forward(y))), inputs()[:3]
    with torch.no_grad():
        assert torch.all(
            model.posterior(X, observation_noise=True).variance > model.posterior(X).variance
        )
    assert model.posterior(X, posterior_transform=lambda posterior: "seen") == "seen"
    assert model.num_outputs == 1
    assert model.batch_shape == torch.Size()


def test_bad_arguments() -> None:
    with pytest.raises(UserError, match="quantile-normal"):
        fit_transform("quantile_normal", column(1.0))
    for y in (torch.zeros(3), torch.zeros(0, 1), torch.zeros(3, 2)):
        with pytest.raises(ValueError, match="n x 1"):
            fit_transform("standardise", y)
    with pytest.raises(ValueError, match="finite"):
        fit_transform("none", column(1.0, float("nan")))


def skewed(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and heavy-tailed targets on a grid, with many ties."""
    rng = np.random.default_rng(3)
    X = rng.random((n, 2))
    y = 94.0 - np.exp(1.2 * X[:, 0] + rng.normal(scale=0.6, size=n))
    return torch.tensor(X), torch.tensor(np.round(y / 0.05) * 0.05)[:, None]


def log_densities(targets: torch.Tensor, X: torch.Tensor, y: np.ndarray) -> np.ndarray:
    transform = fit_transform("quantile-normal", targets)
    base = gaussian_at(X[: len(targets)], transform.forward(targets))
    return predict(transform.wrap(base), X).log_density(y)


def gaussian_at(X: torch.Tensor, targets: torch.Tensor) -> Model:
    return SingleTaskGP(X, targets, outcome_transform=None).eval()


def test_noise_of_rounding_changes_no_log_density() -> None:
    X, y = skewed(260)
    rng = np.random.default_rng(0)
    noisy = y + torch.tensor(rng.uniform(-1e-13, 1e-13, size=y.shape))
    assert len(torch.unique(noisy)) > 2 * len(torch.unique(y))
    clean = log_densities(y[:200], X, y[:, 0].numpy())
    np.testing.assert_allclose(
        log_densities(noisy[:200], X, noisy[:, 0].numpy()), clean, atol=1e-6, rtol=0
    )
    assert clean.max() < 5.0


def test_blocks_of_targets_score_better_than_single_gaps() -> None:
    X, y = skewed(1200)
    transform = fit_transform("quantile-normal", y[:200])
    model = transform.wrap(gaussian_at(X[:200], transform.forward(y[:200])))
    blocks = predict(model, X[200:]).log_density(y[200:, 0].numpy()).mean()
    model.transform.__dict__["warp"] = Warp(transform.scores, transform.distinct)
    gaps = predict(model, X[200:]).log_density(y[200:, 0].numpy()).mean()
    assert blocks > gaps + 0.05


@pytest.mark.parametrize("n", [2, 3, 8, 50, 800])
def test_knots_are_means_of_blocks_between_the_ends(n: int) -> None:
    y = torch.tensor(np.random.default_rng(n).gamma(0.5, size=(n, 1)))
    warp = fit_transform("quantile-normal", y).warp
    least = round(n ** (1 / 3))
    assert n // (2 * least) <= len(warp.y) <= n // least + 2
    assert warp.y[0] == y.min()
    assert warp.y[-1] == y.max()
    assert (warp.slopes > 0).all()


def test_a_block_of_ties_keeps_its_value_exactly() -> None:
    y = column(*[10.0] * 30, *np.linspace(80.0, 90.0, 34).tolist())
    warp = fit_transform("quantile-normal", y).warp
    assert warp.y[0] == 10.0
    assert warp.y[1] > 80.0


def test_one_outlier_merges_nothing() -> None:
    y = column(*np.linspace(0.0, 1.0, 40).tolist(), 1e30)
    assert len(fit_transform("quantile-normal", y).distinct) == 41
