"""What a template process does: import what workers need, and fork whenever it is asked to.

It runs no code of others and starts no thread: a fork would inherit locks that nobody frees.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import spawn, util
from multiprocessing.connection import wait
from pathlib import Path
from types import FrameType

from surrobench.base.registry import import_attribute

FORK, READY = b"fork", b"ready"
MOST_BYTES, MOST_DESCRIPTORS = 1 << 16, 64
_NUMBER = struct.Struct("q")
_HARMLESS_THREADS = {"jemalloc_bg_thd"}
"""Arrow's allocator tidies up in a thread of its own, and looks after it around a fork."""

_inherited: list[int] = []


class Inherited:
    """An open file of the driver, as a worker that was sent it finds it.

    Args:
        place: among the files that were sent along.
    """

    def __init__(self, place: int) -> None:
        self._place = place

    def detach(self) -> int:
        """The descriptor, which is the caller's from now on."""
        return _inherited[self._place]


def read_number(descriptor: int) -> int:
    """A number from a pipe.

    Raises:
        EOFError: if the other end was closed before.
    """
    content = b""
    while len(content) < _NUMBER.size:
        part = os.read(descriptor, _NUMBER.size - len(content))
        if not part:
            raise EOFError
        content += part
    return int(_NUMBER.unpack(content)[0])


def serve(descriptor: int, target: str) -> None:
    """Fork a worker for every request until the driver leaves.

    Args:
        descriptor: a socket that keeps the limits of messages, to the driver. What arrives is a
            JSON list of modules to import, or ``FORK`` with the files of a new worker: where it
            reads its orders, where its process id and exit status are told, and what it inherits.
        target: ``"module:attribute"`` to import before anything else, "" for none.
    """
    control = socket.socket(fileno=descriptor)
    with suppress(Exception):  # a worker will meet it again, and say so in its log
        if target:
            import_attribute(target)
    ended, wake = _watch_children()
    statuses: dict[int, int] = {}
    _tidy()
    if not _may_fork():
        return
    control.send(READY)
    while True:
        ready = wait([control, ended])
        if ended in ready:
            os.read(ended, MOST_BYTES)
            _tell_endings(statuses)
        if control not in ready:
            continue
        message, files, _, _ = socket.recv_fds(control, MOST_BYTES, MOST_DESCRIPTORS)
        if not message:  # the driver has left, or needs no more workers
            _tell_endings(statuses)  # so that their processor seconds count as ours
            os._exit(0)
        if message != FORK:
            _import(json.loads(message))
            continue
        if not _may_fork():
            return
        orders, status, *inherited = files
        worker = os.fork()
        if worker == 0:
            for ours in (control.detach(), ended, wake, status, *statuses.values()):
                os.close(ours)
            _work(orders, inherited)
        statuses[worker] = status
        with suppress(BrokenPipeError):
            os.write(status, _NUMBER.pack(worker))
        for theirs in (orders, *inherited):
            os.close(theirs)


def _watch_children() -> tuple[int, int]:
    """A pipe that can be read from whenever a worker has ended, and its other end."""
    ended, wake = os.pipe()
    os.set_blocking(ended, False)
    os.set_blocking(wake, False)

    def noted(number: int, frame: FrameType | None) -> None:
        """Signals that nobody handles do not wake anybody."""

    signal.signal(signal.SIGCHLD, noted)
    signal.set_wakeup_fd(wake)
    return ended, wake


def _tell_endings(statuses: dict[int, int]) -> None:
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            status = statuses.pop(found[0])
            with suppress(BrokenPipeError):
                os.write(status, _NUMBER.pack(os.waitstatus_to_exitcode(found[1])))
            os.close(status)


def _import(modules: Sequence[str]) -> None:
    for module in modules:
        with suppress(Exception):  # as above
            importlib.import_module(module)
    _tidy()


def _tidy() -> None:
    """Collecting later would write to every object, and unshare the memory that it lies in."""
    gc.collect()
    gc.freeze()


def _may_fork() -> bool:
    """Whether this is the only thread that could hold a lock, and no GPU is in use."""
    threads = [
        Path(f"/proc/self/task/{thread}/comm").read_text(encoding="utf-8").strip()
        for thread in os.listdir("/proc/self/task")
    ]
    torch = sys.modules.get("torch")
    on_gpu = torch is not None and torch.cuda.is_initialized()
    return not on_gpu and sum(name not in _HARMLESS_THREADS for name in threads) == 1


def _work(orders: int, inherited: Sequence[int]) -> None:
    """Become a worker, as a process does that multiprocessing has started."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed()  # as fresh as that of a new process
        _inherited[:] = inherited
        util._run_after_forkers()  # type: ignore[attr-defined]
        code = spawn._main(orders, os.dup(orders))
    finally:
        os._exit(code)
