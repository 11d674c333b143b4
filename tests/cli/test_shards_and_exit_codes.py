"""Shards, merge and hash from the command line, and with which status every command ends."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest
from command_line import Command, command_line
from in_process import in_process
from single_files import in_single_files
from toy import toy_study

from surrobench.cli import exit_codes
from surrobench.studies import runner
from surrobench.studies.engine import forks
from surrobench.studies.prediction.config import Study
from surrobench.studies.run_folder.plan_file import PLAN_FILE
from surrobench.studies.run_folder.store import ResultStore

__all__ = ["in_process"]


@pytest.fixture
def surrobench(
    toy: Path,
    in_process: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """Runs a command line in this process, beside a study of four cells that succeed."""
    content = toy_study(
        predictors=["constant", "params"], train_sizes=[8], tasks=[str(toy / "toy.toml")]
    )
    (tmp_path / "study.toml").write_text(Study.read(content).to_toml())
    monkeypatch.chdir(tmp_path)
    return command_line(monkeypatch, capsys, "write_report")


@pytest.mark.slow
def test_shards_are_computed_merged_and_hashed(surrobench: Command, tmp_path: Path) -> None:
    dry = surrobench("run", "study.toml", "--dry-run", "--shard", "2/2")
    assert re.search(r"shard +2/2: [1-3] of 4 cells, \d\d\.\d\d% of the expected cost", dry.out)
    assert "folder       runs/toy-study-shard-2-of-2" in dry.out
    assert not (tmp_path / "runs").exists()
    for number in (1, 2):
        done = surrobench("run", "study.toml", "--shard", f"{number}/2", "--out", f"p{number}")
        assert done.status == 0, done.err
        assert not (tmp_path / f"p{number}" / "report").exists()
    assert "2 of 2 cells of a study of 4 finished" in surrobench("status", "p1").out
    half = surrobench("merge", "out", "p1")
    assert half.status == 3
    assert "p1: 2 records copied" in half.out
    assert "out: 2 of 2 cells, a part of a study of 4" in half.out
    assert "2 cells of the study are in no part" in half.err
    assert half.err.splitlines()[-1].strip() == "surrobench run out/study.toml --out out"
    done = surrobench("merge", "out", "p1", "p2")
    assert done.status == 0
    assert "out: 4 of 4 cells" in done.out
    assert "out: 2 records were there already" in done.out
    assert "Next: surrobench report out" in done.err
    again = surrobench("run", "study.toml", "--out", "out")
    assert (again.status, "nothing to compute (4 are finished" in again.err) == (0, True)
    assert surrobench("report", "out").status == 0
    whole = surrobench("run", "study.toml", "--out", "whole", "--report", "none")
    assert whole.status == 0, whole.err
    first, second = surrobench("hash", "out"), surrobench("hash", "whole")
    assert re.fullmatch(r"[0-9a-f]{64}\n", first.out)
    assert (first.out, first.status, first.err) == (second.out, 0, "4 of 4 cells\n")
    part = surrobench("hash", "p1")
    assert part.err == "2 of 2 cells, a part of a study of 4\n"
    assert part.out != first.out
    verified = surrobench("verify", "out", "whole")
    assert verified.status == 0
    assert f"digest of the numbers: {first.out.strip()}" in verified.out


def test_an_empty_shard_is_no_mistake(surrobench: Command) -> None:
    done = surrobench("run", "study.toml", "--shard", "5/5", "--out", "p5")
    assert (done.status, "no cells fall to this shard" in done.err) == (0, True)
    assert surrobench("hash", "p5").err == "0 of 0 cells, a part of a study of 4\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "study.toml", "--shard", "0/4"], "shards are counted from 1"),
        (["run", "study.toml", "--shard", "5/4"], "shards are counted from 1"),
        (["run", "study.toml", "--shard", "three"], "such as 3/64"),
        (["run", "study.toml", "--budget", "10"], "say 10s, 10m or 10h"),
        (["merge", "out", "absent"], "absent does not exist"),
        (["hash", "absent"], "absent does not exist"),
        (["hash", "."], "is not a run folder"),
        (["run", "study.toml", "--shards", "1/2"], "No such option"),
        (["run", "study.toml", "--workers", "0"], "'--workers'"),
        (["run"], "Missing argument"),
        (["runs"], "No such command"),
    ],
)
def test_wrong_input_ends_with_1(surrobench: Command, arguments: list[str], message: str) -> None:
    done = surrobench(*arguments)
    assert (done.status, done.out) == (exit_codes.WRONG_INPUT, "")
    assert message in done.err
    assert "Traceback" not in done.err


def test_failed_cells_end_with_2(surrobench: Command) -> None:
    run = ("run", "study.toml", "--add-predictor", "zoo:NotAModel", "--out", "r")
    assert surrobench(*run, "--report", "none").status == exit_codes.FAILED_CELLS
    told = surrobench("hash", "r")
    assert (told.status, told.err) == (exit_codes.FAILED_CELLS, "6 of 6 cells; 2 failed\n")
    assert surrobench("merge", "out", "r").status == exit_codes.FAILED_CELLS
    # those of a predictor that is no longer asked for are nobody's failure
    assert surrobench("run", "study.toml", "--out", "r", "--report", "none").status == 0


def test_a_task_without_a_column_is_no_failure(surrobench: Command) -> None:
    run = ("run", "study.toml", "--out", "r", "--report", "none", "--add-predictor", "flops")
    done = surrobench(*run)
    assert done.status == exit_codes.DONE, done.err
    assert surrobench("hash", "r").err == "6 of 6 cells; 2 unavailable\n"
    alone = ("run", "study.toml", "--out", "s", "--report", "none", "--predictor", "flops")
    assert surrobench(*alone).status == exit_codes.FAILED_CELLS


@pytest.mark.slow
def test_what_can_go_on_ends_with_3(surrobench: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ("run", "study.toml", "--out", "r", "--report", "none")
    done = surrobench(*run, "--budget", "0.001s")
    assert done.status == exit_codes.STOPPED
    assert "The budget of 0.001s is used up: 3 cells are still to do." in done.err
    assert done.err.splitlines()[-1].strip().endswith("--report none --budget 0.001s")
    done = surrobench(*run, "--limit", "1")
    assert (done.status, "2 cells are still to do" in done.err) == (exit_codes.STOPPED, True)
    told = surrobench("hash", "r")
    assert (told.status, told.err) == (exit_codes.STOPPED, "2 of 4 cells; 2 missing\n")
    original = runner.execute

    def interrupted(target: str, items: list[object], **options: object) -> object:
        signal.raise_signal(signal.SIGTERM)
        return original(target, items, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(runner, "execute", interrupted)
        patch.setattr(forks, "new_template", lambda target: None)
        done = surrobench(*run)
    assert (done.status, "Stopped. Finished cells are kept" in done.err) == (3, True)
    assert surrobench(*run).status == exit_codes.DONE


@pytest.mark.slow
def test_damaged_files_end_with_4(surrobench: Command, tmp_path: Path) -> None:
    run = ("run", "study.toml", "--out", "r", "--report", "none")
    assert surrobench(*run).status == 0
    key = min(ResultStore(tmp_path / "r").finished_keys())
    path = in_single_files(tmp_path / "r").path(key)
    path.write_bytes(path.read_bytes()[:-2])
    verbs = (["verify", "r"], ["hash", "r"], ["report", "r"], ["merge", "out", "r"])
    for verb in (*verbs, ["compare", "r", "r"], ["hash", "r", "--json"]):
        done = surrobench(*verb)
        assert done.status == exit_codes.DAMAGED, verb
        assert f"{path.name} is damaged" in done.err, verb
    plan = (tmp_path / "r" / PLAN_FILE).read_text()
    (tmp_path / "r" / PLAN_FILE).write_text(plan[:-3])
    for verb in (["status", "r"], ["merge", "out", "r"], ["compare", "r", "r"], list(run)):
        done = surrobench(*verb)
        assert (done.status, "plan.json is damaged" in done.err) == (exit_codes.DAMAGED, True), verb
    (tmp_path / "r" / PLAN_FILE).write_text(plan)
    assert surrobench(*run).status == 0  # which heals
    assert surrobench("hash", "r").status == 0


def test_the_statuses_are_told(surrobench: Command) -> None:
    told = " ".join(surrobench("--help").out.split())
    for status, meaning in exit_codes.MEANINGS.items():
        assert f"{status} {meaning}" in told
        assert re.search(rf"^{status}  ", exit_codes.__doc__ or "", re.MULTILINE)
