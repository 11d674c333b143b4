"""One figure of a run, and what to cite for it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from command_line import Command, command_line, run_here
from scipy import stats
from search_toy import search_study
from toy import toy_study

from surrobench.errors import UserError
from surrobench.reporting.lookup import cell_of
from surrobench.studies.prediction.cell import predictions
from surrobench.studies.prediction.config import Study
from surrobench.studies.prediction.typical_cell import typical_cell
from surrobench.studies.search.config import SearchStudy


@pytest.fixture(scope="module")
def run_of_predictions(toy: Path) -> Path:
    (toy / "p.toml").write_text(Study.read(toy_study(predictors=["knn", "svr"])).to_toml())
    run_here(toy, "run", "p.toml", "--out", "runs/p", "--report", "none")
    return toy


@pytest.fixture
def predicted(
    run_of_predictions: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """The command line beside the finished run ``runs/p``."""
    monkeypatch.chdir(run_of_predictions)
    return command_line(monkeypatch, capsys, "write_report")


@pytest.fixture(scope="module")
def run_of_searches(maze: Path) -> Path:
    (maze / "one.toml").write_text(SearchStudy.read(search_study()).to_toml())
    run_here(maze, "run", "one.toml", "--out", "runs/one", "--report", "none")
    return maze


@pytest.fixture
def searched(
    run_of_searches: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """The command line beside the finished run ``runs/one``."""
    monkeypatch.chdir(run_of_searches)
    return command_line(monkeypatch, capsys, "write_search_report")


@pytest.mark.slow
def test_figures_of_predictions(predicted: Command, tmp_path: Path) -> None:
    for kind, file in (("curves", "c.pdf"), ("predictions", "p.svg"), ("proxies", "x.png")):
        done = predicted("plot", "runs/p", "--kind", kind, "--out", str(tmp_path / file))
        assert done.status == 0, done.err
        assert (tmp_path / file).stat().st_size > 1000


ALWAYS = ("predictions", "curves", "ranking", "heat-map", "iqm-curves", "quantiles", "targets")
OF_TASKS = ("proxies", "architectures", "learning-curves")


@pytest.mark.slow
@pytest.mark.parametrize(("fixture", "run"), [("predicted", "runs/p"), ("searched", "runs/one")])
def test_the_kinds_of_figures_that_a_run_has_are_listed_and_can_be_drawn(
    request: pytest.FixtureRequest, fixture: str, run: str, tmp_path: Path
) -> None:
    call: Command = request.getfixturevalue(fixture)
    listed = call("plot", run).out.split()
    assert {"curves", "proxies"} <= set(listed)
    for kind in set(listed) - {*OF_TASKS, *ALWAYS}:
        done = call("plot", run, "--kind", kind, "--out", str(tmp_path / "x.svg"))
        assert done.status == 0, (kind, done.err)
    done = call("plot", run, "--kind", "fronts")
    assert done.status == 1
    told = " ".join(done.err.split())
    assert f"This run has: {', '.join(listed)}." in told
    assert "Valid names" not in told
    assert call("plot", "live/digits-chain").out.split() == list(OF_TASKS)


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


def test_a_task_alone_is_drawn(predicted: Command, tmp_path: Path) -> None:
    out = tmp_path / "c.svg"
    arguments = ("--kind", "learning-curves", "--top", "2", "--out", str(out))
    done = predicted("plot", "live/digits-chain", *arguments)
    assert done.status == 0, done.err
    assert out.read_text().startswith("<?xml")
    done = predicted("plot", "toy.toml:accuracy", "--kind", "learning-curves")
    assert (done.status, "keeps no values during training" in done.err) == (1, True)
    done = predicted("plot", "live/digits-chain", "--kind", "ranking")
    assert (done.status, "a task alone has no figure" in done.err) == (1, True)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_trainings_are_drawn_from_a_file(
    predicted: Command, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame(
        {"arch": "a", "seed": [0, 0, 1, 1], "epoch": [1, 2] * 2, "train_mae": 1.0, "accuracy": 0.5}
    )
    file = tmp_path / f"trainings.{form}"
    frame.to_csv(file, index=False) if form == "csv" else frame.to_parquet(file)
    monkeypatch.chdir(tmp_path)
    done = predicted("plot", str(file), "--kind", "learning-curves", "--format", "png")
    assert done.status == 0, done.err
    assert (tmp_path / "learning-curves.png").stat().st_size > 1000
    frame.drop(columns="epoch").to_csv(tmp_path / "wrong.csv", index=False)
    done = predicted("plot", str(tmp_path / "wrong.csv"), "--kind", "learning-curves")
    assert (done.status, "lacks the column(s) epoch" in done.err) == (1, True)


def test_the_seed_of_predictions_is_typical_and_not_the_luckiest() -> None:
    rows = pd.DataFrame(
        {
            "predictor": ["a"] * 3 + ["b"] * 3,
            "transform": "none",
            "encoding": "one-hot",
            "train_size": 8,
            "seed": [0, 1, 2] * 2,
            "status": "ok",
            "kendall_tau": [0.5, 0.7, 0.6, 0.9, 0.1, 0.2],
            "cpu_seconds": [1.0, 1.0, 1.0, 1.0, 1.0, 99.0],
        }
    )
    chosen = typical_cell(rows)
    assert (chosen["predictor"], chosen["seed"]) == ("a", 2)
    quick = typical_cell(rows[rows["predictor"] == "b"], seconds=10.0)
    assert quick["seed"] == 1
    with pytest.raises(UserError, match=r"more than 0\.5 s"):
        typical_cell(rows, seconds=0.5)


def test_mistakes_are_sentences(predicted: Command) -> None:
    for arguments, words in (
        (("--kind", "curve"), "curves"),
        (("--kind", "curves", "--size", "a4"), "unknown size 'a4'"),
        (("--size", "a4"), "unknown size 'a4'"),
        (("--format", "gif"), "unknown format 'gif'"),
        (("--kind", "curves", "--format", "gif"), "unknown format 'gif'"),
        (("--kind", "curves", "--method", "kn"), "knn"),
        (("--kind", "predictions", "--train-size", "9"), "has the train size 9; there are: 8, 16."),
        (("--kind", "predictions", "--seed", "99"), "no cell with a result has the seed 99; there"),
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
    assert "surrobench" in done.out
    assert "demsar2006" not in done.out  # two methods: no ranks were tested
    assert "No publication is known for: toy/accuracy" in done.err


def test_strategies_are_cited_by_what_their_labels_stand_for(searched: Command) -> None:
    done = searched("cite", "runs/one")
    assert "white2021local" in done.out
    assert "li2019random" in done.out
