"""Search studies whose evaluations train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from live_toy import TINY

from surrobench.errors import UserError
from surrobench.report.search.results import SearchResults
from surrobench.strategies import STRATEGIES
from surrobench.studies.run_folder.record import Record
from surrobench.studies.search.cell import run_search
from surrobench.studies.search.config import SearchStudy
from surrobench.studies.search.frame import make_search_frame
from surrobench.studies.search.plan import SearchCell, make_search_plan
from surrobench.tasks.live.live_options import make_live
from surrobench.training.loop.groups import Job

STRATEGIES_OF_ONE_OBJECTIVE = [
    name
    for name in STRATEGIES.names()
    if name not in ("bayesian-multi-objective", "nsga2", "optuna-tpe", "optuna-gp", "smac")
]


def study(**changes: Any) -> dict[str, Any]:
    content = {
        "kind": "search",
        "name": "live",
        "tasks": ["live:cells"],
        "strategies": ["random"],
        "evaluations": 4,
        "initial": 2,
        "seeds": 1,
        "live": {**TINY, "pool": 40},
    }
    return {**content, **changes}


def cells(**changes: Any) -> list[SearchCell]:
    return make_search_plan(SearchStudy.read(study(**changes)), Path()).cells


def frame_of(records: list[Record]) -> pd.DataFrame:
    return make_search_frame(records)


@pytest.mark.slow
def test_every_strategy_searches_and_trains_nothing_twice(
    live_cache: Path, trained: list[Job]
) -> None:
    every = cells(strategies=STRATEGIES_OF_ONE_OBJECTIVE)
    records = [run_search(cell) for cell in every]
    assert [r.payload["reason"] for r in records] == [""] * len(every)
    frame = frame_of(records)
    assert (frame["value"] < 0).all()  # negated cross-entropies
    assert frame.groupby("strategy", observed=True)["spent"].max().ge(4 - 1e-9).all()
    count = len(trained)
    assert count == frame.drop_duplicates(["arch", "epochs"]).shape[0]
    again = [run_search(cell) for cell in every]
    assert len(trained) == count
    assert [r.payload for r in again] == [r.payload for r in records]


@pytest.mark.slow
def test_the_clock_holds_the_measured_seconds(live_cache: Path) -> None:
    (cell,) = cells()
    frame = frame_of([run_search(cell)])
    task = make_live("live:cells", cell.live, Path()).task
    seconds = [task.evaluate(task.space.parse(arch)).cost for arch in frame["arch"]]
    assert frame["simulated_seconds"].to_numpy() == pytest.approx(
        np.cumsum(np.array(seconds, dtype=float)), rel=1e-5
    )
    assert set(frame["clock"]) == {"seconds of the processor, measured"}


@pytest.mark.slow
def test_regret_counts_from_the_best_found_because_nobody_knows_the_optimum(
    live_cache: Path,
) -> None:
    frame = frame_of([run_search(cell) for cell in cells(strategies=["random", "local-search"])])
    assert frame["simple_regret"].isna().all()
    results = SearchResults.of(frame)
    assert set(results.references.values()) == {"best found"}
    assert results.rows["score"].min() == 0.0


@pytest.mark.slow
def test_the_incumbent_has_the_test_result_of_its_own_training(live_cache: Path) -> None:
    (cell,) = cells()
    last = frame_of([run_search(cell)]).iloc[-1]
    task = make_live("live:cells", cell.live, Path()).task
    found = frame_of([run_search(cell)])
    best = task.space.parse(found.loc[found["value"].idxmax(), "arch"])
    assert last["test_value"] == task.test(best, seed=cell.seed)


def test_candidates_are_different_connected_networks(live_cache: Path) -> None:
    from surrobench.studies.search.task import load_search_task

    live = {**TINY, "pool": 40}
    task = load_search_task("live:cells", Path(), [], {}, live)
    archs = list(task.problem.candidates.index)
    assert len(archs) == 40
    assert len({task.space.canonical(arch) for arch in archs}) == 40
    assert not any(task.space.disconnected(arch) for arch in archs)  # type: ignore[attr-defined]


@pytest.mark.slow
def test_a_constraint_on_parameters_is_kept(live_cache: Path) -> None:
    (free,) = cells()
    task = make_live("live:cells", free.live, Path()).task
    trained = frame_of([run_search(free)])["arch"]
    bound = int(np.median([task.costs(task.space.parse(arch))["params"] for arch in trained]))
    (cell,) = cells(constraints={"params": f"<= {bound}"})
    record = run_search(cell)
    rows = frame_of([record])
    assert rows["feasible"].any()
    params = [task.costs(task.space.parse(arch))["params"] for arch in rows["arch"]]
    assert [bool(kept) for kept in rows["feasible"]] == [value <= bound for value in params]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"live": {"epoch": 3}}, "live tasks have no option 'epoch'"),
        ({"live": {"epochs": "3"}}, "epochs = '3' must be of the type int"),
        ({"live": {"reduction": "thick"}}, "reduction = 'thick' is not one of thin, residual"),
        ({"live": {"lengths": [2, 1]}}, "must be a list of epochs, ascending"),
        ({"live": {"div": 4}}, "live:cells has no option 'div'"),
        ({"live": {"side": 4}}, "side resizes images of the option data"),
        ({"live": {"data": "nowhere"}}, "nowhere does not exist"),
        ({"live": {"lengths": [1], "epochs": 2}}, "must end with the epochs of a full training"),
        ({"tasks": ["live:cell"], "live": {}}, "unknown live task 'live:cell'"),
        ({"tasks": ["live/digits-chain"]}, "no task of this study is a live one"),
        ({"objectives": ["live/digits-chain"]}, "has no further objectives"),
        ({"constraints": {"latency": "<= 1"}}, "constraint on 'latency'"),
    ],
)
def test_mistakes_are_named(live_cache: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        cells(**changes)


def test_options_are_part_of_the_name_but_for_the_device(live_cache: Path) -> None:
    named = make_live("live:chain", {"epochs": 2, "device": "cpu", "div": 8}, Path())
    assert named.label == "live:chain(div=8, epochs=2)"
    assert named.task.recipe.epochs == 2
    assert named.lengths == (1, 2)
    assert make_live("live:chain", {"device": "cpu"}, Path()).label == "live:chain"
