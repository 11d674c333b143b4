"""Our GP fit and pool prediction beside BoTorch's own, same kernel, priors and data."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from botorch.fit import fit_gpytorch_mll
from gpytorch.mlls import ExactMarginalLogLikelihood

from surrobench.predictors import make_predictor
from surrobench.predictors.predictive import predict


def _data(pool: np.ndarray, targets: np.ndarray, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    rows = np.random.default_rng(1).permutation(len(pool))[:n]
    return torch.tensor(pool[rows]), torch.tensor(targets[rows])[:, None]


@pytest.mark.benchmark(group="gp-fit")
@pytest.mark.parametrize("n", [100, 400])
@pytest.mark.parametrize("name", ["gp-matern52", "gp-matern52-ard"])
def test_fit(benchmark, pool, targets, name, n):
    X, y = _data(pool, targets, n)
    predictor = make_predictor(name)
    benchmark.pedantic(predictor.fit, args=(X, y), kwargs={"seed": 0}, rounds=5)


@pytest.mark.benchmark(group="gp-fit")
@pytest.mark.parametrize("n", [100, 400])
@pytest.mark.parametrize("name", ["gp-matern52", "gp-matern52-ard"])
def test_fit_botorch_baseline(benchmark, pool, targets, name, n):
    X, y = _data(pool, targets, n)

    def setup():
        model = make_predictor(name, max_evaluations=1).fit(X, y, seed=0)
        model.train()
        return (ExactMarginalLogLikelihood(model.likelihood, model),), {}

    benchmark.pedantic(fit_gpytorch_mll, setup=setup, rounds=3)


@pytest.mark.benchmark(group="gp-pool-prediction")
@pytest.mark.parametrize("n", [100, 400])
def test_predict_pool(benchmark, pool, targets, n):
    model = make_predictor("gp-matern52").fit(*_data(pool, targets, n), seed=0)
    benchmark.pedantic(predict, args=(model, torch.tensor(pool)), rounds=5)


@pytest.mark.benchmark(group="gp-pool-prediction")
@pytest.mark.parametrize("n", [100, 400])
def test_predict_pool_gpytorch_baseline(benchmark, pool, targets, n):
    model = make_predictor("gp-matern52").fit(*_data(pool, targets, n), seed=0)
    chunks = torch.tensor(pool).split(2048)

    def posterior():
        with torch.no_grad():
            return [model.posterior(chunk, observation_noise=True).variance for chunk in chunks]

    benchmark.pedantic(posterior, rounds=3)
