"""Interrupts and warnings at awkward moments: never called a bug, always the same exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from toy import command_environment, toy_study

from surrobench.cli.exit_codes import STOPPED, WRONG_INPUT
from surrobench.studies.prediction.config import Study

WHILE_IMPORTING = """
import importlib.abc, os, signal, sys

class Interrupts(importlib.abc.MetaPathFinder):
    '''Sends the interrupt of a keyboard to this process when a module is about to be imported.'''

    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupts())
sys.argv = ["surrobench", *{arguments!r}]
from surrobench.cli import main
main()
"""


def quiet(done: subprocess.CompletedProcess[str]) -> None:
    assert "bug in surrobench" not in done.stderr, done.stderr
    assert "Traceback" not in done.stderr, done.stderr


@pytest.fixture
def interrupts_heard() -> Iterator[None]:
    """Whatever a shell has set: what it runs in the background inherits that they are ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows delivers interrupts otherwise")
@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("typer", ["list"]),
        ("surrobench.cli.app", ["--help"]),
        ("rich.console", ["list"]),
        ("surrobench.cli.listing", ["list"]),
        ("pydantic", ["run", "quickstart"]),
        ("numpy", ["info", "live/digits-chain"]),
        ("pyarrow.lib", ["info", "live/digits-chain"]),
        ("torch._C", ["check", "knn"]),
    ],
)
def test_an_interrupt_while_a_command_starts_ends_it_quietly(
    tmp_path: Path, module: str, arguments: list[str]
) -> None:
    code = WHILE_IMPORTING.format(module=module, arguments=arguments)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=command_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    quiet(done)
    assert done.returncode == STOPPED, done.stderr
    assert done.stderr.startswith(("Error: stopped.", "Stopped. Finished cells are kept;"))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows delivers interrupts otherwise")
@pytest.mark.parametrize("seconds", [0.05, 0.1, 0.2])
@pytest.mark.usefixtures("interrupts_heard")
def test_an_interrupt_within_the_first_moments_is_never_a_bug(
    tmp_path: Path, seconds: float
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "surrobench", "run", "quickstart", "--out", str(tmp_path)],
        env=command_environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        time.sleep(seconds)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=300)
    assert "bug in surrobench" not in said
    assert running.returncode != 0  # Python itself, not yet in our code, ends in its own way


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["list"], {0}),
        (["info", "toy.toml"], {0, WRONG_INPUT}),
        (["run", "study.toml", "--workers", "1", "--out", "w"], {0, WRONG_INPUT}),
    ],
)
def test_warnings_made_errors_are_no_bug(toy: Path, arguments: list[str], status: set[int]) -> None:
    study = Study.read(toy_study(predictors=["knn"], train_sizes=[8], seeds=1))
    (toy / "study.toml").write_text(study.to_toml())
    done = subprocess.run(
        [sys.executable, "-m", "surrobench", *arguments],
        cwd=toy,
        env={**command_environment(toy), "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    quiet(done)
    assert done.returncode in status, done.stderr
    if done.returncode:
        assert "a warning was made an error: " in done.stderr
        assert "run it without PYTHONWARNINGS=error" in done.stderr
