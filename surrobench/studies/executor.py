"""Local worker processes, each with a deadline and a memory limit.

Every worker is a fresh Python process (never forked: threads and forks deadlock) in its own
session, with one numerical thread and a private pipe. So whatever an item does (raise, hang in C
code that holds the interpreter lock, exit, eat memory, be killed) costs that item alone: no queue
or lock is shared with the other workers. One supervising thread per worker hands it items,
watches clock and memory, and replaces it when it is lost. Durations are monotonic.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from surrobench.studies.threads import single_threaded

T = TypeVar("T")

Ending = Literal["done", "error", "timeout", "oom", "died"]
START_SECONDS = 300.0  # a cold disk may need long to import torch
_LOOK_SECONDS = 0.1
_COMMAND = [sys.executable, "-P", "-u", "-m", "surrobench.studies.worker"]


@dataclass(frozen=True)
class Limits:
    """What one item may use; ``None`` is no limit."""

    timeout_seconds: float | None = None
    memory_gib: float | None = None

    @property
    def memory_bytes(self) -> int:
        """The memory limit in bytes, 0 for none."""
        return 0 if self.memory_gib is None else int(self.memory_gib * 2**30)


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """How an item ended.

    Attributes:
        item: what was handed to the worker.
        ending: ``done``, or how it went wrong.
        value: the result (``done``), else a reason that people can read.
        seconds: wall time.
    """

    item: T
    ending: Ending
    value: Any
    seconds: float


class WorkerStartError(RuntimeError):
    """A worker process could not even start; its last output says why."""


class _Worker:
    """One worker process and the driver's end of its pipe."""

    def __init__(self, target: str, limits: Limits, log: Path) -> None:
        self._limits = limits
        ours, theirs = Pipe()
        environment = single_threaded(os.environ)
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        with open(log, "ab") as output:
            self._process = subprocess.Popen(
                [*_COMMAND, str(theirs.fileno()), target, str(limits.memory_bytes)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C reaches the driver alone
            )
        theirs.close()
        self._pipe = ours

    def wait_until_ready(self, log: Path) -> None:
        """Wait for the imports; raises WorkerStartError if the process ends instead."""
        try:
            if self._pipe.poll(START_SECONDS):
                self._pipe.recv()
                return
            how = f"took over {START_SECONDS:.0f} s to start"
        except (EOFError, OSError):
            how = f"ended at once: {self._exit_text()}"
        self.kill()
        tail = log.read_text(errors="replace").strip().splitlines()[-15:]
        raise WorkerStartError("\n".join([f"a worker process {how}", *tail]))

    def compute(self, item: Any) -> tuple[Ending, Any]:
        """Let the worker compute one item; after any ending but done or error it is gone."""
        timeout = self._limits.timeout_seconds
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            self._pipe.send(item)
            while not self._pipe.poll(_time_left(deadline)):
                if self._process.poll() is not None:  # its children may hold the pipe open
                    raise EOFError
                if deadline is not None and time.monotonic() >= deadline:
                    self.kill()
                    return "timeout", f"stopped after {timeout:g} s"
                used = _resident_bytes(self._process.pid)
                if 0 < self._limits.memory_bytes < used:
                    self.kill()
                    return "oom", f"the worker used more than {self._limits.memory_gib:g} GiB"
            ending, value = self._pipe.recv()
            return ending, value
        except (EOFError, OSError):
            return "died", f"worker died ({self._exit_text()})"

    @property
    def alive(self) -> bool:
        """Whether the worker can take another item."""
        return self._process.poll() is None

    def _exit_text(self) -> str:
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "it closed its pipe"
        if code >= 0:
            return f"exit status {code}"
        hint = "; perhaps the system was out of memory" if -code == signal.SIGKILL else ""
        return f"killed by {signal.Signals(-code).name}{hint}"

    def kill(self) -> None:
        """End the worker and everything that it started, at once (from any thread)."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def discard(self) -> None:
        """Kill the worker and close the pipe; only for the thread that uses the pipe."""
        self.kill()
        self._pipe.close()


def _time_left(deadline: float | None) -> float:
    if deadline is None:
        return _LOOK_SECONDS
    return max(0.0, min(_LOOK_SECONDS, deadline - time.monotonic()))


def _resident_bytes(pid: int) -> int:
    """Resident memory of a process; 0 where the system does not tell."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


class _Crew(Generic[T]):
    """The supervising threads, the items still to do and the outcomes."""

    def __init__(
        self, target: str, items: Sequence[T], workers: int, limits: Limits, logs: Path
    ) -> None:
        self._target, self._limits, self._logs = target, limits, logs
        self._items = iter(items)
        self._next = threading.Lock()
        self._stopping = False
        self._workers: dict[int, _Worker] = {}
        self.outcomes: queue.SimpleQueue[Outcome[T] | BaseException] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._supervise, args=(slot,), daemon=True)
            for slot in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def _supervise(self, slot: int) -> None:
        log = self._logs / f"worker-{slot}.log"
        try:
            worker = self._start(slot, log)
            while (item := self._take()) is not None:
                if not worker.alive:
                    worker.discard()
                    worker = self._start(slot, log)
                started = time.monotonic()
                ending, value = worker.compute(item)
                if self._stopping:
                    return
                seconds = time.monotonic() - started
                self.outcomes.put(Outcome(item, ending, value, seconds))
        except BaseException as error:  # handed to the driver, which raises it
            self.outcomes.put(error)
        finally:
            if slot in self._workers:
                self._workers[slot].discard()

    def _start(self, slot: int, log: Path) -> _Worker:
        worker = _Worker(self._target, self._limits, log)
        self._workers[slot] = worker
        if self._stopping:
            worker.kill()
        worker.wait_until_ready(log)
        return worker

    def _take(self) -> T | None:
        with self._next:
            return None if self._stopping else next(self._items, None)

    def stop(self) -> None:
        """Kill all workers; items in progress are lost."""
        self._stopping = True
        for worker in list(self._workers.values()):
            worker.kill()
        for thread in self._threads:
            thread.join(timeout=1)


def execute(
    target: str,
    items: Sequence[T],
    *,
    workers: int,
    limits: Limits,
    logs: Path,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Outcome[T]]:
    """Compute ``target(item)`` for every item in worker processes.

    Args:
        target: ``"module:function"``, imported by the workers.
        items: picklable; handed out in this order.
        workers: number of processes.
        limits: time and memory of one item.
        logs: folder for what the workers print.
        stop: asked ten times a second; once true, the workers are killed and this returns.

    Yields:
        One outcome per item, in the order of completion.

    Raises:
        WorkerStartError: if workers cannot start at all.
    """
    logs.mkdir(parents=True, exist_ok=True)
    crew = _Crew(target, items, max(1, min(workers, len(items))), limits, logs)
    try:
        remaining = len(items)
        while remaining and not stop():
            try:
                outcome = crew.outcomes.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                continue
            if isinstance(outcome, BaseException):
                raise outcome
            remaining -= 1
            yield outcome
    finally:
        crew.stop()
        _remove_empty(logs)


def _remove_empty(logs: Path) -> None:
    for log in logs.glob("worker-*.log"):
        if log.stat().st_size == 0:
            log.unlink()
    with contextlib.suppress(OSError):  # it holds something
        logs.rmdir()
