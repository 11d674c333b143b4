"""One figure of a run, and what to cite for it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from command_line import Command, command_line
from scipy import stats
from search_toy import search_study
from toy import toy_study

from surrobench.studies.cell_lookup import cell_of
from surrobench.studies.config import build_study
from surrobench.studies.prediction import predictions
from surrobench.studies.search_config import build_search


@pytest.fixture
def predicted(
    in_toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """The command line beside the finished run ``runs/p``."""
    call = command_line(monkeypatch, capsys, "write_report")
    (in_toy / "p.toml").write_text(build_study(toy_study(predictors=["knn", "svr"])).to_toml())
    assert call("run", "p.toml", "--out", "runs/p", "--workers", "1").status == 0
    return call


@pytest.fixture
def searched(
    in_maze: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """The command line beside the finished run ``runs/one``."""
    call = command_line(monkeypatch, capsys, "write_search_report")
    (in_maze / "one.toml").write_text(build_search(search_study()).to_toml())
    assert call("run", "one.toml", "--out", "runs/one", "--workers", "1").status == 0
    return call


def test_figures_of_predictions(predicted: Command, tmp_path: Path) -> None:
    for kind, file in (("curves", "c.pdf"), ("predictions", "p.svg"), ("proxies", "x.png")):
        done = predicted("plot", "runs/p", "--kind", kind, "--out", str(tmp_path / file))
        assert done.status == 0, done.err
        assert (tmp_path / file).stat().st_size > 1000


def test_a_cell_computed_again_gives_the_recorded_score(predicted: Command, toy: Path) -> None:
    row = pd.read_parquet(toy / "runs/p/results.parquet").iloc[0]
    cell = cell_of([toy / "runs/p"], {str(name): row[name] for name in row.index})
    again = predictions(cell)
    tau = stats.kendalltau(again["truth"], again["prediction"]).statistic
    assert tau == pytest.approx(row["kendall_tau"], abs=1e-12)


def test_figures_of_searches(searched: Command, tmp_path: Path) -> None:
    for kind in ("curves", "quantiles", "proxies"):
        out = tmp_path / f"{kind}.svg"
        done = searched("plot", "runs/one", "--kind", kind, "--size", "ieee", "--out", str(out))
        assert done.status == 0, done.err
        assert out.read_text().startswith("<?xml")


def test_mistakes_are_sentences(predicted: Command) -> None:
    for arguments, words in (
        (("--kind", "curve"), "curves"),
        (("--kind", "curves", "--size", "a4"), "unknown size 'a4'"),
        (("--kind", "curves", "--format", "gif"), "unknown format 'gif'"),
        (("--kind", "curves", "--method", "kn"), "knn"),
        (("--kind", "predictions", "--train-size", "9"), "no cell with a result"),
    ):
        done = predicted("plot", "runs/p", *arguments)
        assert done.status == 1
        assert words in done.err
        assert "Traceback" not in done.err


def test_what_to_cite(predicted: Command) -> None:
    done = predicted("cite", "runs/p")
    assert done.status == 0
    assert "@inproceedings{drucker1997svr," in done.out
    assert "% for svr" in done.out
    assert "No publication is known for: toy/accuracy" in done.err


def test_strategies_are_cited_by_what_their_labels_stand_for(searched: Command) -> None:
    done = searched("cite", "runs/one")
    assert "white2021local" in done.out
    assert "li2019random" in done.out
