"""The choice of tasks that rank methods as all do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from surrobench.tasks import expand_tasks
from surrobench.tasks.collections import CORE

ROOT = Path(__file__).parents[2]
METHODS = ["gp-a", "gp-b", "knn", "svr", "svr+none", "xgboost"]


@pytest.fixture(scope="module")
def core() -> Iterator[ModuleType]:
    """The script under test, which is no part of the package."""
    before = list(sys.path)
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import core

    yield core
    sys.path[:] = before


def scores(core: ModuleType, noise: float) -> object:
    """Ten tables, of which one has 50 tasks, all with one order of the methods but for noise."""
    rng = np.random.default_rng(1)
    tasks = [f"t{table}/{i}" for table in range(10) for i in range(50 if table == 0 else 3)]
    index = pd.MultiIndex.from_product([tasks, (32, 128)], names=["task", "train_size"])
    values = np.arange(6) / 6 + noise * rng.standard_normal((len(index), 6))
    return core.Scores(pd.DataFrame(values, index, METHODS).rename_axis(columns="method"))


def test_chosen_tasks_are_of_different_tables_and_nearer_than_random_ones(core) -> None:
    known = scores(core, noise=1.0)
    chosen = known.choose(METHODS, 5)
    assert len({known.tables[row] for row in chosen}) == 5
    ranks = known.ranks(METHODS)
    whole = np.tensordot(known.weights, ranks, axes=1)

    def gap(rows: list[int]) -> float:
        return float(((ranks[rows].mean(axis=0) - whole) ** 2).sum())

    rng = np.random.default_rng(0)
    others = [gap(known.drawn(5, rng)) for _ in range(100)]
    assert gap(chosen) < np.quantile(others, 0.1)


def test_a_table_of_many_tasks_counts_once(core) -> None:
    known = scores(core, noise=0.0)
    assert known.weights.sum() == pytest.approx(1.0)
    for table in np.unique(known.tables):
        assert known.weights[known.tables == table].sum() == pytest.approx(0.1)


def test_halves_keep_families_together(core) -> None:
    for known, held_out in core.splits(METHODS):
        assert {core.family(one) for one in known}.isdisjoint(map(core.family, held_out))
        assert sorted(known + held_out) == METHODS
    assert core.family("svr+none") == "svr"
    assert core.family("random-forest") == core.family("xgboost")


def test_methods_that_never_change_places_are_ordered_alike(core) -> None:
    rows = core.check(scores(core, noise=0.0), 4, draws=2)
    assert (rows["chosen"] == 1.0).all()
    assert (rows["random"] == 1.0).all()


def test_core_is_about_a_dozen_tasks_of_different_tables() -> None:
    assert sorted(expand_tasks("@core")) == sorted(CORE)
    assert 10 <= len(CORE) <= 15
    assert len({task.split("/")[0] for task in CORE}) == len(CORE)
    listed = pd.read_csv(ROOT / "results" / "all-tables" / "core.csv")
    assert sorted(listed["task"][listed["kept"]]) == sorted(CORE)
