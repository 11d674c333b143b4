"""Loading a table, looking up a result, encoding a pool."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy.stats import norm
from sklearn.preprocessing import OneHotEncoder

from surrobench.encodings import make_encoding
from surrobench.metrics import prediction_scores
from surrobench.metrics.calibration import gaussian_crps
from surrobench.spaces import SPACES
from surrobench.tasks import load_task, loading
from surrobench.tasks.catalogue import single
from surrobench.tasks.tables.card_file import read_card

TABLES = ("live/digits-chain", "nb201/cifar10-val")


@pytest.fixture(params=TABLES)
def table(request, nb201):
    """A task's name, the Parquet file with its rows, and the columns that name a row."""
    card_path, _ = single(request.param, Path.cwd())
    card = read_card(card_path.resolve())
    path = loading.data_path(card, card_path.resolve().parent)
    return request.param, path


@pytest.mark.benchmark(group="load-table")
def test_load_table(benchmark, table):
    def load():
        loading._load.cache_clear()
        return load_task(table[0])

    benchmark.pedantic(load, rounds=7, warmup_rounds=1)


@pytest.mark.benchmark(group="load-table")
def test_load_table_pandas(benchmark, table):
    """pandas, and a dictionary of rows, as one writes it before the first look-up."""

    def load():
        return dict(enumerate(pd.read_parquet(table[1]).to_dict("records")))

    benchmark.pedantic(load, rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="load-table")
def test_load_table_floor(benchmark, table):
    benchmark.pedantic(pq.read_table, (table[1],), rounds=7, warmup_rounds=1)


def test_look_up(benchmark):
    task = load_task("live/digits-chain")
    arch = tuple(int(choice) for choice in task.archs[len(task.archs) // 2])
    benchmark(task.evaluate, arch)


@pytest.fixture(scope="module")
def archs():
    return np.array(list(SPACES.create("nb201")))


@pytest.mark.benchmark(group="encode-pool")
@pytest.mark.parametrize("encoding", ["one-hot", "adjacency", "path"])
def test_encode_pool(benchmark, archs, encoding):
    space = SPACES.create("nb201")
    arguments = (archs, space, {})
    benchmark.pedantic(make_encoding(encoding), arguments, rounds=7, warmup_rounds=1)


@pytest.mark.benchmark(group="encode-pool")
def test_encode_pool_scikit_learn(benchmark, archs):
    encoder = OneHotEncoder(sparse_output=False)
    benchmark.pedantic(encoder.fit_transform, (archs,), rounds=7, warmup_rounds=1)


@pytest.mark.benchmark(group="encode-pool")
def test_encode_pool_floor(benchmark, archs):
    def encode():
        return np.eye(5)[archs].reshape(len(archs), -1)

    benchmark.pedantic(encode, rounds=15, warmup_rounds=1)


def test_score_a_whole_table(benchmark):
    rng = np.random.default_rng(0)
    mean, std = rng.normal(90.0, 1.0, 15_625), np.ones(15_625)
    truth = mean + rng.normal(size=15_625)
    share, density = norm.cdf(truth, mean, std), norm.logpdf(truth, mean, std)
    crps = gaussian_crps(truth, mean, std)
    benchmark(prediction_scores, truth, mean, mean, std, share, density, crps)
