"""The same search with BoTorch's usual loop, Optuna's Gaussian process and SMAC3's forest.

Rounds are seeds.
"""

from __future__ import annotations

import itertools

import pytest
from search_peers import UsualLoop, optuna_search, our_search, over_seeds

SEEDS, SMAC_SEEDS = 10, 2
STEPS_AT = (10, 50, 100, 149)
"""Observations at which a step of BoTorch's loop is timed; the search is the integral."""


@pytest.mark.benchmark(group="search")
def test_search_optuna_gp(benchmark, warm):
    pytest.importorskip("optuna")
    over_seeds(benchmark, optuna_search, warm, SEEDS)


@pytest.mark.benchmark(group="search")
def test_search_smac(benchmark, warm):
    pytest.importorskip("smac")
    over_seeds(benchmark, our_search, warm, SMAC_SEEDS, {"use": "smac"})


@pytest.mark.benchmark(group="search")
def test_search_botorch_whole(benchmark, warm, request):
    if not request.config.getoption("--whole-baseline"):
        pytest.skip("takes minutes: ask for it with --whole-baseline")
    over_seeds(benchmark, lambda task, seed: UsualLoop(task, seed).run(), warm, 1)


@pytest.mark.benchmark(group="search-step")
@pytest.mark.parametrize("n", STEPS_AT)
def test_step_botorch(benchmark, warm, n):
    seeds = itertools.count()

    def setup():
        return (UsualLoop(warm, next(seeds)).observe_random(n),), {}

    benchmark.pedantic(UsualLoop.step, setup=setup, rounds=3)
