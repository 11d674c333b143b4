"""Loading a table, looking up a result, encoding a pool."""

from __future__ import annotations

import pytest

from surrobench.encodings import make_encoding
from surrobench.spaces import SPACES
from surrobench.tasks import load_task, loading


@pytest.fixture(scope="module")
def task():
    return load_task("live/digits-chain")


def test_load_embedded_table(benchmark):
    def load():
        loading._load.cache_clear()
        return load_task("live/digits-chain")

    benchmark.pedantic(load, rounds=5)


def test_look_up(benchmark, task):
    arch = tuple(int(choice) for choice in task.archs[len(task.archs) // 2])
    benchmark(task.evaluate, arch)


@pytest.mark.parametrize("encoding", ["one-hot", "adjacency", "path"])
def test_encode_nas_bench_201(benchmark, encoding):
    space = SPACES.create("nb201")
    archs = list(space)
    benchmark.pedantic(make_encoding(encoding), args=(archs, space, {}), rounds=5)
