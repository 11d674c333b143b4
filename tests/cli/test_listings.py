"""Every listing for programs, the board, two runs compared, and names completed by the shell."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from command_line import Answer, Command, command_line, run_here
from in_process import in_process
from toy import toy_study

from surrobench.cli import completing, exit_codes
from surrobench.cli.listing import LISTED
from surrobench.report.common.figure_names import OF_WHAT, PIPELINES, PREDICTIONS, SEARCHES, TASKS
from surrobench.report.plots import PIPELINE_PLOTS, PREDICTION_PLOTS, SEARCH_PLOTS
from surrobench.reporting.task_figures import PREDICTION_RECOMPUTED, TASK_PLOTS
from surrobench.studies.prediction.config import Study

__all__ = ["in_process"]


@pytest.fixture(scope="module")
def studies(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two studies of one table."""
    folder = tmp_path_factory.mktemp("studies")
    for name, neighbours in (("one", 3), ("two", 1)):
        knn = {"use": "knn", "neighbours": neighbours, "label": "knn"}
        content = toy_study(
            predictors=["params", knn], train_sizes=[8], tasks=[str(toy / "toy.toml")], seeds=6
        )
        (folder / f"{name}.toml").write_text(Study.read(content).to_toml())
    return folder


@pytest.fixture(scope="module")
def finished(studies: Path) -> Path:
    """The same, with both studies run."""
    for name in ("one", "two"):
        run_here(studies, "run", f"{name}.toml", "--out", name, "--report", "none")
    return studies


