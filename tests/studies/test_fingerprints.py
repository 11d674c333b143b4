"""Tasks of one name that hold different data are never put together."""

from __future__ import annotations

from pathlib import Path

import pytest

from surrobench.errors import UserError
from surrobench.studies.run_folder.fingerprints import other_data, refuse_other_data
from surrobench.studies.run_folder.plan_file import PlannedCells


def run_of(folder: Path, **tasks: str) -> Path:
    folder.mkdir(parents=True)
    PlannedCells(ingredients={"tasks": {f"mine/{name}": f for name, f in tasks.items()}}).save(
        folder
    )
    return folder


def test_runs_on_different_data_under_one_name_are_refused(tmp_path: Path) -> None:
    a = run_of(tmp_path / "a", acc="1", latency="2")
    b = run_of(tmp_path / "b", acc="3", latency="2")
    c = run_of(tmp_path / "c", acc="1")
    refuse_other_data([a, c])
    with pytest.raises(UserError) as caught:
        refuse_other_data([a, b, c])
    assert f"mine/acc is different data in {a}, {c} and {b}" in str(caught.value)
    assert "latency" not in str(caught.value)


def test_a_results_file_speaks_for_its_folder_and_no_plan_says_nothing(tmp_path: Path) -> None:
    a, b = run_of(tmp_path / "a", acc="1"), run_of(tmp_path / "b", acc="3")
    (b / "results.parquet").touch()
    assert list(other_data([a, b / "results.parquet"])) == ["mine/acc"]
    (tmp_path / "c").mkdir()
    assert other_data([a, tmp_path / "c"]) == {}
