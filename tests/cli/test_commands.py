"""The command line as a stranger meets it: quick, clear, and never a traceback for a mistake."""

from __future__ import annotations

import errno
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from command_line import Command, command_line
from in_process import in_process
from toy import command_environment, toy_study
from typer.main import get_command

from surrobench.cli.app import app
from surrobench.reporting.made_of import NAME, files_of, note
from surrobench.studies.prediction.config import Study

__all__ = ["in_process"]

HEAVY = {"torch", "sklearn", "pandas", "scipy", "matplotlib", "xgboost", "pyarrow"}


@pytest.fixture
def surrobench(
    in_toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Runs a command line in this process, in the folder of the toy table."""
    return command_line(monkeypatch, capsys, "write_report")


@pytest.fixture
def study_file(toy: Path) -> Path:
    study = Study.read(toy_study(predictors=["knn", "constant"], seeds=1))
    path = toy / "study.toml"
    path.write_text(study.to_toml())
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [["--help"], ["list"], ["list", "predictors"], ["run", "--help"], ["--version"]]
)
def test_help_and_lists_import_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['surrobench', *{arguments!r}]\n"
        "from surrobench.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as stop:\n    assert not stop.code, stop.code\n"
        f"heavy = {HEAVY!r} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=command_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_help_says_all_that_was_written_for_it(
    surrobench: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        told = " ".join(surrobench(name, "--help").out.replace("│", " ").split())
        for parameter in command.params:
            words = " ".join((getattr(parameter, "help", None) or "").split())
            assert words in told, (name, parameter.name)
    assert "one per core" in surrobench("run", "--help").out


@pytest.mark.slow
def test_how_much_of_a_report_a_run_makes(
    surrobench: Command, in_process: list[int], study_file: Path
) -> None:
    def run(*options: str) -> str:
        done = surrobench("run", "study.toml", "--out", "runs/d", "--workers", "1", *options)
        assert done.status == 0, done.err
        return done.err

    report = study_file.parent / "runs/d/report"
    run("--report", "none")
    assert not report.exists()
    run("--report", "short")
    assert (report / "tables/summary.csv").is_file()
    assert len(list((report / "figures").glob("*.csv"))) == 1
    page = report / "report.md"
    assert "these are the essentials" in page.read_text("utf-8")
    page.write_text("kept")
    assert "report is that of these results" in run("--report", "short")
    assert page.read_text() == "kept"
    (report / "tables/summary.csv").unlink()
    assert "report is that of these results" not in run("--report", "short")
    assert page.read_text("utf-8") != "kept"
    assert "report is that of these results" in run()  # the default
    assert "report is that of these results" not in run("--report", "full")
    assert len(list((report / "figures").glob("*.csv"))) > 1
    assert "report is that of these results" in run("--report", "short")  # it has what was asked
    done = surrobench("run", "study.toml", "--report", "shrot")
    assert (done.status, "'short'" in done.err) == (1, True)


def test_only_files_of_the_report_before_go(tmp_path: Path) -> None:
    old, mine, new = (tmp_path / name for name in ("old.csv", "mine.txt", "new.csv"))
    for path in (old, mine, new):
        path.write_text("")
    note(tmp_path, "first", [old])
    assert files_of(tmp_path, "first") == [old]
    assert files_of(tmp_path, "second") == []
    note(tmp_path, "second", [new])
    assert (old.exists(), mine.exists()) == (False, True)
    new.unlink()
    assert files_of(tmp_path, "second") == []
    (tmp_path / NAME).write_text('{"digest": "x", "files": ["../mine.txt"]}')
    note(tmp_path, "third", [])
    assert mine.exists()


def test_tasks_are_listed_by_table(surrobench: Command) -> None:
    import json

    grouped = surrobench("list", "tasks").out
    assert len(grouped.splitlines()) < 40
    assert "nbgraph " in grouped
    assert "9 tasks" in grouped
    assert "nbgraph/cora" not in grouped
    every = surrobench("list", "tasks", "--all").out.splitlines()
    assert len(every) >= 280
    assert "hpob/5636-31" in every
    one = surrobench("list", "tasks", "nbgraph").out.splitlines()
    assert len(one) == 9
    assert one[3].startswith("nbgraph/cora")
    assert one[3].endswith("validation accuracy on Cora [fraction]")
    told = json.loads(surrobench("list", "tasks", "nbgraph", "--json").out)
    assert told["tasks"][3]["name"] == "nbgraph/cora"
    told = json.loads(surrobench("list", "tasks", "--json").out)
    assert {"nbgraph": 9}.items() <= {row["name"]: row["tasks"] for row in told["tasks"]}.items()
    assert "only the list of tasks" in surrobench("list", "spaces", "nb201").err


def test_the_list_names_every_kind_of_part(surrobench: Command) -> None:
    told = surrobench("list").out
    for name in ("quickstart", "live-transformer", "gp-matern52-ard", "one-hot", "nb201"):
        assert name in told
    assert surrobench("list", "studies").out.startswith("quickstart ")
    assert surrobench("list", "one-shot").out.startswith("spos ")
    assert "synflow" in surrobench("list", "proxies").out


def test_info_explains_a_task_of_ones_own(surrobench: Command) -> None:
    told = surrobench("info", "toy.toml").out
    assert told.startswith("toy/accuracy\n")
    assert "256 architectures with a value" in told
    assert "CC0-1.0" in told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "quickstrat"], "Did you mean 'quickstart'"),
        (["run", "absent.toml"], "there is no such study file"),
        (["run", "toy.toml"], "is the card of a table, not a study. Run one on it: surrobench run"),
        (["info", "study.toml"], "is a study, not the card of a table; it runs with"),
        (["run", "study.toml", "--task", "study.toml"], "is a study, not the card of a table"),
        (["run", "study.toml", "--set", "seed=3"], "Did you mean 'seeds'"),
        (
            ["run", "study.toml", "--set", "train_sizes=[0]"],
            "train_sizes: 0 must be a whole number",
        ),
        (["run", "study.toml", "--seeds", "0"], "seeds: 0 must be a whole number"),
        (["run", "study.toml", "--task", "nb301"], "unknown task 'nb301'"),
        (
            ["run", "study.toml", "--predictor", "knnn"],
            "unknown predictor 'knnn'. Did you mean 'knn'",
        ),
        (["run", "study.toml", "--predictor", "nowhere:X"], "no module 'nowhere'"),
        (["run", "study.toml", "--set", "train_sizes=[300]"], "at most 254 training examples"),
        (["run", "study.toml", "--out", "toy.csv/run"], "cannot write to the run folder"),
        (["list", "predictor"], "There is one of: studies, tasks, collections, predictors, "),
        (["list", "zzz"], "there is no list of 'zzz'. There is one of: studies, tasks, "),
        (["one-shot", "live:cell"], "Did you mean 'live:cells'"),
        (["one-shot", "live:chain"], "need cells with an operation on each edge"),
        (["one-shot", "--method", "dart"], "unknown one shot method 'dart'. Did you mean 'darts'"),
        (["one-shot", "--cells", "3"], "cells is 3; it must be at least 4"),
        (
            ["info", "zzz"],
            "Valid names: cvpr22-vit/…, darts-oncenas/…, fbnet/…, hat/…, hpob/…",
        ),
        (["info", "toy.toml:acuracy"], "Did you mean 'accuracy'"),
        (["info", "absent.toml"], "absent.toml"),
        (["prepare", "nb202"], "Did you mean 'nb201"),
        (["status", "absent"], "does not exist"),
        (["report", "absent"], "no such folder"),
        (["report", "toy.csv"], "not a readable Parquet file"),
        (["verify", "."], "is not a run folder"),
        (["tabulate", "digits"], "Did you mean 'digits-chain'"),
    ],
)
def test_mistakes_get_one_clear_message(
    surrobench: Command, study_file: Path, arguments: list[str], message: str
) -> None:
    done = surrobench(*arguments)
    assert done.status == 1
    assert done.out == ""
    assert done.err.startswith("Error: ")
    assert "Traceback" not in done.err
    assert message in done.err


@pytest.mark.slow
def test_a_plan_is_told_before_anything_that_draws_is_imported() -> None:
    code = (
        "import sys\n"
        "sys.argv = 'surrobench run quickstart --predictor constant --dry-run'.split()\n"
        "from surrobench.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    assert not {'matplotlib', 'statsmodels'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "predictor    constant" in done.stdout
    assert done.returncode == 0, done.stderr


def test_a_dry_run_tells_the_plan_and_leaves_no_trace(
    surrobench: Command, toy: Path, study_file: Path
) -> None:
    done = surrobench("run", "study.toml", "--dry-run", "--out", "dry", "--seeds", "3")
    assert done.status == 0, done.err
    assert "cells        12, of which 0 are finished" in done.out
    assert "predictor    knn [categorical+numeric]: 6 cells" in done.out
    assert not (toy / "dry").exists()


@pytest.mark.slow
def test_a_run_from_start_to_report(surrobench: Command, toy: Path, study_file: Path) -> None:
    """One run with a limit, its continuation, and every verb that looks at it."""
    first = surrobench("run", "study.toml", "--out", "runs/a", "--limit", "3", "--workers", "1")
    assert first.status == 3, first.err
    assert "1 cell is still to do" in first.err
    assert "surrobench run study.toml --out runs/a --limit 3" in first.err
    assert "3 of 4 cells finished (75%)" in surrobench("status", "runs/a").out

    second = surrobench("run", "study.toml", "--out", "runs/a", "--add-predictor", "zoo:Raises")
    assert second.status == 2, second.err
    assert "3 cells to compute (3 are finished already)" in second.err
    assert "knn" in second.out
    assert "RuntimeError: no way" in second.out
    for path in (
        "runs/a/results.parquet",
        "runs/a/report/report.md",
        "runs/a/report/tables/summary.csv",
    ):
        assert path in second.out
        assert (toy / path).is_file()

    status = surrobench("status", "runs/a")
    assert "6 of 6 cells finished" in status.out
    assert "4 ok, 2 failed" in status.out
    assert "2 × zoo:Raises: failed: RuntimeError: no way" in status.err

    report = surrobench("report", "runs/a", "runs/a/results.parquet", "--out", "both")
    assert report.status == 0, report.err
    assert (toy / "both/tables/summary.csv").is_file()

    verify = surrobench("verify", "runs/a")
    assert verify.status == 0
    assert "6 records are intact, 0 damaged." in verify.out
    (victim,) = (toy / "runs/a/segments").iterdir()
    victim.write_bytes(victim.read_bytes()[:-5])
    verify = surrobench("verify", "runs/a")
    assert verify.status == 4
    assert re.search(rf"{victim.name}/\w{{40}}\.json is damaged", verify.err)


TABLES = {
    "nb201/cifar10-val": ("0>1 … 2>3 (6): categorical, 5 choices: none, skip_connect, nor_conv",),
    "nb201-hw/cifar10-edgegpu-latency": ("0>1 … 2>3 (6): categorical, 5 choices: none,",),
    "nb201-robust/apgd-0.5": ("0>1 … 2>3 (6): categorical, 5 choices: none,",),
    "tnb101-micro/autoencoder": ("0>1 … 2>3 (6): categorical, 4 choices: none, skip_connect",),
    "tnb101-macro/autoencoder": (
        "module1 … module4 (4): categorical, 4 choices: normal, channel-doubling",
        "module5 … module6 (2): categorical, 4 choices: normal, channel-doubling, "
        "down-sampling, both; not there in 210 to 960 architectures",
    ),
    "hat/iwslt14deen-gpu-titanxp-encoder": (
        "encoder_embed_dim: numeric, 2 choices: 512, 640",
        "decoder_ffn_embed_dim_avg: numeric, 53 choices from 512 to 3072",
    ),
    "nbnlp-wikitext2/val-loss": (
        "nodes[0]: categorical, 3 choices: elementwise_prod, elementwise_sum, linear",
        "nodes[13]: categorical, 1 choice: activation_sigm>h_new_0; not there in 273",
    ),
    "live-cells/digits": ("0>1 … 2>3 (6): categorical, 5 choices: none, skip_connect",),
    "live/digits-chain": ("conv2 kernel: numeric, 2 choices: 3, 5; not there in 144",),
    "live-transformer/motifs": ("heads: numeric, 4 choices: 1, 2, 4, 8",),
}
"""One task of every table that is published or in the package, and what is said of decisions."""


@pytest.mark.slow
@pytest.mark.parametrize("task", TABLES)
def test_decisions_of_published_tables_are_told(
    surrobench: Command, request: pytest.FixtureRequest, task: str
) -> None:
    if not task.startswith("live"):
        request.getfixturevalue("mirror")
    told = " ".join(surrobench("info", task).out.split())
    plan = toy_study(tasks=[task], predictors=["constant"], train_sizes=[8], seeds=1)
    Path("told.toml").write_text(Study.read(plan).to_toml())
    dry = " ".join(surrobench("run", "told.toml", "--dry-run").out.split())
    for words in TABLES[task]:
        assert f"decision {words}" in told
        assert f"decision {task}: {words}" in dry


def test_tasks_of_a_table_with_the_same_decisions_are_told_together(surrobench: Command) -> None:
    plan = toy_study(tasks=["live-cells"], predictors=["constant"], train_sizes=[8], seeds=1)
    Path("told.toml").write_text(Study.read(plan).to_toml())
    lines = surrobench("run", "told.toml", "--dry-run").out.splitlines()
    (told,) = [line for line in lines if line.startswith("decision")]
    assert told.split(maxsplit=1)[1].startswith("live-cells (3 tasks): 0>1 … 2>3 (6): categorical")


def shown(folder: Path) -> set[tuple[str, str]]:
    """Predictor and encoding of the methods in a report."""
    table = pd.read_csv(folder / "tables/summary.csv")
    return set(zip(table["predictor"], table["encoding"], strict=True))


@pytest.fixture
def left(surrobench: Command, in_process: list[int], toy: Path) -> tuple[Path, str]:
    """A run that had a prototype, and another encoding of a predictor that stays; what it says."""
    plain = {"predictors": ["knn", "svr"], "train_sizes": [8], "encodings": ["one-hot"]}
    prototypes = ["zoo:Lines", {"use": "svr", "encoding": "ordinal"}]
    for more in (prototypes, []):
        study = toy_study(**{**plain, "predictors": [*plain["predictors"], *more]})
        (toy / "left.toml").write_text(Study.read(study).to_toml())
        arguments = ("left.toml", "--out", "left/run", "--workers", "1", "--report", "short")
        done = surrobench("run", *arguments, "--allow-code")
        assert done.status == 0, done.err
    return toy / "left/run", " ".join(done.err.split())


CURRENT = {("knn", "one-hot"), ("svr", "one-hot")}
FORMER = {("zoo:Lines", "one-hot"), ("svr", "ordinal")}


@pytest.mark.slow
def test_what_left_the_study_leaves_the_report_unless_asked_for(
    surrobench: Command, left: tuple[Path, str]
) -> None:
    run, said = left
    gone = "Not in the study any more, so not shown: zoo:Lines, svr [standardise, ordinal] ("
    assert gone in said
    assert shown(run / "report") == CURRENT

    def report(*arguments: str) -> tuple[set[tuple[str, str]], bool]:
        done = surrobench("report", *arguments, "--out", "left/told")
        assert done.status == 0, done.err
        return shown(Path("left/told")), gone in " ".join(done.err.split())

    assert report("left/run/results.parquet") == (CURRENT, True)
    assert report("left/run", "--all-methods") == (CURRENT | FORMER, False)
    both = ("--method", "zoo:Lines", "--method", "knn")
    assert report("left/run", *both) == ({("zoo:Lines", "one-hot"), ("knn", "one-hot")}, False)
    wrong = surrobench("report", "left/run", "--method", "knm")
    assert (wrong.status, wrong.out) == (1, "")
    assert "no results of the method 'knm'. Did you mean 'knn'" in wrong.err


@pytest.mark.slow
def test_what_left_the_study_leaves_leaderboards_and_figures(
    surrobench: Command, left: tuple[Path, str]
) -> None:
    board = surrobench("leaderboard", "left")
    assert "Not in the study of run any more, so not shown: zoo:Lines" in board.err
    assert set(pd.read_csv("left/leaderboard.csv")["method"]) == {"knn", "svr"}
    assert surrobench("leaderboard", "left", "--all-methods").status == 0
    assert "zoo:Lines" in set(pd.read_csv("left/leaderboard.csv")["method"])
    drawn = ("plot", "left/run", "--kind", "ranking", "--out", "left/figure.svg")
    for arguments, prototype in (((), False), (("--method", "zoo:Lines"), True)):
        assert surrobench(*drawn, *arguments).status == 0
        text = Path("left/figure.svg").read_text()
        assert ("zoo:Lines" in text, "knn" in text) == (prototype, not prototype)


def test_a_run_without_a_single_success_is_an_error(
    surrobench: Command, in_process: list[int], study_file: Path
) -> None:
    done = surrobench("run", "study.toml", "--out", "runs/none", "--predictor", "zoo:Raises")
    assert done.status == 2
    assert "no cell succeeded" in done.err
    assert "Traceback" not in done.err


@pytest.mark.slow
def test_a_full_disk_stops_the_run_and_says_how_to_go_on(
    surrobench: Command, study_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("surrobench.studies.run_folder.run_files.write_atomically", full)
    done = surrobench("run", "study.toml", "--out", "runs/full", "--workers", "1")
    assert done.status == 3
    assert "No space left on device. Finished cells are kept" in done.err
    assert done.err.splitlines()[-1].strip() == (
        "surrobench run study.toml --out runs/full --workers 1"
    )
