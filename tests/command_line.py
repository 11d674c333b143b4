"""The command line in this process, with quick reports."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from surrobench import report
from surrobench.cli import main


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
