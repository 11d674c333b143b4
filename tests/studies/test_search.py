"""One search of a study: what its rows say, what it keeps when it goes wrong, and resuming."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from search_toy import search_study

from surrobench.base.sealed import read_sealed, seal
from surrobench.strategies.running.loop import SearchLoop
from surrobench.studies.run_folder.record import Record, decode_record, encode_record
from surrobench.studies.search import cell as searches
from surrobench.studies.search.cell import initial_design, remains, run_search
from surrobench.studies.search.config import SearchStudy
from surrobench.studies.search.frame import ends, make_search_frame
from surrobench.studies.search.fronts import write_fronts
from surrobench.studies.search.plan import SearchCell, make_search_plan
from surrobench.studies.search.table_task import SearchTask
from surrobench.tasks import load_task


def cells(base: Path, **changes: Any) -> list[SearchCell]:
    return make_search_plan(SearchStudy.read(search_study(**changes)), base).cells


def one(base: Path, strategy: Any = "random", **changes: Any) -> SearchCell:
    return cells(base, strategies=[strategy], seeds=1, **changes)[0]


def framed(record: Record) -> pd.DataFrame:
    """The rows of a record as they come back from its file."""
    return make_search_frame([decode_record(encode_record(record))])


def test_the_rows_of_a_search(maze: Path) -> None:
    frame = framed(run_search(one(maze, "local-search")))
    task = load_task("maze.toml:accuracy", maze)
    truth = dict(zip(map(task.space.to_string, task.index), task.truth, strict=True))
    assert frame["evaluation"].tolist() == list(range(1, 21))
    assert frame["arch"].nunique() == 20
    assert np.array_equal(frame["value"], [truth[arch] for arch in frame["arch"]])
    assert np.array_equal(frame["best_value"], frame["value"].cummax())
    assert np.allclose(frame["simple_regret"], task.optimum - frame["best_value"])
    assert np.array_equal(frame["spent"], frame["evaluation"])
    seconds = [task.evaluate(task.space.parse(arch)).cost for arch in frame["arch"]]
    assert np.allclose(frame["simulated_seconds"], np.cumsum(np.array(seconds, dtype=float)))
    assert frame["overhead_seconds"].is_monotonic_increasing
    assert frame["test_value"].isna().all()
    assert set(frame["status"]) == {"ok"}
    assert set(frame["epochs"]) == {9}
    assert set(frame["unit"]) == {"%"}
    assert set(frame["clock"]) == {"seconds as published"}


def test_the_initial_design_depends_on_task_and_seed_alone(maze: Path) -> None:
    found = {}
    strategies = ["random", "local-search", "genetic", "regularised-evolution"]
    for cell in cells(maze, strategies=strategies, initial=7):
        archs = tuple(framed(run_search(cell))["arch"][:7])
        assert found.setdefault(cell.seed, archs) == archs
    assert found[0] != found[1]
    task = SearchTask.load("maze.toml:accuracy", maze, [], {})
    assert initial_design(task, 9, 0)[:7] == initial_design(task, 7, 0)
    other = SearchTask.load("maze.toml:latency", maze, [], {})
    assert set(other.problem.candidates.index) == set(task.problem.candidates.index)
    assert initial_design(other, 7, 0) != initial_design(task, 7, 0)


def test_test_scores_are_reported_but_never_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    told = SearchLoop.step

    def step(loop: SearchLoop) -> Any:
        asked.append(SearchTask.test.called)  # type: ignore[attr-defined]
        return told(loop)

    def test(self: SearchTask, arch: Any) -> float:
        test.called = True  # type: ignore[attr-defined]
        return read(self, arch)

    read = SearchTask.test
    test.called = False  # type: ignore[attr-defined]
    monkeypatch.setattr(SearchTask, "test", test)
    monkeypatch.setattr(SearchLoop, "step", step)
    frame = framed(run_search(one(Path(), tasks=["live/digits-chain"], evaluations=12)))
    assert not any(asked)
    scores = load_task("live/digits-chain-test")
    best = frame.loc[frame["value"].idxmax(), "arch"]
    others = scores.values[scores.index[scores.space.parse(best)], 1:, -1]  # run 0 was shown
    assert frame["test_value"].iloc[-1] == pytest.approx(others.mean())


def test_shorter_trainings_cost_their_part_and_are_no_incumbents(maze: Path) -> None:
    frame = framed(run_search(one(maze, "hyperband", evaluations=12)))
    assert set(frame["epochs"]) == {1, 3, 9}
    assert set(frame["lengths"]) == {"1, 3, 9"}
    assert set(framed(run_search(one(maze, evaluations=6)))["lengths"]) == {"9"}
    assert np.allclose(frame["spent"], frame["epochs"].astype(float).cumsum() / 9)
    assert 12 <= frame["spent"].iloc[-1] + 1e-9 < 13
    full = frame["epochs"] == 9
    assert np.array_equal(frame["best_value"], frame["value"].where(full).cummax().ffill(), True)
    assert frame["best_value"].isna()[: int(full.argmax())].all()


def test_constraints_in_source_units_and_on_both_sides(maze: Path) -> None:
    limits = {"params": ">= 102", "maze.toml:latency": "<= 5.0"}
    frame = framed(run_search(one(maze, evaluations=60, constraints=limits)))
    accuracy, latency = (load_task(f"maze.toml:{name}", maze) for name in ("accuracy", "latency"))
    assert latency.direction == "minimize"
    rows = [accuracy.index[accuracy.space.parse(arch)] for arch in frame["arch"]]
    kept = (accuracy.measured["params"] >= 102) & (-latency.truth <= 5.0)
    assert frame["feasible"].tolist() == kept[rows].tolist()
    assert 0 < frame["feasible"].sum() < 60
    best = frame["value"].where(frame["feasible"].astype(bool)).cummax().ffill()
    assert np.array_equal(frame["best_value"], best, equal_nan=True)
    assert frame["optimum"].iloc[0] == accuracy.truth[kept].max()
    assert frame["constraints"].iloc[0] == "params >= 102, maze/latency <= 5.0"


def test_several_objectives_and_their_front(maze: Path, tmp_path: Path) -> None:
    study = SearchStudy.read(
        search_study(
            strategies=["random"],
            evaluations=256,
            objectives=["maze.toml:latency"],
            constraints={"params": "<= 104"},
        )
    )
    frame = framed(run_search(make_search_plan(study, maze).cells[0]))
    share = frame["useful_hypervolume"]
    assert share.is_monotonic_increasing
    assert 0 < share.iloc[10] < 1
    assert share.iloc[-1] == pytest.approx(1.0)
    found = frame["front_found"]
    assert found.is_monotonic_increasing
    assert found.iloc[-1] == 1.0
    names = ["objective:maze/accuracy", "objective:maze/latency"]
    assert [name for name in frame if name.startswith("objective:")] == names
    assert (frame[names[1]] < 0).all()  # latencies are stored negated
    write_fronts(study, maze, tmp_path)
    front = pd.read_csv(tmp_path / "fronts.csv")
    allowed = frame[frame["feasible"].astype(bool)]
    points = allowed[names].to_numpy()
    dominated = [
        any((other >= point).all() and (other > point).any() for other in points)
        for point in points
    ]
    assert set(front["arch"]) == set(allowed["arch"][~np.array(dominated)])
    assert list(front.columns) == ["task", "arch", *names, "useful", "hypervolume"]
    # No card says what is useful: half of the candidates are.
    task = load_task("maze.toml:accuracy", maze)
    floor = np.median(task.truth[task.measured["params"] <= 104])
    assert set(frame["useful"]) == {f"maze/accuracy >= {floor:g} %"}
    useful = front[names[0]] >= floor
    assert front["useful"].tolist() == useful.tolist()
    assert set(frame["front_points"]) == {len(front[useful][names].drop_duplicates())}
    write_fronts(study, maze, tmp_path)
    assert len(pd.read_csv(tmp_path / "fronts.csv")) == len(front)


def test_short_trainings_attain_no_hypervolume(maze: Path) -> None:
    cell = one(maze, "hyperband", evaluations=5, objectives=["maze.toml:latency"])
    frame = framed(run_search(cell))
    short = frame["epochs"] < 9
    assert frame["objective:maze/latency"].isna().tolist() == short.tolist()
    assert (frame["useful_hypervolume"].diff()[short].dropna() == 0).all()


def test_only_architectures_with_all_objectives_are_candidates(maze: Path) -> None:
    task = SearchTask.load("maze.toml:accuracy", maze, ["maze.toml:partial"], {})
    assert len(task.problem.candidates) == 192
    assert np.isfinite(task.objectives).all()


def test_a_budget_of_seconds(maze: Path) -> None:
    frame = framed(run_search(one(maze, evaluations=100, budget_seconds=500.0)))
    assert frame["simulated_seconds"].iloc[-2] < 500 <= frame["simulated_seconds"].iloc[-1]


def test_repeats_are_trained_again_only_on_request(maze: Path) -> None:
    small = {"constraints": {}, "evaluations": 300}
    assert len(framed(run_search(one(maze, **small)))) == 256
    again = framed(run_search(one(maze, "regularised-evolution", repeats=True, **small)))
    assert len(again) == 300


def test_what_was_found_before_a_failure_is_kept(maze: Path) -> None:
    record = run_search(one(maze, "wild:Raises"))
    frame = framed(record)
    assert record.status == "failed"
    assert frame["evaluation"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 0]
    last = frame.iloc[-1]
    assert last["status"] == "failed"
    assert last["reason"].startswith("RuntimeError: no way [wild.py:")
    assert math.isnan(last["best_value"])
    assert "raise RuntimeError" in record.provenance["traceback"]
    assert ends(frame).iloc[0].tolist()[2:] == ["failed", last["reason"]]
    fine = framed(run_search(one(maze)))
    assert ends(fine).iloc[0].tolist()[2:] == ["ok", ""]


class Interrupted(BaseException):
    """The machine goes down."""


def interrupt(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Checkpoints after each step, and an end after so many evaluations."""
    monkeypatch.setattr(searches, "CHECKPOINT_SECONDS", 0.0)
    step = SearchLoop.step

    def limited(loop: SearchLoop) -> Any:
        if len(loop.rows) >= after:
            monkeypatch.setattr(SearchLoop, "step", step)
            raise Interrupted
        return step(loop)

    monkeypatch.setattr(SearchLoop, "step", limited)


