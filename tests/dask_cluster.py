"""A Dask scheduler and Dask workers as processes on loopback, which never outlive the tests."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

SECONDS = 90.0
"""A machine may be busy."""


def _leave_with_tests() -> None:
    """Die with the process that started this one, however that ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def wait_until(what: Callable[[], object], seconds: float = SECONDS) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.05)


class DaskProcesses:
    """Starts and kills ``dask scheduler`` and ``dask worker``.

    Args:
        folder: for logs and the scheduler file; workers run there, far from the study.
        environment: of these processes.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder, self._environment = folder, dict(environment)
        self._environment["DASK_TEMPORARY_DIRECTORY"] = str(folder)
        self.file = folder / "scheduler.json"
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def _start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "dask", *command, "--no-dashboard", "--host", "127.0.0.1"],
                cwd=self.folder,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_leave_with_tests,
            )

    def start_scheduler(self) -> str:
        """Start one on a free port; its address."""
        self.file.unlink(missing_ok=True)
        idle = ("--idle-timeout", "300 s")
        self._start(
            "scheduler", "scheduler", "--port", "0", "--scheduler-file", str(self.file), *idle
        )
        wait_until(self._address)
        return self._address()

    def _address(self) -> str:
        """What the scheduler file says, which is there before it is whole; "" before that."""
        try:
            return str(json.loads(self.file.read_text())["address"])
        except (OSError, ValueError):
            return ""

    def start_worker(self, name: str, *options: str) -> None:
        """Start one with one thread."""
        given = ("--scheduler-file", str(self.file), "--nthreads", "1", "--name", name)
        self._start(name, "worker", *given, "--death-timeout", "60 s", *options)

    def kill(self, name: str) -> None:
        """SIGKILL a process and those of its group, a nanny's worker among them."""
        process = self.running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(SECONDS)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")


@contextmanager
def dask_processes(folder: Path, environment: Mapping[str, str]) -> Iterator[DaskProcesses]:
    """Processes that are all killed in the end."""
    folder.mkdir(parents=True, exist_ok=True)
    processes = DaskProcesses(folder, environment)
    try:
        yield processes
    finally:
        for name in list(processes.running):
            processes.kill(name)
