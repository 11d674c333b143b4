"""Whole search studies: the same rows with any number of workers, and nothing lost on the way."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from search_toy import search_study
from toy import command_environment

from surrobench import run_study
from surrobench.errors import UserError
from surrobench.studies.run_folder.record import decode_record, encode_record
from surrobench.studies.run_folder.store import ResultStore, payload_digest
from surrobench.studies.run_folder.view import (
    RESULTS_FILE,
    kind_of_frame,
    load_results,
    merge_results,
    save_frame,
)
from surrobench.studies.search.cell import run_search
from surrobench.studies.search.config import SearchStudy
from surrobench.studies.search.plan import make_search_plan
from surrobench.studies.study_file import load_study

TREES = {"use": "bayesian", "label": "trees", "predictor": {"use": "random-forest", "trees": 10}}
STRATEGIES = ["random", "hyperband", "wild:Careless", TREES]


def digest(folder: Path) -> str:
    return payload_digest(ResultStore(folder).scan().records.values())


@pytest.fixture(scope="module")
def reference(maze: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run with one worker."""
    folder = tmp_path_factory.mktemp("runs") / "reference"
    patch = pytest.MonkeyPatch()
    patch.chdir(maze)
    frame = run_study(
        search_study(strategies=STRATEGIES, objectives=["maze.toml:latency"]),
        out=folder,
        workers=1,
    )
    patch.undo()
    assert set(frame["status"]) == {"ok"}, frame["reason"].unique()
    assert frame.groupby(["strategy", "seed"], observed=True).ngroups == 8
    return folder


@pytest.mark.slow
def test_two_workers_and_another_order_give_the_same_rows(
    reference: Path, in_maze: Path, tmp_path: Path
) -> None:
    changes = {"strategies": STRATEGIES[::-1], "seeds": [1, 0]}
    study = search_study(**changes, objectives=["maze.toml:latency"])
    frame = run_study(study, out=tmp_path / "run", workers=2)
    assert digest(tmp_path / "run") == digest(reference)
    order = ["strategy", "seed", "evaluation"]
    own = ["overhead_seconds"]
    rows, others = (
        table.astype({"strategy": str}).sort_values(order, ignore_index=True).drop(columns=own)
        for table in (frame, load_results(reference))
    )
    pd.testing.assert_frame_equal(rows, others, check_categorical=False)


@pytest.mark.slow
def test_the_view_is_the_same_from_file_and_folder(reference: Path, tmp_path: Path) -> None:
    frame = load_results(reference)
    saved = load_results(reference / RESULTS_FILE)
    pd.testing.assert_frame_equal(frame, saved)
    merged = merge_results([frame, saved])
    assert len(merged) == len(frame)
    kind = kind_of_frame(merged)
    assert kind.name == "search"
    assert len(kind.cells(merged)) == 8
    pd.testing.assert_frame_equal(pd.read_parquet(save_frame(frame, tmp_path)), saved)


def test_the_study_is_kept_so_that_it_can_be_run_from_where_it_lies(reference: Path) -> None:
    from surrobench.studies.kinds import kind_of

    study, origin = load_study(str(reference / "study.toml"), allow_code=True)
    cells = kind_of(study).plan(study, origin.base).cells
    assert {cell.key for cell in cells} == ResultStore(reference).finished_keys()
    assert (reference / "fronts.csv").is_file()