FOREST = {"use": "bayesian", "predictor": {"use": "random-forest", "trees": 10}}


@pytest.mark.slow
@pytest.mark.parametrize("after", [3, 12])
@pytest.mark.parametrize(
    ("strategy", "changes"),
    [
        ("local-search", {"batch": 4}),
        ("hyperband", {}),
        ("reinforce", {}),
        ("wild:Careless", {}),
        (FOREST, {}),
        ({"use": "bayesian", "predictor": "gp-rbf", "acquisition": "thompson"}, {"batch": 3}),
    ],
)
def test_an_interrupted_search_goes_on_bit_by_bit_alike(
    maze: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    strategy: Any,
    changes: dict[str, Any],
    after: int,
) -> None:
    cell = replace(one(maze, strategy, **changes), scratch=str(tmp_path))
    whole = run_search(replace(cell, scratch=""))
    interrupt(monkeypatch, after)
    with pytest.raises(Interrupted):
        run_search(cell)
    (checkpoint,) = tmp_path.iterdir()
    kept, timing = remains(cell)
    known = len(read_sealed(checkpoint)["rows"])
    assert len(timing["overhead_seconds"]) == known >= after
    ended = {**whole.payload, **kept, "status": "timeout"}
    left = framed(replace(whole, payload=ended, timing=timing))
    assert len(left) == known + 1
    trained: list[Any] = []
    evaluate = SearchTask.evaluate

    def counted(self: SearchTask, arch: Any, **options: Any) -> Any:
        trained.append(arch)
        return evaluate(self, arch, **options)

    monkeypatch.setattr(SearchTask, "evaluate", counted)
    assert run_search(cell).payload == whole.payload
    total = len(framed(whole))
    assert len(trained) == total - known, "what the checkpoint held was trained again"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "[]", '{"rows": []}', '{"rows": [{}], "strategy": {}}'])
def test_a_damaged_checkpoint_is_no_obstacle(maze: Path, tmp_path: Path, content: str) -> None:
    cell = replace(one(maze), scratch=str(tmp_path))
    (tmp_path / f"{cell.key}.json").write_bytes(seal(content.encode()))
    assert remains(cell) == ({}, {}) or content == '{"rows": []}'
    assert run_search(cell).payload == run_search(one(maze)).payload


def test_foreign_draws_do_not_depend_on_the_order_of_the_cells(maze: Path) -> None:
    first, second = cells(maze, strategies=["wild:Careless"])
    alone = run_search(second).payload
    run_search(first)
    assert run_search(second).payload == alone
