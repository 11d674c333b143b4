"""A process that imports what workers need, once, and forks each of them: ready at once, and small.

Importing torch and its relatives takes a new process seconds and some hundred MiB. A template does
it alone; its forks begin with everything in memory, and share it for as long as nobody writes to
it. Where forking is not safe (macOS, a GPU) or not known (Windows) there is no template, and
workers are started as ever.

A forked worker is a :class:`multiprocessing.Process` like any other: the same code hands it its
arguments, watches its deadline and ends it. Its exit status alone comes from the template, which is
its parent; a worker whose template is lost counts as lost.
"""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import popen_fork, reduction, spawn, util
from multiprocessing.connection import wait
from multiprocessing.context import set_spawning_popen
from multiprocessing.process import BaseProcess
from typing import ClassVar

from surrobench.base.registry import is_own
from surrobench.studies.engine import template_server
from surrobench.studies.engine.template_server import Inherited, read_number
from surrobench.studies.threads import single_threaded

START_SECONDS = 300.0  # a cold disk may need long to import torch
_END_SECONDS = 2.0
UNKNOWN_STATUS = 257
"""Exit status of a worker whose template was lost; no process has it."""


class TemplateLostError(RuntimeError):
    """The template cannot fork: it has ended, or never came to life."""


class Template:
    """A process that forks workers; it begins at once, in a session of its own.

    Args:
        target: ``"module:attribute"`` that workers will need; imported if it is of this package.

    Raises:
        OSError: if no process can be started.
    """

    def __init__(self, target: str) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        self._settled = False
        self.lost = False
        path = [entry or os.getcwd() for entry in sys.path]
        code = (
            f"import sys; sys.path[:] = {path!r}; from {template_server.__name__} import serve; "
            f"serve({theirs.fileno()}, {target if is_own(target) else ''!r})"
        )
        options = util._args_from_interpreter_flags()  # type: ignore[attr-defined]
        try:
            self._process = subprocess.Popen(
                [os.fsdecode(spawn.get_executable()), *options, "-c", code],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=single_threaded(os.environ),
                start_new_session=True,  # signals to the driver's group stay there
            )
        except BaseException:
            self._control.close()
            raise
        finally:
            theirs.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def preload(self, modules: Sequence[str]) -> None:
        """Have it import further modules, which start no threads, before it forks again."""
        if modules:
            with self._lock, suppress(OSError):
                self._control.send(json.dumps(list(modules)).encode())

    def is_settled(self, seconds: float = 0.0) -> bool:
        """Whether it is known to be able to fork, or to be lost; waits so long to know."""
        with self._lock:
            if not self._settled and wait([self._control], seconds):
                self.lost = True
                with suppress(OSError):
                    self.lost = self._control.recv(64) != template_server.READY
                self._settled = True
            return self._settled

    def fork(self, descriptors: Sequence[int]) -> tuple[int, int, int]:
        """A new worker.

        Args:
            descriptors: open files that it inherits.

        Returns:
            Its process id, a pipe that its exit status comes from, and one that takes its orders.

        Raises:
            TemplateLostError: if the template is lost, or does not answer.
        """
        if not self.is_settled(START_SECONDS) or self.lost:
            self.close()
            raise TemplateLostError
        status, their_status = os.pipe()
        their_orders, orders = os.pipe()
        try:
            with self._lock:
                files = [their_orders, their_status, *descriptors]
                socket.send_fds(self._control, [template_server.FORK], files)
            os.close(their_status)
            their_status = -1
            if not wait([status], START_SECONDS):
                raise TimeoutError
            return read_number(status), status, orders
        except (OSError, EOFError) as error:
            _close(status, orders)
            self.close()
            raise TemplateLostError from error
        finally:
            os.close(their_orders)
            if their_status >= 0:
                os.close(their_status)

    def close(self) -> None:
        """End it; its workers are to have ended before."""
        with self._lock:
            ready = self._settled and not self.lost
            self.lost = self._settled = True
            self._control.close()
            try:
                self._process.wait(_END_SECONDS if ready else 0)
            except subprocess.TimeoutExpired:  # it is still importing, perhaps for minutes
                self._process.kill()
                self._process.wait()


class ForkedPopen(popen_fork.Popen):
    """How a process object lives in a fork of a template.

    Args:
        process: the object.
        template: what forks.

    Raises:
        TemplateLostError: if it cannot.
    """

    method = "template"
    DupFd: ClassVar[type[Inherited]] = Inherited

    def __init__(self, process: BaseProcess, template: Template) -> None:
        self._template = template
        self._descriptors: list[int] = []
        super().__init__(process)

    def duplicate_for_child(self, descriptor: int) -> int:
        """Send an open file along; the place where the worker finds it."""
        self._descriptors.append(descriptor)
        return len(self._descriptors) - 1

    def _launch(self, process: BaseProcess) -> None:
        orders = io.BytesIO()
        set_spawning_popen(self)  # type: ignore[arg-type]
        try:
            reduction.dump(spawn.get_preparation_data(process.name), orders)
            reduction.dump(process, orders)
        finally:
            set_spawning_popen(None)
        self.pid, self.sentinel, pipe = self._template.fork(self._descriptors)
        # What is left of the pipe tells the worker, by its end, that this process is gone.
        self.finalizer = util.Finalize(self, _close, (pipe, self.sentinel))
        with suppress(BrokenPipeError), open(pipe, "wb", closefd=False) as file:
            file.write(orders.getbuffer())

    def poll(self, flag: int = os.WNOHANG) -> int | None:
        """The exit status, as soon as the worker has one."""
        if self.returncode is None:
            if not wait([self.sentinel], 0 if flag == os.WNOHANG else None):
                return None
            try:
                self.returncode = read_number(self.sentinel)
            except (OSError, EOFError):
                self.returncode = UNKNOWN_STATUS
        return self.returncode


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def new_template(target: str) -> Template | None:
    """A template if workers can be forked here, else None."""
    if sys.platform != "linux":
        return None
    try:
        return Template(target)
    except OSError:
        return None


def settle(template: Template | None, stop: Callable[[], bool], seconds: float) -> None:
    """Wait until a template can fork or is lost; every so many seconds ask whether to stop."""
    waited = 0.0
    while template is not None and not stop() and not template.is_settled(seconds):
        waited += seconds
        if waited > START_SECONDS:
            template.close()
