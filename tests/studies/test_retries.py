"""Cells that ended by accident are tried again, as often as a rule says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import Command, command_line
from toy import toy_study

from surrobench import run_study
from surrobench.errors import UserError
from surrobench.studies.engine.retries import LOSSES, RetryRule, tried
from surrobench.studies.run_folder.record import Record
from surrobench.studies.run_folder.store import ResultStore
from surrobench.studies.run_folder.tally import Tally

STUDY = toy_study(predictors=["zoo:DiesAtFirst", "constant"], train_sizes=[8], seeds=1)


@pytest.fixture
def surrobench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return command_line(monkeypatch, capsys, "write_report")


@pytest.fixture
def deaths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "deaths"
    monkeypatch.setenv("SURROBENCH_TEST_DEATHS", str(path))
    return path


def record_of(run: Path, predictor: str) -> Record:
    records = ResultStore(run).scan().records.values()
    return next(one for one in records if one.payload["predictor"] == predictor)


@pytest.mark.slow
def test_a_cell_whose_worker_died_is_tried_again(
    in_toy: Path, tmp_path: Path, deaths: Path
) -> None:
    deaths.write_text("")
    run_study(STUDY, out=tmp_path / "calm", workers=1)
    deaths.write_text("1\n2\n")
    frame = run_study(STUDY, out=tmp_path / "run", workers=1, retry="died:2")
    assert list(frame["status"]) == ["ok", "ok"]
    assert record_of(tmp_path / "run", "zoo:DiesAtFirst").provenance["tries"] == 3
    assert "tries" not in record_of(tmp_path / "run", "constant").provenance
    assert Tally.of(tmp_path / "run").digest == Tally.of(tmp_path / "calm").digest


@pytest.mark.slow
def test_no_oftener_than_the_rule_says_and_going_on_with_one(
    in_toy: Path, tmp_path: Path, deaths: Path
) -> None:
    deaths.write_text("1\n2\n3\n4\n")
    for rule, left in (("timeout,failed:9", 3), ("died", 1), (None, 1)):
        frame = run_study(STUDY, out=tmp_path, workers=1, retry=rule)
        assert sorted(frame["status"]) == ["failed", "ok"]
        assert len(deaths.read_text().split()) == left
        if rule:  # a later run knows how a cell of an earlier one ended
            assert record_of(tmp_path, "zoo:DiesAtFirst").provenance["ending"] == "died"
    frame = run_study(STUDY, out=tmp_path, workers=1, retry="died:2")
    assert list(frame["status"]) == ["ok", "ok"]


class _Cell:
    def __init__(self, key: str) -> None:
        self.key = key


def _record(key: str, status: str, **provenance: Any) -> Record:
    return Record(key, {"status": status}, {}, provenance)


def test_further_tries_come_when_all_others_are_done() -> None:
    rounds: list[list[str]] = []

    def compute(cells: Any) -> Any:
        rounds.append([cell.key for cell in cells])
        for cell in cells:
            yield _record(cell.key, "timeout" if cell.key == "b" and len(rounds) < 3 else "ok")

    cells: Any = [_Cell("a"), _Cell("b"), _Cell("c")]
    told = tried(cells, compute, RetryRule.parse("timeout:2"), print, lambda: True)
    ends = [(record.key, record.status, last) for record, last in told]
    assert rounds == [["a", "b", "c"], ["b"], ["b"]]
    assert ends[1] == ("b", "timeout", False)
    assert ends[-1] == ("b", "ok", True)
    rounds.clear()
    told = tried(cells, compute, RetryRule.parse("timeout:2"), print, lambda: False)
    assert [last for _, last in told] == [True, False, True]  # no time: the record stays as it is
    assert len(rounds) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dead", r"'dead' is no way .*'died'"),
        ("died:0", "'0' is no number of further tries"),
        ("died:many", "'many' is no number"),
        ("died,died:2", "died is named twice"),
        ("", "'' is no way"),
        ("unavailable", "no way that a cell can end"),
    ],
)
def test_a_mistaken_rule_says_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        RetryRule.parse(text)


def test_a_rule_is_read() -> None:
    assert RetryRule.parse("died:2, timeout").times == {"died": 2, "timeout": 1}
    every = RetryRule.parse(",".join(LOSSES))
    assert every.wants(_record("a", "failed"))
    assert every.wants(_record("a", "failed", ending="died"))
    assert not RetryRule.parse("failed").wants(_record("a", "failed", ending="died"))
    assert not every.wants(_record("a", "unavailable"))
    assert not every.wants(_record("a", "ok"))


@pytest.mark.slow
def test_the_command_takes_a_rule(
    surrobench: Command, in_toy: Path, tmp_path: Path, deaths: Path
) -> None:
    deaths.write_text("1\n")
    (in_toy / "again.toml").write_text(
        'kind = "prediction"\nname = "again"\ntasks = ["toy.toml"]\ntrain_sizes = [8]\nseeds = 1\n'
        'predictors = ["zoo:DiesAtFirst"]\n'
    )
    run = ("run", "again.toml", "--out", str(tmp_path / "run"), "--workers", "1", "--allow-code")
    assert surrobench(*run, "--report", "none", "--retry", "dead").status == 1
    done = surrobench(*run, "--report", "none", "--retry", "died")
    assert done.status == 0, done.err
    assert "1 cell without numbers gets another try" in done.err
