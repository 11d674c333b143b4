"""The same verbs for searches: plan, run, status, report and verify."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Command, command_line
from in_process import in_process
from search_toy import search_study

from surrobench.studies.search.config import SearchStudy

__all__ = ["in_process"]


@pytest.fixture
def surrobench(
    in_maze: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Runs a command line in this process, in the folder of the toy table, without figures."""
    study = SearchStudy.read(search_study(objectives=["maze.toml:latency"]))
    (in_maze / "search.toml").write_text(study.to_toml())
    return command_line(monkeypatch, capsys, "write_search_report")


def test_strategies_and_acquisitions_are_listed(surrobench: Command) -> None:
    assert "regularised-evolution  " in surrobench("list", "strategies").out
    assert "log-ei" in surrobench("list", "acquisitions").out
    assert "search-quickstart" in surrobench("list", "studies").out


def test_a_dry_run_tells_the_plan_and_leaves_no_trace(surrobench: Command, maze: Path) -> None:
    done = surrobench("run", "search.toml", "--dry-run", "--out", "dry", "--strategy", "bayesian")
    assert done.status == 0, done.err
    assert "study        maze-study (search)" in done.out
    assert "budget       20 evaluations, 5 of them to begin with" in done.out
    assert "objectives   maze.toml:latency" in done.out
    parts = "gp-mixed+quantile-normal, categorical+numeric, log-ei"
    assert f"strategy     bayesian [{parts}]: 2 cells" in done.out
    assert "cells        2, of which 0 are finished" in done.out
    assert not (maze / "dry").exists()


@pytest.mark.slow
def test_a_run_from_start_to_report(surrobench: Command, maze: Path) -> None:
    first = surrobench("run", "search.toml", "--out", "runs/s", "--limit", "3", "--workers", "1")
    assert first.status == 3, first.err
    assert "1 cell is still to do" in first.err
    assert "3 of 4 cells finished (75%)" in surrobench("status", "runs/s").out

    arguments = ("run", "search.toml", "--out", "runs/s", "--workers", "1")
    second = surrobench(*arguments, "--add-strategy", "wild:Raises")
    assert second.status == 2, second.err
    assert "3 cells to compute (3 are finished already)" in second.err
    assert "local-search" in second.out
    assert "RuntimeError: no way" in second.out
    assert "runs/s/results.parquet" in second.out
    assert (maze / "runs/s/report/report.md").is_file()
    assert (maze / "runs/s/fronts.csv").is_file()

    status = surrobench("status", "runs/s")
    assert "6 of 6 cells finished" in status.out
    assert "4 ok, 2 failed" in status.out
    assert "2 × wild:Raises: failed: RuntimeError: no way" in status.err

    report = surrobench("report", "runs/s", "runs/s/results.parquet", "--out", "both")
    assert report.status == 0, report.err
    assert (maze / "both" / "report.md").is_file()
    assert "6 records are intact, 0 damaged." in surrobench("verify", "runs/s").out


def test_a_run_without_a_single_success_is_an_error(
    surrobench: Command, in_process: list[int]
) -> None:
    done = surrobench(
        *("run", "search.toml", "--out", "runs/none", "--strategy", "wild:Raises"),
        *("--seeds", "1", "--workers", "1"),
    )
    assert done.status == 2
    assert "no cell succeeded" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--strategy", "randon"], "unknown strategy 'randon'. Did you mean 'random'"),
        (["--strategy", "wild:Raise"], "no attribute 'Raise'. Did you mean 'Raises'"),
        (["--set", "evaluations=0"], "evaluations: 0 must be a whole number"),
        (["--set", "train_sizes=[3]"], "a search study has no key 'train_sizes'"),
        (["--set", "initial=30"], "initial = 30 does not fit evaluations = 20"),
        (["--add-predictor", "knn"], "leaves predictors to its strategies"),
        (["--task", "maze.toml:latency", "--strategy", "hyperband"], "is the task itself"),
    ],
)
def test_mistakes_get_one_clear_message(
    surrobench: Command, arguments: list[str], message: str
) -> None:
    done = surrobench("run", "search.toml", "--out", "runs/wrong", *arguments)
    assert done.status == 1
    assert done.out == ""
    assert done.err.startswith("Error: ")
    assert "Traceback" not in done.err
    assert message in done.err
