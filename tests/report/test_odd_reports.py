"""Whole reports of runs that lack something: page, LaTeX, tables; nothing is made up."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from odd_runs import PREDICTIONS, SEARCHES
from prediction_frames import make_frame
from search_frames import study

from surrobench.report import write_report, write_search_report

CASES = ("one seed", "one method", "one task", "no process", "two runs", "all failed")
SKELETON = Path(__file__).parents[2] / "examples" / "paper" / "paper.tex"
INTERVAL = re.compile(r"±|\\srhalf\{")


@pytest.fixture(scope="module")
def predicted() -> pd.DataFrame:
    tasks = ("nb201/cifar10-val", "nb201/in16-test")
    return make_frame(tasks, ("svr", "gp-rbf", "knn"), (50,), seeds=7)


@pytest.fixture(scope="module")
def searched() -> pd.DataFrame:
    return study(("random", "gp ei", "genetic"), seeds=6, evaluations=6)


def read(folder: Path) -> dict[str, str]:
    names = ("report.html", "report.md", "report.tex", "appendix.tex")
    return {
        name: (folder / name).read_text(encoding="utf-8")
        for name in names
        if (folder / name).exists()
    }


def sensible(folder: Path, case: str, failed: str) -> None:
    """What holds for every report, and what for this one."""
    files = read(folder)
    assert {"report.html", "report.md"} <= set(files)
    assert "Traceback" not in "".join(files.values())
    assert "<script>" not in files["report.md"]
    tables = list(folder.glob("*/*.tex"))
    text = "".join(path.read_text(encoding="utf-8") for path in tables)
    assert not re.search(r"\bnan\b", text)
    if case == "all failed":
        assert not tables
        assert failed in files["report.html"]
    else:
        assert "report.tex" in files
        assert r"\section{Reproducibility}" in files["appendix.tex"]
    # Of regrets no interval of a mean holds with so few runs, of correlations it does.
    searched = any("regret" in path.name for path in tables)
    if case in ("one seed", "all failed") or searched:
        assert not INTERVAL.search(text)
    else:
        assert INTERVAL.search(text)
    if case == "one method":
        assert not list(folder.rglob("*ranks*diagram*"))
        assert not list(folder.rglob("*against-best*"))
        assert not list(folder.rglob("*in-practice*"))
    if case.startswith("failed"):
        assert failed in files["report.html"]
        assert failed.lower() in files["report.md"].lower()


@pytest.mark.slow
@pytest.mark.parametrize("case", [*CASES, "failed cells"])
def test_predictions(predicted: pd.DataFrame, case: str, tmp_path: Path) -> None:
    write_report(PREDICTIONS[case](predicted), tmp_path, ("tex", "md"))
    sensible(tmp_path, case, "without a result" if case.startswith("failed") else "failed")
    if case == "one task":
        assert not list(tmp_path.rglob("*heat-map*"))


@pytest.mark.slow
@pytest.mark.parametrize("case", [*CASES, "failed runs"])
def test_searches(searched: pd.DataFrame, case: str, tmp_path: Path) -> None:
    write_search_report(SEARCHES[case](searched), tmp_path, ("tex", "md"))
    sensible(tmp_path, case, "broke off" if case.startswith("failed") else "stopped after 60 s")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("case", ["one seed", "failed cells"])
def test_the_paper_of_an_odd_run_compiles(
    predicted: pd.DataFrame, case: str, tmp_path: Path
) -> None:
    write_report(PREDICTIONS[case](predicted), tmp_path / "report", ("tex",))
    shutil.copy(SKELETON, tmp_path / "paper.tex")
    latex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper"]
    for _ in range(2):
        done = subprocess.run(latex, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode("latin-1")[-2000:]
    assert "undefined references" not in (tmp_path / "paper.log").read_text("latin-1")
