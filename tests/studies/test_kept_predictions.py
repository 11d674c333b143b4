"""What a run keeps for its report is what the report would compute, or it computes it."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from in_process import compute_all_here, in_process
from toy import toy_study

from surrobench import report, run_study
from surrobench.reporting import task_figures
from surrobench.reporting.lookup import cell_of
from surrobench.studies import runner
from surrobench.studies.engine.executor import Limits
from surrobench.studies.engine.forks import Forks
from surrobench.studies.engine.in_fork import computed_in_fork
from surrobench.studies.prediction.cell import predictions
from surrobench.studies.prediction.kept_predictions import (
    COMPUTED,
    FOLDER,
    keep_predictions,
    read_predictions,
)
from surrobench.studies.prediction.kind import PREDICTION
from surrobench.studies.prediction.plan import Cell

__all__ = ["in_process"]


def nothing(cell: Cell) -> None:
    """Cannot compute a cell."""


@pytest.fixture(autouse=True)
def here(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The card of the toy task lies in the current folder."""
    monkeypatch.chdir(toy)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Cells are computed here instead of in a fork; the keys of those that were."""
    keys: list[str] = []

    def here(forks: Forks, modules: object, target: str, cell: Cell, limits: Limits) -> object:
        keys.append(cell.key)
        return predictions(cell)

    monkeypatch.setattr(runner, "computed_in_fork", here)
    return keys


@pytest.fixture
def run(tmp_path: Path, in_process: list[int], computed: list[str]) -> Path:
    folder = tmp_path / "run"
    run_study(toy_study(predictors=["knn", "constant"]), out=folder, progress=False)
    return folder


@pytest.mark.slow
def test_a_run_keeps_the_predictions_that_its_report_shows(
    run: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {path.name: path.read_bytes() for path in report(run, run / "first").paths}
    (path,) = (run / FOLDER).glob("*.parquet")
    assert [path.stem] == computed
    kept = read_predictions([run], path.stem)
    assert kept is not None
    row = pd.read_parquet(run / "results.parquet").set_index("key", drop=False).loc[path.stem]
    assert kept.equals(pd.DataFrame(predictions(cell_of([run], row.to_dict()))))
    path.unlink()
    again = {path.name: path.read_bytes() for path in report(run, run / "second").paths}
    assert made["predictions.csv"] == again["predictions.csv"]
    assert made["predictions.tex"] == again["predictions.tex"]
    assert made["predictions.png"] == again["predictions.png"]


@pytest.mark.slow
def test_a_report_of_kept_predictions_computes_none(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> pd.DataFrame:
        raise AssertionError("was computed again")

    monkeypatch.setattr(task_figures, "_computed", refuse)
    names = {path.name for path in report(run, detail="full").paths}
    assert "predictions.csv" in names


def test_damaged_predictions_are_not_shown(run: Path) -> None:
    (path,) = (run / FOLDER).glob("*.parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert read_predictions([run], path.stem) is None


def test_predictions_of_a_cell_that_is_no_longer_shown_go(run: Path, computed: list[str]) -> None:
    (before,) = (run / FOLDER).glob("*.parquet")
    frame = pd.read_parquet(run / "results.parquet")
    others = frame[frame["key"] != before.stem]
    keep_predictions(nothing, others, [], run)
    assert not list((run / FOLDER).iterdir())


def test_nothing_is_kept_where_nothing_can_be_forked_or_shown(
    tmp_path: Path, in_process: object
) -> None:
    folder = tmp_path / "run"
    frame = run_study(toy_study(predictors=["constant"]), out=folder, progress=False)
    keep_predictions(nothing, frame.drop(columns="kendall_tau"), [], folder)
    assert not (folder / FOLDER).exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="there is a template on Linux alone")
def test_a_fork_computes_what_this_process_does(toy: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    study = toy_study(predictors=["knn", "constant"])
    with pytest.MonkeyPatch.context() as patch:
        compute_all_here(patch)
        frame = run_study(study, out=folder, progress=False)
    cells = PREDICTION.plan(PREDICTION.build(study), toy).cells
    with closing(Forks(PREDICTION.worker_target, allowed=True)) as forks:
        forks.begin()

        def compute(cell: Cell) -> Any:
            modules = PREDICTION.modules([cell])
            return computed_in_fork(forks, modules, COMPUTED, cell, Limits(None, None))

        keep_predictions(compute, frame, cells, folder)
    (path,) = (folder / FOLDER).glob("*.parquet")
    (cell,) = (cell for cell in cells if cell.key == path.stem)
    found = read_predictions([folder], path.stem)
    assert found is not None
    assert found.equals(pd.DataFrame(predictions(cell)))
