"""A search of 150 evaluations over all of NAS-Bench-201, and single steps of it.

Rounds are seeds. Encoding the pool is not timed (it is done once for each task).
"""

from __future__ import annotations

import bare_algebra
import numpy as np
import pytest
from search_peers import EVALUATIONS, INITIAL, OURS, our_loop, our_search, over_seeds

SEEDS = 20
REFIT_EACH_STEP = {**OURS, "refit_every": 1}
REFIT_EVERY, LIKELIHOODS = 5, 12
"""The strategy's default, and how many likelihoods a later fit takes, about."""
REFIT_SELDOM = {**OURS, "refit_every": EVALUATIONS}


@pytest.mark.benchmark(group="search")
def test_search(benchmark, warm):
    over_seeds(benchmark, our_search, warm, SEEDS)


@pytest.mark.benchmark(group="search")
def test_search_refit_each_step(benchmark, warm):
    over_seeds(benchmark, our_search, warm, SEEDS, REFIT_EACH_STEP)


@pytest.fixture(scope="module")
def growth(pool):
    return np.random.default_rng(0).permutation(len(pool))[: EVALUATIONS + 20]


@pytest.mark.benchmark(group="search")
def test_search_floor_incremental(benchmark, pool, growth):
    def setup():
        return (bare_algebra.Growing(pool, growth[:EVALUATIONS]), INITIAL), {}

    benchmark.pedantic(bare_algebra.search_incremental, setup=setup, rounds=7, warmup_rounds=1)


@pytest.mark.benchmark(group="search")
def test_search_floor_refitting(benchmark, pool, targets, growth):
    rows = growth[:EVALUATIONS]
    K, _ = bare_algebra.covariances(pool, rows)

    def setup():
        growing = bare_algebra.Growing(pool, rows)
        return (growing, K, targets[rows], INITIAL, REFIT_EVERY, LIKELIHOODS), {}

    benchmark.pedantic(bare_algebra.search_refitting, setup=setup, rounds=7, warmup_rounds=1)


@pytest.mark.benchmark(group="search")
def test_search_floor_refactorised(benchmark, pool, targets, growth):
    rows = growth[:EVALUATIONS]
    K, C = bare_algebra.covariances(pool, rows)
    arguments = (K, C, targets[rows], INITIAL)
    benchmark.pedantic(bare_algebra.search_refactorised, arguments, rounds=5)


# The middle one of 15 rounds that begin at 143 observations is the step at n = 150.


@pytest.mark.benchmark(group="search-step")
@pytest.mark.parametrize("spec", [REFIT_SELDOM, REFIT_EACH_STEP], ids=["append", "refit"])
def test_step(benchmark, warm, spec):
    loop = our_loop(warm, 0, spec, evaluations=EVALUATIONS + 50)
    while len(loop.rows) < 143:
        loop.step()
    benchmark.pedantic(loop.step, rounds=15)


@pytest.mark.benchmark(group="search-step")
def test_step_floor_incremental(benchmark, pool, growth):
    growing = bare_algebra.Growing(pool, growth).extend(143)
    benchmark.pedantic(growing.append, rounds=15)


@pytest.mark.benchmark(group="search-step")
def test_step_floor_refactorised(benchmark, pool, targets, growth):
    rows = growth[:EVALUATIONS]
    K, C = bare_algebra.covariances(pool, rows)

    def setup():
        return (K, C.copy(), targets[rows]), {}

    benchmark.pedantic(bare_algebra.posterior, setup=setup, rounds=15, warmup_rounds=1)
