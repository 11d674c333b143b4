"""What a run promises about clocks, processes and secrets, and to whoever stops or doubles it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from in_process import in_process
from toy import command_environment, toy_study

from surrobench import run_study
from surrobench.errors import UserError
from surrobench.studies.engine import executor
from surrobench.studies.run_folder.store import ResultStore

__all__ = ["in_process"]

CONSTANT = toy_study(predictors=["constant"], train_sizes=[8], seeds=2)


def test_a_clock_that_jumps_back_makes_no_negative_seconds(
    in_toy: Path, tmp_path: Path, in_process: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(2_000_000_000, 0, -3600))
    monkeypatch.setattr(time, "time", lambda: float(next(now)))
    frame = run_study(CONSTANT, out=tmp_path / "run")
    seconds = frame[["fit_seconds", "query_seconds_per_arch", "cpu_seconds"]]
    assert (seconds >= 0).all(axis=None)
    assert (seconds < 600).all(axis=None)


ASKED = """
import threading
from surrobench.studies.engine.template_server import _may_fork
print(_may_fork())
threading.Thread(target=threading.Event().wait, daemon=True).start()
print(_may_fork())
"""


def test_workers_are_spawned() -> None:
    """A fork would inherit the locks of threads that it does not have, and a GPU's state."""
    assert executor._Context(None).get_start_method() == "spawn"
    assert issubclass(executor._Process, multiprocessing.context.SpawnProcess)
    if sys.platform == "linux":
        command = [sys.executable, "-c", ASKED]
        told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        assert told.split() == ["True", "False"]


def test_no_secret_of_the_environment_is_kept(
    in_toy: Path, tmp_path: Path, in_process: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("API_TOKEN", "SURROBENCH_PASSWORD", "OMP_SECRET"):
        monkeypatch.setenv(name, "hunter2-hunter2")
    run_study(toy_study(predictors=["constant", "zoo:Raises"]), out=tmp_path / "run")
    kept = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert len(kept) >= 5
    assert not [path for path in kept if b"hunter2" in path.read_bytes()]


def test_of_two_runs_in_one_folder_one_is_refused_and_no_cell_is_there_twice(
    in_toy: Path, tmp_path: Path, in_process: list[int]
) -> None:
    store = ResultStore(tmp_path / "run")
    store.prepare()
    for _ in range(20):
        with store.lock(), pytest.raises(UserError, match="another surrobench is running in"):
            run_study(CONSTANT, out=tmp_path / "run")
    assert in_process == []
    frame = run_study(CONSTANT, out=tmp_path / "run")
    assert frame["key"].is_unique
    assert len(frame) == 2


KILLED = """
import os, signal, sys
from pathlib import Path
from surrobench.studies.run_folder.store import ResultStore
store = ResultStore(Path(sys.argv[1]))
store.prepare()
with store.lock():
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_run_held_is_free_at_once(
    in_toy: Path, tmp_path: Path, in_process: list[int]
) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-c", KILLED, str(run)]
    ended = subprocess.run(command, env=command_environment(in_toy), check=False)
    assert ended.returncode == -signal.SIGKILL
    assert (run / "lock-holder.json").is_file()  # and may name a process of another program now
    assert ResultStore(run).holder() == ""
    assert len(run_study(CONSTANT, out=run)) == 2
    assert not (run / "lock-holder.json").exists()


def test_another_environment_is_told_of(
    in_toy: Path, tmp_path: Path, in_process: list[int]
) -> None:
    from surrobench.studies.observer import Silent
    from surrobench.studies.run_folder.run_files import write_environment

    notes: list[str] = []

    class Listener(Silent):
        def note(self, message: str) -> None:
            notes.append(message)

    write_environment(tmp_path, Listener())
    write_environment(tmp_path, Listener())
    assert notes == []
    path = tmp_path / "environment.json"
    path.write_text(path.read_text().replace('"OMP_NUM_THREADS": "1"', '"OMP_NUM_THREADS": "7"'))
    write_environment(tmp_path, Listener())
    assert len(notes) == 1
    assert "OMP_NUM_THREADS was 7, is 1" in notes[0]


@pytest.mark.slow
def test_a_folder_of_results_imports_no_code(
    in_toy: Path, tmp_path: Path, in_process: list[int]
) -> None:
    run_study(CONSTANT, out=tmp_path / "run")
    (tmp_path / "evil.py").write_text("open('ran', 'w')")
    study = tmp_path / "run" / "study.toml"
    study.write_text(study.read_text().replace('"constant"', '"evil:Evil"'))
    environment = {**command_environment(tmp_path), "COLUMNS": "100"}
    for verb in ("status", "verify", "hash", "run"):
        place = str(study if verb == "run" else tmp_path / "run")
        command = [sys.executable, "-m", "surrobench", verb, place]
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, check=False, capture_output=True, text=True
        )
        assert done.returncode == int(verb == "run"), done.stderr
    assert "--allow-code" in done.stderr
    assert not os.path.exists(tmp_path / "ran")
