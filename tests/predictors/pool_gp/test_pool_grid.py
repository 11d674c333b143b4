"""Sums of kernel rows over a grid of choices, and posteriors that rest on them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from block_pools import ONE_HOT, SIZES, choices, pool, targets

from surrobench.predictors.gp.grid import ChoiceGrid
from surrobench.predictors.gp.posterior import PoolPosterior
from surrobench.predictors.gp.recipe import PoolGP
from surrobench.predictors.gp.session import PoolGPSession

PERMUTED = np.random.default_rng(0).permutation(72)
ORDERS = {"in order": np.arange(72), "permuted": PERMUTED, "two thirds": PERMUTED[:48]}
ROWS = list(range(1, 48, 3))


def session(
    kept: np.ndarray, kernel: str = "categorical", lengthscales: str = "variable"
) -> PoolGPSession:
    recipe = PoolGP(kernel, lengthscales, max_evaluations=12).for_blocks((ONE_HOT,))
    return recipe.on_pool(pool()[kept, :12])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("most", [2, 6, 32, 100])
def test_weighted_sums_equal_those_over_all_pairs(
    order: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surrobench.predictors.gp.grid._LARGEST_FACTOR", most)
    labels = choices()[ORDERS[order]].T
    grid = ChoiceGrid.of(labels)
    assert grid is not None
    assert grid.sizes == SIZES
    correlations = np.array([0.9, 0.2, 0.5, 0.7])
    rows, weights = np.array([3, 40, 3, 0]), np.array([1.0, -2.0, 0.5, 4.0])
    differ = labels[:, rows, None] != labels[:, None, :]
    kernel = np.where(differ, correlations[:, None, None], 1.0).prod(axis=0)
    answer = grid.weighted(grid.factors(correlations.tolist()), rows, weights)
    np.testing.assert_allclose(answer, weights @ kernel, rtol=1e-13, atol=1e-13)


def test_a_grid_that_is_mostly_empty_is_not_used() -> None:
    few = PERMUTED[:20]
    assert ChoiceGrid.of(choices()[few].T) is None
    belief = session(few).update([0, 1], targets(few[:2].tolist()), seed=0)
    assert not belief.process.kernel.sums


@pytest.mark.parametrize("lengthscales", ["shared", "variable"])
@pytest.mark.parametrize("kernel", ["categorical", "rbf"])
@pytest.mark.parametrize("order", ORDERS)
def test_posterior_over_a_grid_equals_gpytorch(order: str, kernel: str, lengthscales: str) -> None:
    kept = ORDERS[order]
    y = targets(kept[ROWS].tolist())
    work = session(kept, kernel, lengthscales)
    work.update(ROWS[:9], y[:9], seed=0)
    belief = work.update(ROWS, y, seed=0, refit=False)
    assert belief.process.kernel.sums
    with torch.no_grad():
        answer = belief.model().posterior(belief.X)
        expected, covariance = answer.mean[:, 0], answer.distribution.covariance_matrix
    everything = torch.arange(len(kept))
    for ours, theirs in (
        (belief.mean, expected),
        (belief.variance, covariance.diagonal()),
        (belief.covariance(everything, everything), covariance),
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-8)


def test_a_restored_session_appends_to_the_last_bit() -> None:
    y = targets(PERMUTED[ROWS].tolist())

    def grown(work: PoolGPSession, n: int) -> PoolPosterior:
        return work.update(ROWS[:n], y[:n], seed=0, refit=False)

    first = session(PERMUTED)
    for n in (6, 7, 10):
        grown(first, n)
    second = session(PERMUTED)
    second.restore(json.loads(json.dumps(first.state())))
    for n in (11, len(ROWS)):
        a, b = grown(first, n), grown(second, n)
        assert torch.equal(a.mean, b.mean)
        assert torch.equal(a.variance, b.variance)
