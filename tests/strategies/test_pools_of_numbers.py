"""Searches over pools of random configurations, of which no two share a number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.choices import Choices
from surrobench.strategies import make_strategy
from surrobench.strategies.candidates import Candidates

N = 300
RNG = np.random.default_rng(3)
RATES = np.sort(10 ** RNG.uniform(-5, 0, N))
SPACE = Choices(
    "pool",
    [
        Variable("rate", tuple(map(repr, RATES.tolist())), tuple(RATES.tolist()), "log"),
        Variable("solver", ("adam", "sgd")),
        Variable("momentum", ("absent", *map(str, range(20))), (0.0, *map(float, range(20)))),
    ],
)


def _drawn(row: int) -> Arch:
    sgd = int(RNG.integers(2))
    return (row, sgd, int(RNG.integers(1, 21)) if sgd else 0)


ARCHS = [_drawn(row) for row in range(N)]
POOL = Candidates(SPACE, ARCHS)


def worth(arch: Arch) -> float:
    """Best for SGD with a rate of 0.01 and a large momentum."""
    return -abs(math.log10(RATES[arch[0]]) + 2) + arch[1] * (0.5 + arch[2] / 40)


def test_neighbours_are_near_on_the_scale_of_each_number() -> None:
    rates = np.log10(RATES)
    for arch in (ARCHS[20], ARCHS[200]):
        near = POOL.neighbours(arch)
        assert len(near) == 10
        assert arch not in near
        assert all(other[1] == arch[1] for other in near)
        assert max(abs(rates[other[0]] - rates[arch[0]]) for other in near) < 1.5


def test_what_is_no_candidate_becomes_the_nearest_that_is() -> None:
    (adam,) = [arch for arch in ARCHS if arch[1] == 0][:1]
    wanted = (adam[0], 1, 20)  # with momentum, which no candidate of this rate has
    found = POOL.nearest(wanted, np.random.default_rng(0))
    assert found is not None
    assert found[1] == 1


def test_a_grid_keeps_its_steps() -> None:
    grid = Choices("grid", [Variable(name, tuple(range(20))) for name in "ab"])
    whole = Candidates(grid, list(grid))
    assert whole.neighbours((3, 4)) == grid.neighbours((3, 4))


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["local-search", "regularised-evolution", "optuna-tpe"])
def test_strategies_climb_in_a_pool_of_numbers(strategy: str) -> None:
    if strategy == "optuna-tpe":
        pytest.importorskip("optuna")

    def found(name: str, seed: int) -> float:
        search: Any = make_strategy(name, POOL, seed=seed, design=10)
        while len(search.history) < 60:
            (arch,) = search.ask()
            search.tell(arch, worth(arch))
        told = sorted((observation.value for observation in search.history), reverse=True)
        return float(np.mean(told[:10]))

    seeds = range(3)
    gain = [found(strategy, seed) - found("random", seed) for seed in seeds]
    assert min(gain) > 0.05


def test_an_absent_number_is_never_told_as_one() -> None:
    pytest.importorskip("optuna")
    search: Any = make_strategy("optuna-tpe", POOL, design=12)
    while len(search.history) < 15:
        (arch,) = search.ask()
        search.tell(arch, worth(arch))
    told = [t for t in search._study.trials if t.state.name == "COMPLETE"]
    assert len(told) >= 14
    for trial, observation in zip(told, search.history, strict=False):
        assert ("2" in trial.params) is (observation.arch[1] == 1)
        assert trial.params["0"] == RATES[observation.arch[0]]
