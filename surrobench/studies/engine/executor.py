"""Local worker processes, each with a deadline and a memory limit; pebble runs them.

Whatever an item does (raise, hang in C code that holds the interpreter lock, exit, eat memory, be
killed) costs that item alone. Therefore every worker is a pebble pool of its own that holds one
item at a time: the workers of a common pool share a pipe and its locks, and pebble (5.2) can lose
the items of others there when a worker dies or reaches its deadline at a bad moment.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import current_process
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, Literal, TypeVar

from pebble import ProcessExpired, ProcessPool

from surrobench.errors import text_of
from surrobench.studies.engine import worker
from surrobench.studies.engine.template import (
    START_SECONDS,
    UNKNOWN_STATUS,
    ForkedPopen,
    Template,
    TemplateLostError,
    settle,
)
from surrobench.studies.threads import limit_this_process, thread_settings

T = TypeVar("T")

Ending = Literal["done", "error", "timeout", "oom", "died"]
_TRIES = 3
_LOOK_SECONDS = 0.1
_STARTING = threading.Lock()


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
        seconds: wall time, with the start of the worker if it had to start first.
    """

    item: T
    ending: Ending
    value: Any
    seconds: float


class WorkerStartError(RuntimeError):
    """A worker process could not even start; its last output says why."""


