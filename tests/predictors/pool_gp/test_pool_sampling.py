"""Joint samples have the moments of the posterior, by every route."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from block_pools import NUMERIC, ONE_HOT, VARIABLES, one_hot, pool, targets

from surrobench.base.columns import ColumnBlock
from surrobench.predictors.gp import sampling
from surrobench.predictors.gp.correlations import PROFILES
from surrobench.predictors.gp.posterior import PoolPosterior
from surrobench.predictors.gp.recipe import PoolGP
from surrobench.predictors.gp.sampling import prior_samples, scale_mixture

ROWS = list(range(1, 70, 6))
COUNT = 2000


def posterior(kernel: str, combine: str = "sum", blocks: str = "both") -> PoolPosterior:
    recipe = PoolGP(kernel, "variable", combine, max_evaluations=12)
    X, parts = pool(), (ONE_HOT, NUMERIC)
    if blocks == "one-hot":
        X, parts = X[:, :12], (ONE_HOT,)
    elif blocks == "two one-hot":
        second = ColumnBlock("again", 12, 24, "one-hot", VARIABLES)
        X, parts = torch.cat([X[:, :12], X[:, :12].flip(0)], dim=1), (ONE_HOT, second)
    return recipe.for_blocks(parts).on_pool(X).update(ROWS, targets(ROWS), seed=0)


def check_moments(
    samples: np.ndarray, mean: np.ndarray, covariance: np.ndarray, bias: float
) -> None:
    """Within five standard errors (and what the approximation may add) of the true moments."""
    variance = covariance.diagonal()
    error = np.sqrt(variance / COUNT)
    assert (np.abs(samples.mean(axis=0) - mean) < 5.0 * error + 1e-6).all()
    spread = np.outer(variance, variance) + covariance**2
    allowed = 5.0 * np.sqrt(spread / COUNT) + bias
    assert (np.abs(np.cov(samples.T) - covariance) < allowed).all()


CASES = [
    *itertools.product(["categorical", "matern-1/2", "matern-5/2"], ["sum"], ["one-hot"], [0.001]),
    ("categorical", "product", "two one-hot", 0.001),
    ("categorical", "sum", "two one-hot", 0.001),
    ("categorical", "sum", "both", 0.06),
    ("matern-3/2", "product", "both", 0.06),
    ("matern-1/2", "product", "two one-hot", 0.06),
]


@pytest.mark.slow
@pytest.mark.parametrize(("kernel", "combine", "blocks", "bias"), CASES)
def test_pathwise_samples_have_the_posteriors_moments(
    kernel: str, combine: str, blocks: str, bias: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    belief = posterior(kernel, combine, blocks)
    everything = torch.arange(72)
    covariance = belief.covariance(everything, everything).numpy()
    monkeypatch.setattr(sampling, "EXACT_ROWS", 10)
    samples = belief.sample(COUNT, seed=3).numpy()
    assert samples.shape == (COUNT, 72)
    check_moments(samples, belief.mean.numpy(), covariance, bias * belief.process.kernel.scale)


@pytest.mark.slow
@pytest.mark.parametrize(("kernel", "combine", "blocks", "bias"), CASES)
def test_prior_samples_have_the_kernels_covariance(
    kernel: str, combine: str, blocks: str, bias: float
) -> None:
    belief = posterior(kernel, combine, blocks)
    rows = np.arange(0, 72, 2)
    samples = prior_samples(belief, rows, COUNT, np.random.default_rng(0))
    covariance = belief.process.kernel.between(rows, rows)
    check_moments(samples, np.zeros(36), covariance, bias * belief.process.kernel.scale)


def test_samples_at_some_rows_are_exact_and_repeatable() -> None:
    belief = posterior("categorical")
    rows = torch.tensor([3, 40, 40, 71])
    samples = belief.sample(COUNT, seed=1, rows=rows)
    assert torch.equal(samples, belief.sample(COUNT, seed=1, rows=rows))
    assert not torch.equal(samples, belief.sample(COUNT, seed=2, rows=rows))
    covariance = belief.covariance(rows, rows).numpy()
    check_moments(samples.numpy(), belief.mean[rows].numpy(), covariance, 1e-4)
    np.testing.assert_allclose(samples[:, 1], samples[:, 2], atol=1e-3)


def test_samples_after_conditioning_go_through_the_new_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    belief = posterior("categorical", blocks="one-hot")
    after = belief.condition([40, 50], torch.tensor([1.0, -1.0], dtype=torch.float64))
    everything = torch.arange(72)
    covariance = after.covariance(everything, everything).numpy()
    monkeypatch.setattr(sampling, "EXACT_ROWS", 10)
    samples = after.sample(COUNT, seed=3).numpy()
    check_moments(samples, after.mean.numpy(), covariance, 1e-4)


@pytest.mark.parametrize("kernel", ["matern-1/2", "matern-3/2", "matern-5/2"])
@pytest.mark.parametrize("rate", [1e-4, 0.1, 1.0, 30.0, 1000.0])
def test_mixture_meets_the_kernel(kernel: str, rate: float) -> None:
    rates = rate * np.array([1.0, 0.3, 0.05, 0.001])
    subsets = np.array(list(itertools.product((0, 1), repeat=4)))
    squared = 2.0 * subsets @ rates
    mixed = sum(
        weight * np.exp(-0.5 * stretch * squared)
        for weight, stretch in scale_mixture(kernel, rates)
    )
    wanted, _ = PROFILES[kernel](squared)
    assert np.abs(mixed - wanted).max() < sampling.MIXTURE_ERROR


def test_large_grids_of_choices_are_sampled_by_features(monkeypatch: pytest.MonkeyPatch) -> None:
    belief = posterior("matern-5/2", blocks="one-hot")
    rows = np.arange(72)
    monkeypatch.setattr(sampling, "MOST_CELLS", 10)
    samples = prior_samples(belief, rows, COUNT, np.random.default_rng(0))
    assert one_hot().shape[1] == 12
    covariance = belief.process.kernel.between(rows, rows)
    check_moments(samples, np.zeros(72), covariance, 0.06 * belief.process.kernel.scale)
