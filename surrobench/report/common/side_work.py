"""Work that forks of this process do while it goes on, such as drawing what it has computed.

A fork finds everything in memory, so nothing is sent to it, and only what it returns comes back.
Forking is safe where no other thread of Python may hold a lock; the threads of numerical libraries
wait, and work that is done here must not need them. Elsewhere it is done at once, in this process.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import wait
from types import TracebackType
from typing import IO, Any, Generic, TypeVar

T = TypeVar("T")

MOST = 8
"""Forks at once; each has memory of its own beside what they share."""


class SideWork:
    """Does pieces of work in forks of this process, as many at once as there are cores.

    As a context it ends what is still being done when it is left.

    Args:
        most: forks at once; with fewer than two everything is done in this process. By default the
            number of cores where forking is safe, and none elsewhere.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = (min(_cores(), MOST) if _is_safe() else 0) if most is None else most
        self._begun: list[_Fork[Any]] = []

    @property
    def forks(self) -> bool:
        """Whether work is done in forks."""
        return self._most > 1

    def begin(self, work: Callable[[], T]) -> Callable[[], T]:
        """Begin a piece of work, as soon as there are few enough forks.

        Args:
            work: returns what can be pickled. If its fork is lost, or the work raises there, it is
                done in this process, where it may raise.

        Returns:
            What waits for the work and returns what it returned.
        """
        fork = self._fork(work)
        if fork is not None:
            return fork.result
        found = work()
        return lambda: found

    def _fork(self, work: Callable[[], T]) -> _Fork[T] | None:
        if not self.forks:
            return None
        while sum(fork.is_running for fork in self._begun) >= self._most:
            wait([fork.pipe for fork in self._begun if fork.is_running])
        try:
            fork = _Fork(work)
        except OSError:  # too many processes, or no memory or disk for one more
            return None
        self._begun.append(fork)
        return fork

    def __enter__(self) -> SideWork:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End what is still being done."""
        for fork in self._begun:
            fork.end()


class _Fork(Generic[T]):
    """One piece of work in a process of its own.

    Raises:
        OSError: if there can be none.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._status: int | None = None
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed by its end)
        self.pipe, theirs = os.pipe()
        try:
            self._pid = os.fork()
        except OSError:
            os.close(self.pipe)
            self._file.close()
            raise
        finally:
            if getattr(self, "_pid", -1) != 0:
                os.close(theirs)  # the fork has it, and by its end that of the fork is known
        if self._pid == 0:
            _answer(work, self._file)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        if self._status is None and wait([self.pipe], 0):
            self._reap()
        return self._status is None

    def result(self) -> T:
        """Wait, and return what the work returned."""
        if self._status is None:
            self._reap()
        if self._status != 0:
            return self._work()
        self._file.seek(0)
        found: T = pickle.load(self._file)
        return found

    def end(self) -> None:
        """Kill it, if it has not ended; its answer is gone."""
        if self._status is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self._reap()
        self._file.close()

    def _reap(self) -> None:
        os.close(self.pipe)
        try:
            self._status = os.waitpid(self._pid, 0)[1]
        except ChildProcessError:  # somebody else waits for the children of this process
            self._status = -1


def _answer(work: Callable[[], Any], file: IO[bytes]) -> None:
    """Do the work, in the fork that this is, and end."""
    status = 1
    try:
        gc.disable()  # looking for cycles in what is shared would copy it
        pickle.dump(work(), file)
        file.flush()
        status = 0
    finally:
        os._exit(status)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1


def _is_safe() -> bool:
    return sys.platform == "linux" and threading.active_count() == 1