@pytest.fixture
def surrobench(
    studies: Path,
    in_process: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """Runs a command line in this process, beside two studies."""
    for study in studies.glob("*.toml"):
        shutil.copy(study, tmp_path)
    monkeypatch.chdir(tmp_path)
    return command_line(monkeypatch, capsys, "write_report")


@pytest.fixture
def runs(surrobench: Command, finished: Path, tmp_path: Path) -> Command:
    """The same, beside a copy of both runs."""
    for name in ("one", "two"):
        shutil.copytree(finished / name, tmp_path / name)
    return surrobench


def content(answer: Answer) -> object:
    assert answer.status == 0, answer.err
    return json.loads(answer.out)


@pytest.mark.slow
@pytest.mark.parametrize("what", LISTED)
def test_every_list_is_there_for_programs(surrobench: Command, what: str) -> None:
    plain = surrobench("list", what)
    rows = content(surrobench("list", what, "--json"))
    assert isinstance(rows, dict)
    assert [row["name"] for row in rows[what]] == [
        line.split()[0] for line in plain.out.splitlines() if not line.startswith("surrobench list")
    ]


def test_figures_are_listed_as_they_can_be_drawn(surrobench: Command) -> None:
    assert set(PREDICTIONS) == {*PREDICTION_PLOTS, *PREDICTION_RECOMPUTED} - set(TASK_PLOTS)
    assert set(SEARCHES) == set(SEARCH_PLOTS)
    assert set(PIPELINES) == set(PIPELINE_PLOTS)
    assert set(TASKS) == set(TASK_PLOTS)
    told = " ".join(surrobench("plot", "--help").out.replace("│", " ").split())
    for kinds in OF_WHAT.values():
        for name in kinds:
            assert name in told


@pytest.mark.slow
def test_a_run_is_described_for_programs(runs: Command) -> None:
    status = content(runs("status", "one", "--json"))
    assert isinstance(status, dict)
    assert (status["finished"], status["cells"], status["statuses"]) == (12, 12, {"ok": 12})
    told = content(runs("hash", "one", "--json"))
    assert isinstance(told, dict)
    assert told["hash"] == runs("hash", "one").out.strip()
    verified = content(runs("verify", "one", "one", "--json"))
    assert isinstance(verified, dict)
    assert (verified["intact"], verified["damaged"], verified["differences"]) == (12, [], [])
    assert runs("verify", "one", "two", "--json").status == exit_codes.WRONG_INPUT
    kinds = content(runs("plot", "one", "--json"))
    assert isinstance(kinds, list)
    assert {"curves", "board"} <= set(kinds)
    assert kinds == runs("plot", "one").out.split()
    cited = content(runs("cite", "one", "--json"))
    assert isinstance(cited, dict)
    assert "erickson2025tabarena" in [one["key"] for one in cited["citations"]]


def test_a_task_is_described_for_programs(surrobench: Command) -> None:
    (info,) = content(surrobench("info", "live/digits-chain", "--json"))  # type: ignore[misc]
    assert (info["pool_size"], info["unit"]) == (1600, "%")
    assert info["decisions"][0]["read_as"]


@pytest.mark.slow
def test_the_board_is_printed_in_every_form(runs: Command) -> None:
    plain = runs("board", "one")
    assert plain.status == 0
    assert "Elo" in plain.out
    assert "Bradley and Terry" in plain.out
    board = content(runs("board", "one", "--json"))
    assert isinstance(board, dict)
    rows = list(csv.DictReader(io.StringIO(runs("board", "one", "--csv").out)))
    assert [row["method"] for row in rows] == [row["method"] for row in board["board"]]
    assert r"\begin{tabular}" in runs("board", "one", "--latex").out
    other = content(runs("board", "one", "--measure", "mae", "--json"))
    assert isinstance(other, dict)
    assert other["measure"] == "mae"
    both = runs("board", "one", "--json", "--csv")
    assert (both.status, "choose one" in both.err) == (1, True)


@pytest.mark.slow
def test_two_runs_are_compared(runs: Command) -> None:
    same = runs("compare", "one", "one")
    assert (same.status, same.out) == (
        0,
        "Same bits: all numbers of 12 common cells are the same.\n",
    )
    plain = runs("compare", "one", "two")
    assert plain.status == 0
    assert "1 has the same bits" in plain.out
    assert "predictor 'knn': neighbours was 3, is 1" in plain.err
    found = content(runs("compare", "one", "two", "--json"))
    assert isinstance(found, dict)
    assert {row["method"]: row["outcome"] for row in found["changes"]}["params"] == "same bits"
    rows = list(csv.DictReader(io.StringIO(runs("compare", "one", "two", "--csv").out)))
    assert [row["method"] for row in rows] == ["params", "knn"]
    assert "same bits" in runs("compare", "one", "two", "--latex").out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare", "one", "onee"], "Did you mean 'one'"),
        (["compare", "one", "two", "--measure", "kendal"], "Did you mean 'kendall_tau'"),
        (["board", "one", "--measure", "kendal"], "Did you mean 'kendall_tau'"),
        (["board", "one", "--method", "knnn"], "Did you mean 'knn'"),
        (["board", "one", "--train-size", "9"], "there are: 8"),
        (["status", "on"], "Did you mean 'one'"),
        (["plot", "onee"], "Did you mean 'one'"),
        (["plot", "one", "--kind", "bord"], "Did you mean 'board'"),
        (["plot", "one", "--kind", "board", "--json"], "leave out --kind"),
        (["plot", "live/digits-chian"], "Did you mean 'live/digits-chain'"),
        (["list", "figure"], "Did you mean 'figures'"),
        (["run", "one.toml", "--set", 'protocol="groupd"'], "Did you mean 'grouped'"),
        (["one-shot", "--device", "cude"], "Did you mean 'cuda'"),
        (["bord", "one"], "Did you mean 'board'"),
        (["compare", "one"], "Missing argument"),
    ],
)
def test_wrong_names_end_with_1_and_a_suggestion(
    runs: Command, arguments: list[str], message: str
) -> None:
    done = runs(*arguments)
    assert (done.status, done.out) == (exit_codes.WRONG_INPUT, "")
    assert message in " ".join(done.err.replace("│", " ").split())
    assert "Traceback" not in done.err


def test_the_shell_is_told_what_may_follow(
    surrobench: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_SURROBENCH_COMPLETE", "complete_bash")
    for line, expected in {
        "surrobench run quick": "quickstart",
        "surrobench info live/digits-chain-t": "live/digits-chain-test",
        "surrobench plot runs --kind par": "pareto",
        "surrobench comp": "compare",
    }.items():
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
        assert surrobench().out.split() == [expected]


def test_names_are_completed() -> None:
    assert completing.studies("quick") == ["quickstart"]
    assert "nb201" in completing.tasks("nb20")
    assert completing.tasks("live/digits-chain-t") == ["live/digits-chain-test"]
    assert "gp-matern52" in completing.predictors("gp-")
    assert completing.strategies("bayesian")[0] == "bayesian"
    assert completing.figures("par") == ["pareto"]
    assert "figures" in completing.lists("")
