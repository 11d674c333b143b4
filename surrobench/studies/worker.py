"""The worker process: computes one item after the other and never outlives its driver.

Started by :mod:`surrobench.studies.executor` as ``python -m surrobench.studies.worker``, with one
end of a socket pair. It answers ``("ready", None)``, then for each item ``("done", value)``,
``("oom", reason)`` or ``("error", traceback)``.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from typing import Any

from surrobench.registry import import_attribute


def main(arguments: list[str]) -> None:
    """Serve the driver at the other end of file descriptor ``arguments[0]``."""
    descriptor, target, memory_bytes = int(arguments[0]), arguments[1], int(arguments[2])
    os.set_inheritable(descriptor, False)  # what the item starts must not hold the pipe open
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides when to stop
    threading.Thread(target=_leave_with_driver, args=(descriptor,), daemon=True).start()
    connection: Connection[Any, Any] = Connection(descriptor)
    compute = import_attribute(target)
    _limit_memory(memory_bytes)
    connection.send(("ready", None))
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            connection.send(_answer(compute, connection.recv()))


def _answer(compute: Any, item: Any) -> tuple[str, Any]:
    try:
        return ("done", compute(item))
    except MemoryError as error:
        return ("oom", f"out of memory: {error}".rstrip(": "))
    except BaseException:  # a SystemExit of foreign code must not take the worker along
        return ("error", traceback.format_exc())
    finally:
        sys.stdout.flush()


def _leave_with_driver(descriptor: int) -> None:
    """Exit as soon as the driver has closed its end, even in the middle of an item."""
    watch = select.poll()
    watch.register(descriptor, 0)  # hang-ups are always reported
    while not any(event & (select.POLLHUP | select.POLLERR) for _, event in watch.poll()):
        pass
    os._exit(0)


def _limit_memory(memory_bytes: int) -> None:
    """Make allocations beyond the limit raise MemoryError (Linux counts private memory)."""
    if memory_bytes > 0 and sys.platform == "linux":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        limit = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


if __name__ == "__main__":
    main(sys.argv[1:])
