from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from surrobench.errors import UserError
from surrobench.report import write_report
from surrobench.report.common.records import REQUIRED
from surrobench.report.prediction import writer

TASK = "nb201/cifar10-val"


@pytest.fixture
def small(frame: pd.DataFrame) -> pd.DataFrame:
    """Two tasks × four predictors × two sizes."""
    chosen = frame["predictor"].isin(["svr", "gp-rbf", "mlp-ensemble", "constant"])
    tasks = frame["task"] != "nb201/in16-test"
    return frame[chosen & tasks & frame["train_size"].isin([25, 800])].reset_index(drop=True)


def names(paths: list[Path]) -> set[str]:
    return {path.name for path in paths}


@pytest.mark.slow
def test_everything_is_written_and_listed(small: pd.DataFrame, tmp_path: Path) -> None:
    paths = write_report(small, tmp_path / "report")
    assert all(path.is_file() for path in paths)
    assert names(paths) >= {
        "report.md",
        "summary.csv",
        "summary.tex",
        "summary.md",
        "kendall_tau-n800.tex",
        "kendall_tau-curves.pdf",
        "kendall_tau-curves.png",
        "kendall_tau-curves.csv",
        "kendall_tau-ranking-n800.pdf",
        "kendall_tau-heat-map-n800.pdf",
        "calibration-n800.pdf",
    }
    assert {path.name for path in (tmp_path / "report").iterdir()} == {
        *("report.md", "report.html", "report.tex", "appendix.tex", "figures", "tables")
    }
    page = paths[0].read_text(encoding="utf-8")
    links = set(re.findall(r"\]\(([^)]+)\)", page))
    assert "figures/kendall_tau-curves.png" in links
    assert all((tmp_path / "report" / link).is_file() for link in links)
    assert paths[0].name == "report.md"
    assert all(path.name in page for path in paths[1:] if path.name != "report.html")
    assert "timeout | stopped after 600 s" in page
    assert "Seeds behind each mean: 8 to 10" in page


@pytest.mark.slow
def test_tables_only(small: pd.DataFrame, tmp_path: Path) -> None:
    paths = write_report(small, tmp_path, formats=("tex",), measure="crps")
    assert {path.suffix for path in paths} == {".md", ".html", ".csv", ".tex"}
    assert "crps-n25.tex" in names(paths)


def first(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[(frame["task"] == TASK) & (frame["train_size"] == 25)]


CASES = {
    "one record": lambda f: f.head(1),
    "one predictor": lambda f: f[f["predictor"] == "svr"],
    "one size": lambda f: f[f["train_size"] == 25],
    "one task": lambda f: f[f["task"] == TASK],
    "one task and size": first,
    "only the constant": lambda f: f[f["predictor"] == "constant"],
    "ranking only": lambda f: f[[*REQUIRED, "kendall_tau"]],
    "no sharpness": lambda f: f.drop(columns="sharpness"),
    "no uncertainty": lambda f: f.drop(columns=["coverage_50", "nll", "crps", "sharpness"]),
    "no examples at all": lambda f: f.assign(train_size=f["train_size"] - 25),
    "no tau": lambda f: f.drop(columns="kendall_tau"),
    "infinite": lambda f: f.assign(nll=np.inf, kendall_tau=np.where(f["seed"] < 3, np.inf, 0.1)),
    "tasks with other methods": lambda f: f[(f["task"] == TASK) == (f["predictor"] == "svr")],
    "tasks with other sizes": lambda f: f[(f["task"] == TASK) == (f["train_size"] == 25)],
    "a task failed": lambda f: f.assign(status=np.where(f["task"] == TASK, "failed", f["status"])),
    "a size failed": lambda f: f.assign(status=np.where(f["train_size"] == 25, "oom", f["status"])),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_whatever_the_records_support(small: pd.DataFrame, tmp_path: Path, case: str) -> None:
    frame = CASES[case](small)  # type: ignore[no-untyped-call]
    drawn = ("png",) if case in ("one record", "infinite") else ()
    paths = write_report(frame, tmp_path, formats=("tex", "md", *drawn))
    assert names(paths) >= {"report.md", "summary.csv", "summary.tex"}
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<h1" in text
    if case == "one record":
        no_interval_in(text)


def no_interval_in(page: str) -> None:
    assert 'class="half"' not in page
    assert '"lo"' not in page


@pytest.mark.slow
def test_one_seed_has_no_interval(small: pd.DataFrame, tmp_path: Path) -> None:
    write_report(small[small["seed"] == 5], tmp_path, formats=("md", "tex"))
    assert "±" not in (tmp_path / "tables" / "summary.md").read_text(encoding="utf-8")
    assert "\\srhalf{" not in (tmp_path / "tables" / "summary.tex").read_text(encoding="utf-8")
    assert pd.read_csv(tmp_path / "tables" / "summary.csv")["kendall_tau_ci95"].isna().all()
    assert "One seed says nothing about chance" in (tmp_path / "report.md").read_text("utf-8")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "<h1" in page
    no_interval_in(page)


@pytest.mark.slow
def test_all_failed(small: pd.DataFrame, tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script>"
    frame = small.assign(status="failed", reason=hostile, kendall_tau=np.nan)
    paths = write_report(frame, tmp_path)
    assert names(paths) == {"report.md", "report.html", "summary.csv"}
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "of which 0 have results" in page
    assert "<script>" not in page
    assert hostile not in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert pd.read_csv(tmp_path / "tables" / "summary.csv")["failed"].sum() == len(frame)


@pytest.mark.slow
def test_many_tasks_are_continued_on_further_pages(small: pd.DataFrame, tmp_path: Path) -> None:
    one = small[(small["task"] == TASK) & small["predictor"].isin(["svr", "gp-rbf"])]
    many = pd.concat([one.assign(task=f"task-{i}") for i in range(14)])
    found = names(write_report(many, tmp_path, formats=()))
    assert {"kendall_tau-curves-1.csv", "kendall_tau-curves-2.csv"} <= found
    assert "kendall_tau-heat-map-n800.csv" in found


@pytest.mark.slow
def test_of_hundreds_of_tasks_none_has_a_panel_of_its_own(
    small: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MOST_DRAWN_TASKS", 10)
    one = small[(small["task"] == TASK) & small["predictor"].isin(["svr", "gp-rbf"])]
    many = pd.concat([one.assign(task=f"task-{i}") for i in range(14)])
    found = names(write_report(many, tmp_path, formats=()))
    assert not [name for name in found if "curves" in name or "axes" in name]
    assert {"kendall_tau-heat-map-n800.csv", "summary.csv"} <= found
    assert "there are 14, and up to 10 are drawn" in (tmp_path / "report.md").read_text()


def test_bad_requests(small: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"unknown report format 'pfd'\. Did you mean 'pdf'"):
        write_report(small, tmp_path, formats=("pfd",))
    with pytest.raises(UserError, match="unknown measure 'tau'"):
        write_report(small, tmp_path, measure="tau")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write the report to .*file"):
        write_report(small, tmp_path / "file", formats=())


@pytest.mark.slow
def test_reports_need_neither_torch_nor_a_display(tmp_path: Path) -> None:
    code = (
        "import sys, surrobench.report\n"
        "assert not {'pandas', 'matplotlib', 'scipy'} & set(sys.modules)\n"
        "import surrobench.report.prediction.writer, surrobench.report.prediction.terminal\n"
        "assert not {'torch', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
