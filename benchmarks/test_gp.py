"""Our GP fit and pool prediction beside BoTorch's own, same kernel, priors and data."""

from __future__ import annotations

import bare_algebra
import gpytorch_peer
import numpy as np
import pytest
import torch
from ratio_table import EQUAL

from surrobench.predictors import make_predictor
from surrobench.predictors.predictive import predict

SIZES = (100, 400)
KERNELS = ("gp-matern52", "gp-matern52-ard")

by_size = pytest.mark.parametrize("n", SIZES)
by_kernel = pytest.mark.parametrize("name", KERNELS)


def drawn(pool: np.ndarray, n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).permutation(len(pool))[:n]


def examples(
    pool: np.ndarray, targets: np.ndarray, n: int, seed: int = 1
) -> tuple[torch.Tensor, torch.Tensor]:
    rows = drawn(pool, n, seed)
    return torch.tensor(pool[rows]), torch.tensor(targets[rows])[:, None]


@pytest.mark.benchmark(group="gp-fit")
@by_size
@by_kernel
def test_fit(benchmark, pool, targets, name, n):
    X, y = examples(pool, targets, n)
    predictor = make_predictor(name)
    model = benchmark.pedantic(predictor.fit, (X, y), {"seed": 0}, rounds=7, warmup_rounds=1)
    benchmark.extra_info["log_posterior"] = gpytorch_peer.log_posterior(model) / n


@pytest.mark.benchmark(group="gp-fit")
@by_size
@by_kernel
def test_fit_gpytorch(benchmark, pool, targets, name, n):
    X, y = examples(pool, targets, n)
    rounds = 5 if n == 100 or name == "gp-matern52" else 2
    model = benchmark.pedantic(gpytorch_peer.fit, (X, y, name), rounds=rounds)
    theirs = gpytorch_peer.log_posterior(model) / n
    ours = gpytorch_peer.log_posterior(make_predictor(name).fit(X, y, seed=0)) / n
    benchmark.extra_info["log_posterior"] = theirs
    assert ours >= theirs - EQUAL, f"ours stopped at {ours:.5f}, GPyTorch's at {theirs:.5f}"


@pytest.mark.benchmark(group="gp-fit")
@by_size
def test_fit_floor(benchmark, pool, targets, n):
    rows = drawn(pool, n)
    K, _ = bare_algebra.covariances(pool, rows)
    benchmark.pedantic(bare_algebra.likelihood, (K, targets[rows]), rounds=50, warmup_rounds=3)


@pytest.mark.benchmark(group="gp-pool-prediction")
@by_size
@by_kernel
def test_predict_pool(benchmark, pool, targets, name, n):
    model = make_predictor(name).fit(*examples(pool, targets, n), seed=0)
    benchmark.pedantic(predict, (model, torch.tensor(pool)), rounds=7, warmup_rounds=1)


@pytest.mark.benchmark(group="gp-pool-prediction")
@by_size
@by_kernel
def test_predict_pool_gpytorch(benchmark, pool, targets, name, n):
    model = make_predictor(name).fit(*examples(pool, targets, n), seed=0)
    queries = torch.tensor(pool)
    benchmark.pedantic(gpytorch_peer.moments, (model, queries), rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="gp-pool-prediction")
@by_size
def test_predict_pool_floor(benchmark, pool, targets, n):
    rows = drawn(pool, n)
    K, C = bare_algebra.covariances(pool, rows)

    def setup():
        return (K, C.copy(), targets[rows]), {}

    benchmark.pedantic(bare_algebra.posterior, setup=setup, rounds=9, warmup_rounds=1)
