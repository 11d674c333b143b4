"""Who judges: runs that were not shown, wherever a table has them, and otherwise by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from search_toy import search_study

from surrobench.errors import UserError
from surrobench.studies.judging import HELD_OUT, PUBLISHED, SEARCHED, Judge, holds_out, judgeable
from surrobench.studies.run_folder.record import decode_record, encode_record
from surrobench.studies.search import table_task as search_task
from surrobench.studies.search.cell import run_search, strategy_seed
from surrobench.studies.search.config import SearchStudy
from surrobench.studies.search.frame import make_search_frame
from surrobench.studies.search.plan import SearchCell, make_search_plan
from surrobench.studies.search.table_task import SearchTask
from surrobench.tasks import load_task
from surrobench.tasks.task import TableTask

CHAIN = "live/digits-chain"
CELLS = "live-cells/digits"


def cells(task: str, base: Path | None = None, **changes: Any) -> list[SearchCell]:
    content = search_study(**{"tasks": [task], "strategies": ["local-search"], **changes})
    return make_search_plan(SearchStudy.read(content), base or Path()).cells


def framed(cell: SearchCell) -> pd.DataFrame:
    return make_search_frame([decode_record(encode_record(run_search(cell)))])


@pytest.mark.parametrize("name", [CHAIN, CELLS])
@pytest.mark.parametrize("seed", [0, 1, 5])
def test_the_shown_run_is_never_among_the_judges(name: str, seed: int) -> None:
    table = load_task(name)
    judge = Judge(table, True, seed)
    for row in np.flatnonzero(judgeable(table))[:40]:
        arch = tuple(table.archs[row].tolist())
        made = [run for run in range(3) if np.isfinite(table.values[row, run]).any()]
        shown = made[seed % len(made)]
        assert judge.shown(arch).value == table.values[row, shown, -1]
        others = [table.values[row, run, -1] for run in made if run != shown]
        assert judge.value(arch) == pytest.approx(np.mean(others))
    assert judge.runs == 2.0


def test_a_run_that_diverged_neither_judges_nor_hides_who_was_shown() -> None:
    table = load_task(CHAIN)
    values = table.values.copy()
    values[0, 1, -1] = np.nan  # the second run began and broke off
    values[1, :2, -1] = np.nan
    broken = replace(table, values=values)
    assert judgeable(broken)[:3].tolist() == [True, False, True]
    assert Judge(broken, True, 0).values[0] == values[0, 2, -1]
    assert Judge(broken, True, 1).values[0] == pytest.approx(values[0, [0, 2], -1].mean())
    assert Judge(broken, True, 2).values[0] == values[0, 0, -1]


def test_tables_with_a_single_value_are_judged_by_it_and_say_so(maze: Path) -> None:
    single = load_task("maze.toml:accuracy", maze)
    assert not holds_out(single, "auto")
    assert Judge(single, False).kind == SEARCHED
    assert np.array_equal(Judge(single, False, 3).values, single.truth)
    mean = replace(single, runs_each=np.full(len(single), 3))
    assert Judge(mean, False).kind == PUBLISHED
    assert Judge(mean, False).runs == 3.0
    with pytest.raises(UserError, match="has 0 architectures with several training runs"):
        cells("maze.toml:accuracy", maze, judge="held-out")


def test_where_a_part_has_several_runs_that_part_is_searched() -> None:
    part = SearchTask.load(CELLS, Path(), [], {})
    assert (part.held_out, len(part.problem.candidates)) == (True, 1024)
    whole = SearchTask.load(CELLS, Path(), [], {}, "searched")
    assert (whole.judge.kind, len(whole.problem.candidates)) == (SEARCHED, 6461)
    table = part.table
    few = np.flatnonzero(judgeable(table))[60:]
    values = table.values.copy()
    values[few, 1:] = np.nan
    scarce = replace(table, values=values)
    assert judgeable(scarce).sum() == 60
    assert not holds_out(scarce, "auto")
    assert holds_out(scarce, "held-out")


def test_regret_is_that_of_the_runs_that_were_not_shown() -> None:
    table = load_task(CHAIN)
    optima = set()
    for cell in cells(CHAIN, seeds=3):
        frame = framed(cell)
        judge = Judge(table, True, cell.seed)
        best, incumbent = -np.inf, -1
        for row in frame.itertuples():
            place = table.index[table.space.parse(str(row.arch))]
            assert row.value == table.values[place, cell.seed, -1]
            if row.value > best:
                best, incumbent = row.value, place
            assert row.judged == pytest.approx(judge.values[incumbent])
            assert row.simple_regret == pytest.approx(judge.values.max() - row.judged)
        assert set(frame["judge"]) == {HELD_OUT}
        assert set(frame["judge_runs"]) == {2.0}
        optima.add(frame["optimum"].iloc[0])
    assert len(optima) == 3


def test_runs_that_judge_have_no_part_in_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    (cell,) = cells(CHAIN, seeds=1, strategies=["regularised-evolution"], evaluations=40)
    before = framed(cell)

    def shuffled(spec: str, base: Path | None = None) -> TableTask:
        table = load_task(spec, base)
        values = table.values.copy()
        order = np.random.default_rng(0).permutation(len(values))
        values[:, 1:] = values[order, 1:]  # seed 0 is shown the first run
        return replace(table, values=values, truth=values[:, :, -1].mean(axis=1))

    search_task._load.cache_clear()
    monkeypatch.setattr(search_task, "load_task", shuffled)
    after = framed(cell)
    search_task._load.cache_clear()
    assert after["arch"].tolist() == before["arch"].tolist()
    assert after["value"].tolist() == before["value"].tolist()
    assert after["simple_regret"].tolist() != before["simple_regret"].tolist()


@pytest.mark.slow
def test_a_part_of_a_table_says_how_many_it_leaves_out() -> None:
    frame = framed(cells(CELLS, seeds=1, evaluations=12)[0])
    assert (frame["pool"].iloc[0], frame["without_judge"].iloc[0]) == (1024, 5437)
    whole = framed(cells(CELLS, seeds=1, evaluations=12, judge="searched")[0])
    assert (whole["pool"].iloc[0], whole["without_judge"].iloc[0]) == (6461, 0)
    table = load_task(CELLS)
    shown = Judge(table, False, 0).values
    assert whole["optimum"].iloc[0] == shown.max()
    assert np.allclose(whole["judged"], whole["best_value"])


def test_another_objective_with_several_runs_is_held_back_too() -> None:
    objectives = ["live/digits-chain-cross-entropy"]
    task = replace(SearchTask.load(CHAIN, Path(), objectives, {}), seed=1)
    other = load_task(objectives[0])
    arch = next(iter(task.problem.candidates.index))
    place = other.index[arch]
    shown = task.evaluate(arch, seed=1, epochs=None).metrics[other.name]
    assert shown == other.values[place, 1, -1]
    assert task.objectives[0, 1] == pytest.approx(other.values[place, [0, 2], -1].mean())
    assert task.means[0, 1] == other.truth[place]


def test_strategies_draw_otherwise_on_another_task_of_the_same_seed(maze: Path) -> None:
    found = {}
    for name in ("accuracy", "latency", "accuracy"):
        for strategy in ("random", "local-search", "genetic"):
            (cell,) = cells(
                f"maze.toml:{name}", maze, strategies=[strategy], seeds=1, initial=0, evaluations=6
            )
            archs = framed(cell)["arch"].tolist()
            assert found.setdefault((name, strategy), archs) == archs
    assert found["accuracy", "random"] != found["latency", "random"]
    assert not set(found["accuracy", "random"]) & set(found["latency", "random"][:2])
    assert strategy_seed("a", 0) != strategy_seed("a", 1) != strategy_seed("b", 1)
    assert all(0 <= strategy_seed("a", seed) < 2**31 for seed in range(50))
