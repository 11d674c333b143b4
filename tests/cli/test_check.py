"""``surrobench check``: promises, costs and a table for whatever can be named."""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path

import pytest
from command_line import Command, command_line
from in_process import in_process

from surrobench.cli import checking

__all__ = ["in_process"]

MINE = """
    import numpy as np
    from surrobench.acquisition.acquisition import Acquisition
    from surrobench.encodings.one_hot import OneHot

    class Mine:
        def fit(self, X, y):
            self.weights = np.linalg.lstsq(np.c_[X, np.ones(len(X))], y, rcond=None)[0]
            return self

        def predict(self, X):
            return np.c_[X, np.ones(len(X))] @ self.weights

    class Loud(Mine):
        def fit(self, X, y):
            print("hello")
            return super().fit(X, y)

    class Columns(OneHot):
        pass

    class Mean(Acquisition):
        def scores(self, context):
            return context.posterior.mean[context.choices()]

    def puzzle():
        pass
"""


@pytest.fixture
def surrobench(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    (tmp_path / "checked.py").write_text(textwrap.dedent(MINE))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "checked", raising=False)
    monkeypatch.setattr(checking, "QUICK", ("constant",))
    return command_line(monkeypatch, capsys, "write_report")


def test_a_predictor_is_checked_timed_and_compared(
    surrobench: Command, in_process: list[int]
) -> None:
    done = surrobench("check", "checked:Mine", "--quick")
    assert done.status == 0, done.err
    assert "checked:Mine keeps 25 of the 25 promises of a predictor." in done.out
    costs = [line.split() for line in done.out.splitlines() if line.strip().endswith(" s")]
    assert [row[0] for row in costs] == ["25", "100"]
    assert all(float(number) > 0 for row in costs for number in row[1::2])
    assert "Kendall τ" in done.out
    table = done.out.partition("Kendall τ")[2].splitlines()
    assert [line.split()[0] for line in table[3:5]] == ["checked:Mine", "constant"]
    assert in_process == [12]


def test_what_fails_says_why_and_how_to_mend_it(surrobench: Command) -> None:
    done = surrobench("check", "checked:Loud", "--no-table", "--quick")
    assert done.status == 1
    told = done.out.partition("FAILED     nothing_is_printed\n")[2].splitlines()
    assert told[0].strip() == "promised: Fitting and predicting print nothing."
    assert "it printed 'hello" in told[1]
    assert "to mend:  Turn the verbosity of the library off" in told[2]
    assert done.out.count("FAILED") == 1
    assert "Kendall" not in done.out


def test_a_file_anywhere_can_be_named(surrobench: Command, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    (elsewhere / "far_away.py").write_text((tmp_path / "checked.py").read_text())
    done = surrobench("check", "else where/far_away.py:Columns", "--json")
    assert done.status == 0
    content = json.loads(done.out)
    assert (content["part"], content["kind"]) == ("far_away:Columns", "encoding")
    assert {row["status"] for row in content["checks"]} == {"passed"}


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("knn", "predictor"),
        ("path:40", "encoding"),
        ("tnb101-macro", "space"),
        ("live/digits-chain", "task"),
        ("posterior-mean", "acquisition"),
        ("checked:Mean", "acquisition"),
    ],
)
def test_the_kind_is_found(surrobench: Command, part: str, kind: str) -> None:
    content = json.loads(surrobench("check", part, "--json").out)
    assert content["kind"] == kind
    assert not [row for row in content["checks"] if row["status"] == "failed"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["baysian-ridge"], "Did you mean 'bayesian-ridge'"),
        (["checked:puzzle"], "Say what it makes with --kind"),
        (["checked:Mien"], "no attribute 'Mien'"),
        (["nowhere.py:Mine"], "there is no file"),
        (["knn", "--kind", "predicter"], "Did you mean 'predictor'"),
    ],
)
def test_what_cannot_be_checked_says_so(surrobench: Command, words: list[str], told: str) -> None:
    done = surrobench("check", *words)
    assert done.status == 1
    assert told in done.err
