"""The report of a run in Python is that of the command, and says what the command says."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest
from command_line import command_line
from in_process import in_process
from toy import toy_study

import surrobench
from surrobench.errors import UserError
from surrobench.reporting import reports

__all__ = ["in_process"]


def made_files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_python_makes_what_the_command_makes(
    in_toy: Path,
    in_process: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    surrobench.run_study(toy_study(train_sizes=[16]), out="told", retry_failed=False)
    victim = next((in_toy / "told/segments").iterdir())
    victim.write_bytes(victim.read_bytes()[:-5])
    command = command_line(monkeypatch, capsys, "write_report")
    said = command("report", "told", "--out", "commanded")
    made = surrobench.report("told", "called")
    assert {path.resolve() for path in made.paths} < set((in_toy / "called").rglob("*"))
    assert made_files(in_toy / "called") == made_files(in_toy / "commanded")
    assert [path.name for path in made.paths[:2]] == ["report.html", "report.md"]
    (damaged,) = made.damaged  # one record of the segment
    assert (damaged.parent, said.status) == (victim.relative_to(in_toy), 4)
    one = surrobench.report(["told"], methods=["knn"], detail="none")
    assert (one.folder, one.paths) == (Path("told/report"), ())
    with pytest.raises(UserError, match="'knm'"):
        surrobench.report("told", methods=["knm"])
    with pytest.raises(UserError, match="'shrot'"):
        surrobench.report("told", detail="shrot")


def test_the_example_runs() -> None:
    done = doctest.testmod(reports)
    assert (done.failed, done.attempted > 0) == (0, True)


def test_the_package_of_figures_keeps_its_name() -> None:
    from surrobench import report
    from surrobench.report import Exhibit

    assert report.Exhibit is Exhibit
    assert report.__name__ == "surrobench.report"
