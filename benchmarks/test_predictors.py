"""Fit and pool prediction of every registered predictor at 100 and 800 examples."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surrobench.predictors import PREDICTORS, make_predictor
from surrobench.predictors.predictive import predict

NAMES = [name for name in PREDICTORS.names() if not name.endswith("-ard")]


@pytest.mark.benchmark(group="fit-and-predict-pool")
@pytest.mark.parametrize("n", [100, 800])
@pytest.mark.parametrize("name", NAMES)
def test_fit_and_predict(benchmark, pool, targets, name, n):
    rows = np.random.default_rng(1).permutation(len(pool))[:n]
    predictor = make_predictor(name)
    columns = slice(0, 1) if getattr(predictor, "encoding", None) else slice(None)
    X, y = torch.tensor(pool[rows, columns]), torch.tensor(targets[rows])[:, None]
    queries = torch.tensor(pool[:, columns])

    def work():
        return predict(predictor.fit(X, y, seed=0), queries)

    benchmark.pedantic(work, rounds=3, warmup_rounds=1)