@pytest.mark.slow
def test_a_killed_run_goes_on_in_the_middle_of_a_search(in_maze: Path, tmp_path: Path) -> None:
    slow = {"use": "wild:Slow", "label": "slow", "seconds": 0.25}
    study = search_study(strategies=[slow], seeds=1)
    run = tmp_path / "run"
    code = f"from surrobench import run_study\nrun_study({study!r}, out={str(run)!r}, workers=1)"
    process = subprocess.Popen([sys.executable, "-c", code], env=command_environment(in_maze))
    deadline = time.monotonic() + 600
    while not list(run.glob("unfinished/*.json")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait()
    (checkpoint,) = run.glob("unfinished/*.json")
    assert not ResultStore(run).finished_keys()
    frame = run_study(study, out=run, workers=1)
    assert not checkpoint.parent.exists()
    own = frame["overhead_seconds"].diff().iloc[5:]
    assert (own >= 0.25).all()  # what the killed process had waited for is counted too
    quick = SearchStudy.read({**study, "strategies": [{**slow, "seconds": 0.0}]})
    (cell,) = make_search_plan(quick, in_maze).cells
    (record,) = ResultStore(run).scan().records.values()
    assert record.payload == decode_record(encode_record(run_search(cell))).payload


@pytest.mark.slow
def test_every_misdeed_costs_its_own_search_and_has_a_reason(in_maze: Path, tmp_path: Path) -> None:
    strategies = ["wild:Raises", "wild:Dies", "wild:Hangs", "random"]
    study = search_study(strategies=strategies, seeds=1, timeout_seconds=9.0)
    run = tmp_path / "run"
    frame = run_study(study, out=run, workers=2)
    ends = kind_of_frame(frame).cells(frame).set_index("method")
    assert ends["status"].to_dict() == {
        "wild:Raises": "failed",
        "wild:Dies": "failed",
        "wild:Hangs": "timeout",
        "random": "ok",
    }
    assert "RuntimeError: no way [wild.py:" in ends.loc["wild:Raises", "reason"]
    assert "killed by SIGKILL" in ends.loc["wild:Dies", "reason"]
    counts = frame[frame["evaluation"] > 0]["strategy"].value_counts()
    assert counts["random"] == 20
    assert counts["wild:Raises"] == 8
    assert 5 <= counts["wild:Hangs"] <= 14  # as of its last checkpoint
    assert np.isfinite(frame[frame["evaluation"] > 0]["best_value"]).all()
    assert len(list(run.glob("unfinished/*.json"))) == 1  # so that it can be tried again


def test_a_folder_holds_one_kind_of_study(reference: Path, in_maze: Path) -> None:
    prediction = {
        "tasks": ["maze.toml:accuracy"],
        "predictors": ["knn"],
        "train_sizes": [8],
        "seeds": 1,
    }
    with pytest.raises(UserError, match="holds a search study and this is a prediction study"):
        run_study(prediction, out=reference)
    both = [load_results(reference), pd.DataFrame({"predictor": ["knn"]})]
    with pytest.raises(UserError, match="results of search and prediction studies cannot be put"):
        merge_results(both)


def test_a_changed_strategy_does_not_replace_results_silently(
    reference: Path, in_maze: Path, tmp_path: Path
) -> None:
    import shutil

    run = Path(shutil.copytree(reference, tmp_path / "copy"))
    changed: dict[str, Any] = {**TREES, "refit_every": 3}
    study = search_study(strategies=[changed], objectives=["maze.toml:latency"])
    with pytest.raises(UserError, match=r"2 cells(?s:.)*refit_every was 5, is 3(?s:.)*--update"):
        run_study(study, out=run)


def test_many_rows_stay_small(tmp_path: Path, reference: Path) -> None:
    """A table of the size of a published study: 1,000 searches of 150 evaluations."""
    rng = np.random.default_rng(0)
    one = load_results(reference).query("strategy == 'random' and seed == 0")
    one = pd.concat([one] * 8, ignore_index=True).iloc[:150]
    many = pd.concat([one] * 1000, ignore_index=True)
    many["key"] = pd.Categorical(np.repeat([f"{n:040x}" for n in range(1000)], 150))
    many["seed"] = np.repeat(np.arange(1000, dtype=np.int32), 150)
    for name in ("simulated_seconds", "overhead_seconds"):
        many[name] = rng.random((1000, 150)).cumsum(axis=1).ravel().astype(np.float32)
    many["value"] = rng.choice(rng.normal(size=5000), len(many))
    for name in one.columns[one.dtypes == "category"]:
        many[name] = many[name].astype("category")
    assert save_frame(many, tmp_path).stat().st_size < 2_000_000