class _Process(SpawnProcess):
    """A process with one numerical thread that does not import the user's script.

    A spawned process imports ``__main__`` again. No item needs that, and a script that calls
    ``run_study`` without ``if __name__ == "__main__"`` would run anew in every worker.

    A daemonic process (a Dask worker under its nanny) may start this one too: what Python forbids
    it for, children that nobody ends, cannot happen, because a worker leaves with its parent.

    Args:
        template: what it is forked from, if anything; otherwise, and if that cannot be, a new
            interpreter is started.
    """

    def __init__(self, *arguments: Any, template: Template | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._template = template

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_template": None}

    @staticmethod
    def _Popen(process: Any) -> Any:  # noqa: N802  (the name that multiprocessing calls)
        if process._template is not None:
            with contextlib.suppress(TemplateLostError):
                return ForkedPopen(process, process._template)
        return SpawnProcess._Popen(process)

    def start(self) -> None:
        with _STARTING:
            main, threads = sys.modules["__main__"], thread_settings()
            here = current_process()
            daemon = here.daemon
            sys.modules["__main__"] = ModuleType("__main__")
            limit_this_process()  # inherited, so it holds before the worker imports anything
            try:
                here.daemon = False
                super().start()
            finally:
                here.daemon = daemon
                sys.modules["__main__"] = main
                for name, value in threads.items():
                    del os.environ[name]
                    if value:
                        os.environ[name] = value

    def terminate(self) -> None:
        """Kill the process and what it started, at once: C code would not let a handler run."""
        _kill_group(self.pid)
        self.kill()

    @property
    def exitcode(self) -> int | None:
        """The exit status, but 256 for 0: pebble would not notice that the worker has left."""
        return 256 if super().exitcode == 0 else super().exitcode


def _kill_group(worker: int | None) -> None:
    """Kill the process group that a worker leads, or led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if worker is not None:
            os.killpg(worker, signal.SIGKILL)


class _Context(SpawnContext):
    def __init__(self, template: Template | None) -> None:
        self.Process = partial(_Process, template=template)  # type: ignore[misc,assignment]


class GuardedProcess(Generic[T]):
    """A process for one item at a time, replaced when it is lost, and the item it has now.

    Args:
        target: ``"module:function"``, imported when the process starts.
        limits: time and memory of one item.
        log: where what it prints is appended.
        environment: further variables of the process.
        path: folders to import from besides those of this process.
        template: what the process is forked from as long as nothing goes wrong with that.
    """

    def __init__(
        self,
        target: str,
        limits: Limits,
        log: Path,
        environment: Mapping[str, str],
        path: Sequence[str] = (),
        template: Template | None = None,
    ) -> None:
        self._target, self._timeout, self._log = target, limits.timeout_seconds, log
        log.touch()
        arguments = (target, limits.memory_bytes, log, dict(environment), tuple(path))
        self._pool_of = partial(ProcessPool, 1, initializer=worker.prepare, initargs=arguments)
        self._template = template
        self.pool = self._new_pool()
        self._losses = 0

    def _new_pool(self) -> ProcessPool:
        return self._pool_of(context=_Context(self._template))

    def take(self, item: T, target: str | None = None, *, timed: bool = True) -> None:
        """Begin with an item, in a new pool if this one broke or was stopped.

        Args:
            item: to compute.
            target: by what, if not by the one that the process was made for.
            timed: whether it has to be done in time.
        """
        if not self.pool.active:
            self.pool.join()
            self.pool = self._new_pool()
        self._item, self._by, self._timed = item, target or self._target, timed
        self._taken = time.monotonic()
        timeout = self._timeout if timed else None
        self.future = self.pool.schedule(worker.compute, (self._by, item), {}, timeout)

    def outcome(self) -> Outcome[T] | None:
        """How the item ended; None while it is computed.

        Raises:
            WorkerStartError: if process after process is lost before it begins the item.
        """
        seconds = time.monotonic() - self._taken
        hung = seconds > START_SECONDS and not self.future.running()
        if self.pool.active and not hung and not self.future.done():
            return None
        ending: Ending
        try:
            if not self.future.done():
                raise BrokenProcessPool
            ending, value = self.future.result()
            value = pickle.loads(value) if ending == "done" else value
        except BrokenProcessPool:
            self._take_again()
            return None
        except Exception as error:
            _kill_group(getattr(error, "pid", None))  # what a worker that died has started
            if getattr(error, "exitcode", None) == UNKNOWN_STATUS:
                self._take_again()  # not by its fault
                return None
            ending, value = _explain(error)
            self.pool.stop()  # the worker may have died with a lock that the next one would need
        self._losses = 0
        return Outcome(self._item, ending, value, seconds)

    def _take_again(self) -> None:
        self._losses += 1
        self._template = None  # the usual way tells more
        if self._losses == _TRIES:
            how = f"{_TRIES} processes in a row ended, or hung, before they began an item"
            tail = self._log.read_text(errors="replace").strip().splitlines()[-15:]
            raise WorkerStartError("\n".join([how, *tail]))
        self.pool.stop()
        self.take(self._item, self._by, timed=self._timed)

    def run(
        self,
        item: T,
        target: str | None = None,
        *,
        going: Callable[[], bool] = lambda: True,
        timed: bool = True,
    ) -> Outcome[T] | None:
        """Compute an item and wait for it.

        Args:
            item: to compute.
            target: by what, if not by the one that the process was made for.
            timed: whether it has to be done in time.
            going: asked ten times a second; once false, the process is ended.

        Returns:
            How the item ended; None if it was broken off.
        """
        self.take(item, target, timed=timed)
        while (outcome := self.outcome()) is None:
            if not going():
                self.close()
                return None
            wait([self.future], _LOOK_SECONDS)
        return outcome

    def close(self) -> None:
        """End the process, and what it computes."""
        self.pool.stop()
        self.pool.join()


def _explain(error: BaseException) -> tuple[Ending, str]:
    if isinstance(error, TimeoutError):
        return "timeout", f"stopped after {error.args[1]:g} s"
    if not isinstance(error, ProcessExpired):  # such as a value that cannot be unpickled here
        return "error", f"{type(error).__name__}: {text_of(error)}"
    if error.exitcode >= 0:
        return "died", f"worker died (exit status {error.exitcode % 256})"
    hint = "; perhaps the system was out of memory" if error.exitcode == -signal.SIGKILL else ""
    return "died", f"worker died (killed by {signal.Signals(-error.exitcode).name}{hint})"


def execute(
    target: str,
    items: Sequence[T],
    *,
    workers: int,
    limits: Limits,
    logs: Path,
    stop: Callable[[], bool] = lambda: False,
    more: Callable[[], bool] = lambda: True,
    environments: Sequence[Mapping[str, str]] = (),
    template: Template | None = None,
) -> Iterator[Outcome[T]]:
    """Compute ``target(item)`` for every item in worker processes.

    Args:
        target: ``"module:function"``, imported by the workers.
        items: picklable; handed out in this order.
        workers: number of processes.
        limits: time and memory of one item.
        logs: folder for what the workers print.
        stop: asked ten times a second; once true, the workers are killed and this returns.
        more: asked before a worker takes another item than its first; once false, those that were
            taken are finished and no others begin.
        environments: further variables of the first worker, of the second, and so on, in turn; a
            worker that replaces a lost one has those of that one.
        template: what the workers are forked from, if they are; it goes on.

    Yields:
        One outcome per item, in the order of completion.

    Raises:
        WorkerStartError: if workers cannot start at all.
    """
    logs.mkdir(parents=True, exist_ok=True)
    todo = deque(items)
    crew: list[GuardedProcess[T]] = [
        GuardedProcess(
            target,
            limits,
            logs / f"worker-{slot}.log",
            environments[slot % len(environments)] if environments else {},
            template=template,
        )
        for slot in range(min(max(1, workers), len(items)))
    ]
    try:
        settle(template, stop, _LOOK_SECONDS)
        if stop():
            return
        for member in crew:
            member.take(todo.popleft())
        busy = list(crew)
        while busy and not stop():
            wait([member.future for member in busy], _LOOK_SECONDS, FIRST_COMPLETED)
            for member in list(busy):
                outcome = member.outcome()
                if outcome is None:
                    continue
                if outcome.ending == "died" and stop():
                    return  # whoever stops us may have killed the worker as well
                if todo and more():
                    member.take(todo.popleft())
                else:
                    busy.remove(member)
                yield outcome
    finally:
        for member in crew:
            member.pool.stop()
        for member in crew:
            member.pool.join()
        remove_empty_logs(logs)


def remove_empty_logs(logs: Path) -> None:
    """Remove logs in which nothing stands, and their folder if nothing is left in it."""
    for log in logs.glob("worker-*.log"):
        if log.stat().st_size == 0:
            log.unlink()
    with contextlib.suppress(OSError):  # it holds something
        logs.rmdir()
