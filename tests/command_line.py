"""The command line in this process, with quick reports.

What reports draw is tested in ``tests/report``; here their pages have an empty drawing for each.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from in_process import compute_all_here
from markupsafe import Markup

from surrobench import report
from surrobench.cli import main
from surrobench.report.page import views


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    status: int
    out: str
    err: str


Command = Callable[..., Answer]


def command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], writer: str
) -> Command:
    """Runs a command in the current folder; the report's ``writer`` makes no figures."""
    monkeypatch.setattr(views, "inline_svg", lambda figure, prefix: Markup("<svg></svg>"))
    monkeypatch.setenv("COLUMNS", "100")
    light = functools.partial(getattr(report, writer), formats=("csv",))
    monkeypatch.setattr(report, writer, light, raising=False)

    def call(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["surrobench", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        return Answer(int(stop.value.code or 0), out, err)

    return call


def run_here(folder: Path, *arguments: str) -> None:
    """A command in ``folder`` that must succeed, for fixtures that many tests share.

    Its cells are computed in this process.
    """
    with pytest.MonkeyPatch.context() as patch:
        compute_all_here(patch)
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["surrobench", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code
