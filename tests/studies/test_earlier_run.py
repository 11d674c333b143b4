"""A run folder with one file per cell, as versions before segments left it, is one like any."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from in_process import in_process

from surrobench import run_study
from surrobench.studies.prediction import plan as grid
from surrobench.studies.run_folder.agreement import disagreements
from surrobench.studies.run_folder.merging import merge
from surrobench.studies.run_folder.plan_file import read_plan_file
from surrobench.studies.run_folder.store import ResultStore
from surrobench.studies.run_folder.tally import Tally
from surrobench.studies.run_folder.view import load_results

__all__ = ["in_process"]

LEFT = Path(__file__).with_name("earlier_run")
HASH = "209ee57645bd35f47b3d2e51c980c8850374ef05051cf703f5176f032612145d"
"""What ``surrobench hash`` of that version said of it."""


@pytest.fixture
def earlier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(LEFT, tmp_path / "earlier")
    monkeypatch.chdir(tmp_path / "earlier")
    version = read_plan_file(LEFT / "run").version
    monkeypatch.setattr(grid, "NUMBERS_VERSION", version)  # its cells, whatever it is by now
    return tmp_path / "earlier" / "run"


def test_it_is_read_as_it_lies(earlier: Path) -> None:
    tally = Tally.of(earlier)
    assert (tally.digest, tally.finished, tally.missing, tally.damaged) == (HASH, 4, 0, ())
    assert load_results(earlier)["status"].tolist() == ["ok", "unavailable"] * 2
    assert not (earlier / "segments").exists()


def test_it_goes_on_and_is_packed(earlier: Path, in_process: list[int]) -> None:
    before = load_results(earlier)
    pd.testing.assert_frame_equal(run_study("study.toml", out=earlier), before)
    assert in_process == []
    assert [path.name for path in (earlier / "segments").iterdir()] == ["00000001.jsonl"]
    assert list((earlier / "cells").iterdir()) == []
    assert Tally.of(earlier).digest == HASH
    assert disagreements(earlier, LEFT / "run") == []
    frame = run_study("study.toml", out=earlier, seeds=3)
    assert (in_process, len(frame)) == ([2], 6)
    assert ResultStore(earlier).finished_keys() > ResultStore(LEFT / "run").finished_keys()


def test_it_is_a_part_of_its_study(earlier: Path, tmp_path: Path, in_process: list[int]) -> None:
    now = tmp_path / "now"  # packed; computed anew, its last bits would be those of this processor
    shutil.copytree(earlier, now)
    run_study("study.toml", out=now, shard="1/2")
    assert in_process == []
    merged = merge(tmp_path / "out", [now, earlier])
    assert (merged.tally.digest, merged.tally.missing) == (HASH, 0)
