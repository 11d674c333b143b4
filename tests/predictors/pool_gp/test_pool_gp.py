"""Pool-sized processes equal GPyTorch with the same hyperparameters, however they came about."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from botorch.models import SingleTaskGP
from scipy.optimize import check_grad

from surrobench.columns import ColumnBlock
from surrobench.predictors import make_predictor
from surrobench.predictors.gp_fit import Kernel
from surrobench.predictors.pool_gp.fit import BlockPosterior
from surrobench.predictors.pool_gp.posterior import PoolPosterior
from surrobench.predictors.pool_gp.recipe import PoolGP
from surrobench.predictors.pool_gp.session import PoolGPSession
from surrobench.testing.conformance import check_predictor

KERNELS: tuple[Kernel, ...] = ("rbf", "matern-1/2", "matern-3/2", "matern-5/2")
BLOCKS = (
    ColumnBlock("one-hot", 0, 12, "one-hot", (0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3)),
    ColumnBlock("measured", 12, 14),
)


@pytest.fixture(scope="module")
def pool() -> torch.Tensor:
    """All 81 choices of four variables with three values, and two measured columns."""
    choices = np.stack(np.meshgrid(*[range(3)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    one_hot = np.eye(3)[choices].reshape(-1, 12)
    measured = np.random.default_rng(0).normal(size=(81, 2))
    return torch.from_numpy(np.hstack([one_hot, measured]))


@pytest.fixture(scope="module")
def y(pool: torch.Tensor) -> torch.Tensor:
    weights = torch.from_numpy(np.random.default_rng(1).normal(size=(14, 1)))
    return pool @ weights + torch.sin(3 * pool[:, 12:13])


def session(pool: torch.Tensor, kernel: Kernel, lengthscales: str) -> PoolGPSession:
    recipe = PoolGP(kernel, lengthscales, blocks=BLOCKS)  # type: ignore[arg-type]
    return recipe.on_pool(pool)


def same(a: PoolPosterior, b: PoolPosterior, tolerance: float) -> None:
    torch.testing.assert_close(a.mean, b.mean, rtol=0, atol=tolerance)
    torch.testing.assert_close(a.variance, b.variance, rtol=0, atol=tolerance)


@pytest.mark.parametrize("lengthscales", ["shared", "variable"])
@pytest.mark.parametrize("kernel", KERNELS)
def test_posterior_equals_gpytorch(
    pool: torch.Tensor, y: torch.Tensor, kernel: Kernel, lengthscales: str
) -> None:
    belief = session(pool, kernel, lengthscales).update(range(20), y[:20], seed=0)
    model = belief.model()
    assert isinstance(model, SingleTaskGP)
    with torch.no_grad():
        posterior = model.posterior(pool)
        covariance = posterior.distribution.covariance_matrix
    # GPyTorch's distance of a point to itself is rounding, whose square root Matérn-1/2 sees.
    atol = 1e-7 if kernel == "matern-1/2" else 1e-8
    torch.testing.assert_close(posterior.mean.squeeze(-1), belief.mean, rtol=0, atol=atol)
    torch.testing.assert_close(posterior.variance.squeeze(-1), belief.variance, rtol=0, atol=atol)
    rows = torch.tensor([3, 30, 31, 70])
    ours = belief.covariance(rows, torch.arange(81))
    torch.testing.assert_close(covariance[rows], ours, rtol=0, atol=atol)


@pytest.mark.parametrize("lengthscales", ["shared", "variable"])
@pytest.mark.parametrize("kernel", KERNELS)
def test_gradient_is_that_of_the_value(
    pool: torch.Tensor, y: torch.Tensor, kernel: Kernel, lengthscales: str
) -> None:
    kernels = session(pool, kernel, lengthscales).kernels
    pairs = [np.stack([k.pairs(row)[:20] for row in range(20)]) for k in kernels]
    objective = BlockPosterior(kernels, pairs, y[:20, 0].numpy(), 1.0)
    point = objective.start() + np.random.default_rng(2).normal(0, 0.3, len(objective.start()))
    error = check_grad(lambda v: objective(v).value, lambda v: objective(v).gradient, point)
    assert error < 1e-4 * (1.0 + np.abs(objective(point).gradient).max())


def test_one_shared_block_is_the_exact_process(pool: torch.Tensor, y: torch.Tensor) -> None:
    """The same likelihood, priors and scaling as ``gp-matern52``, fitted to the whole pool."""
    exact = make_predictor("gp-matern52").fit(pool, y, seed=0)
    ours = make_predictor("gp-matern52").on_pool(pool).update(range(81), y, seed=0)  # type: ignore[attr-defined]
    with torch.no_grad():
        posterior = exact.posterior(pool)
    scale = float(y.std())
    torch.testing.assert_close(
        posterior.mean.squeeze(-1), ours.mean * scale + y.mean(), rtol=0, atol=1e-3 * scale
    )


def test_appending_equals_factorising_anew(pool: torch.Tensor, y: torch.Tensor) -> None:
    grown = session(pool, "rbf", "variable")
    grown.update(range(10), y[:10], seed=0)
    for n in range(11, 40):
        after = grown.update(range(n), y[:n], seed=0, refit=False)
    fresh = session(pool, "rbf", "variable")
    state = grown.state() | {"factorised": list(range(39)), "appended": []}
    fresh.restore(state)
    same(after, fresh.update(range(39), y[:39], seed=0, refit=False), 1e-8)


def test_conditioning_is_appending(pool: torch.Tensor, y: torch.Tensor) -> None:
    work = session(pool, "matern-5/2", "shared")
    before = work.update(range(10), y[:10], seed=0)
    mean = before.mean.clone()
    believed = before.condition([50, 60], before.mean[[50, 60]])
    torch.testing.assert_close(believed.mean, mean, rtol=0, atol=1e-6)
    assert (believed.variance <= before.variance + 1e-9).all()
    assert believed.variance[50] < 0.5 * before.variance[50] + before.noise
    torch.testing.assert_close(before.mean, mean, rtol=0, atol=0)


def test_a_restored_session_goes_on_bit_by_bit(pool: torch.Tensor, y: torch.Tensor) -> None:
    work, other = (session(pool, "rbf", "variable") for _ in range(2))
    work.update(range(10), y[:10], seed=0)
    work.update(range(13), y[:13], seed=0, refit=False)
    other.restore(json.loads(json.dumps(work.state())))
    for refit in (False, True, False):
        a = work.update(range(15), y[:15], seed=0, refit=refit)
        b = other.update(range(15), y[:15], seed=0, refit=refit)
        assert torch.equal(a.mean, b.mean)
        assert torch.equal(a.variance, b.variance)


def test_joint_samples_have_the_posterior_moments(pool: torch.Tensor, y: torch.Tensor) -> None:
    belief = session(pool, "rbf", "variable").update(range(10), y[:10], seed=0)
    samples = belief.sample(4000, seed=3)
    assert samples.shape == (4000, 81)
    deviation = belief.variance.sqrt()
    assert ((samples.mean(0) - belief.mean).abs() < 5 * deviation / 4000**0.5 + 1e-6).all()
    rows = torch.tensor([40, 41])
    expected = belief.covariance(rows, rows)
    assert torch.allclose(
        torch.cov(samples[:, rows].T), expected, atol=0.15 * float(expected.max())
    )


@pytest.mark.parametrize("name", ["gp-categorical", "gp-blocks", "gp-blocks+quantile-normal"])
def test_conformance(name: str) -> None:
    check_predictor(make_predictor(name))
