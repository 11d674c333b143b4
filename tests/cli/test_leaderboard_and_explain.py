"""Everything that was run put together, and what a predictor has learned."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from command_line import Command, command_line, run_here
from toy import toy_study

from surrobench.studies.prediction.config import Study


@pytest.fixture
def surrobench(
    in_toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return command_line(monkeypatch, capsys, "write_report")


@pytest.fixture(scope="module")
def runs(toy: Path) -> Path:
    """A folder with two finished runs, and one folder that holds no results."""
    folder = toy / "board"
    for name, predictors in (("first", ["knn"]), ("second/deep", ["svr", "bayesian-ridge"])):
        study = Study.read(toy_study(predictors=predictors, train_sizes=[8]))
        (toy / "board.toml").write_text(study.to_toml())
        run_here(toy, "run", "board.toml", "--out", str(folder / name), "--report", "none")
    (folder / "broken" / "cells").mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.slow
def test_runs_at_any_depth_are_ranked_together(surrobench: Command, runs: Path) -> None:
    done = surrobench("leaderboard", str(runs), "--out", "ranked")
    assert done.status == 0, done.err
    assert "2 runs, 6 rows" in done.out
    assert "Left out broken: " in done.err
    assert "leaderboard.html" in done.out
    table = pd.read_csv("ranked/leaderboard.csv")
    ranks = table[table["axis"] == "ranking"].set_index("method")["mean_rank"]
    assert sorted(ranks) == [1, 2, 3]
    assert set(ranks.index) == {"knn", "svr", "bayesian-ridge"}
    text = Path("ranked/leaderboard.md").read_text(encoding="utf-8")
    assert "signs flipped table by table" in text


def test_a_folder_without_runs_is_said(surrobench: Command, tmp_path: Path) -> None:
    done = surrobench("leaderboard", str(tmp_path))
    assert done.status == 1
    assert "there is no run below this folder" in done.err
    done = surrobench("leaderboard", str(tmp_path / "nowhere"))
    assert done.status == 1
    assert "there is no such folder" in done.err


@pytest.mark.slow
def test_two_runs_make_one_report(surrobench: Command, runs: Path) -> None:
    done = surrobench("report", str(runs / "first"), str(runs / "second/deep"), "--out", "together")
    assert done.status == 0, done.err
    summary = pd.read_csv("together/tables/summary.csv")
    assert set(summary["predictor"]) == {"knn", "svr", "bayesian-ridge"}
    page = Path("together/report.html").read_text(encoding="utf-8")
    assert "surrobench run" in page
    # the tables are at hand: what they say is in the report, and what they lack is said
    assert Path("together/figures/proxies.csv").is_file()
    assert len(pd.read_csv("together/figures/predictions.csv")) == 256 - 8
    overview = Path("together/report.md").read_text(encoding="utf-8")
    assert "Learning curves: toy/accuracy: toy/accuracy keeps no values" in overview.replace(
        "\\", ""
    )
    assert "Not shown" in page


@pytest.mark.slow
def test_without_the_tables_a_report_says_what_is_missing(
    surrobench: Command, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = (runs / "first" / "results.parquet").read_bytes()
    (tmp_path / "results.parquet").write_bytes(results)
    monkeypatch.chdir(tmp_path)
    done = surrobench("report", "results.parquet")
    assert done.status == 0, done.err
    text = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert "Proxies: toy/accuracy: " in text
    assert "Predictions: toy/accuracy: " in text
    assert not (tmp_path / "report/figures/proxies.csv").exists()


@pytest.mark.slow
def test_a_task_is_explained(surrobench: Command) -> None:
    arguments = ("--train-size", "24", "--seeds", "1", "--out", "told")
    done = surrobench("explain", "toy.toml:accuracy", "--predictor", "bayesian-ridge", *arguments)
    assert done.status == 0, done.err
    page = Path("told/explanation.html").read_text(encoding="utf-8")
    assert "What bayesian-ridge learns about toy/accuracy" in page
    assert "surrobench explain toy.toml:accuracy" in page
    assert "Versions, threads and machine" in page
    assert "mackay1992interpolation" in page
    assert "lundberg2017shap" in page
    assert "CC0-1.0" in page
    features = pd.read_csv("told/figures/importance.csv")
    assert {"a", "b", "c", "op"} <= set(features["feature"])
    assert not (features["tau_loss_sd"].notna()).any()  # one training set: no spread


def test_wrong_questions_are_sentences(surrobench: Command) -> None:
    for arguments, words in (
        (("explain", "nb20/cifar10"), "nb201"),
        (("explain", "toy.toml:accuracy", "--predictor", "xgbost"), "xgboost"),
        (("explain", "toy.toml:accuracy", "--train-size", "9999"), "with --train-size."),
    ):
        done = surrobench(*arguments, "--seeds", "1")
        assert done.status == 1
        assert words in done.err
        assert "Traceback" not in done.err
