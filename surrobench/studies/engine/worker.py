"""What happens inside a worker process: it is prepared once, then computes item after item."""

from __future__ import annotations

import io
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from multiprocessing import parent_process
from pathlib import Path
from typing import Any, Literal

from surrobench.base.process_state import ImportEffects, restored
from surrobench.base.registry import import_attribute, watched_imports
from surrobench.errors import text_of

_EFFECTS = ImportEffects()


def prepare(
    target: str,
    memory_bytes: int,
    log: Path,
    environment: Mapping[str, str],
    path: Sequence[str] = (),
) -> None:
    """Make this process a worker; what it raises ends up at the end of ``log``.

    Args:
        target: ``"module:function"``, imported here so that no item pays for it.
        memory_bytes: limit of what it may allocate, 0 for none.
        log: where everything that the process prints is appended.
        environment: variables that only this process has, such as the GPU that it may see; set
            before anything heavy is imported.
        path: folders that modules are also imported from, such as those of a driver elsewhere.
    """
    os.environ.update(environment)
    sys.path += [folder for folder in path if folder not in sys.path and os.path.isdir(folder)]
    os.setsid()  # leads a process group: signals to the driver's (Ctrl-C, timeout(1)) stay there
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # pebble's handler would hide what killed it
    output = open(log, "ab", buffering=0)  # noqa: SIM115  (open as long as the process lives)
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    sys.stdout = sys.stderr = io.TextIOWrapper(
        output, encoding="utf-8", errors="backslashreplace", write_through=True
    )
    threading.Thread(target=_leave_with_driver, daemon=True).start()
    import_attribute(target)
    _limit_memory(memory_bytes)


def compute(target: str, item: Any) -> tuple[Literal["done", "oom", "error"], Any]:
    """Compute an item: ``done`` and the pickled value, else what went wrong and a reason.

    The process is left as it was found, so that no item changes the numbers of the next.

    Pebble carries only plain answers: a value or an exception that it cannot pickle, or unpickle,
    would break the pool.
    """
    try:
        with restored(), watched_imports(_EFFECTS.of):
            return "done", pickle.dumps(import_attribute(target)(item))
    except MemoryError as error:
        return "oom", f"out of memory: {text_of(error)}".rstrip(": ")
    except BaseException:  # a SystemExit of foreign code must not take the worker along
        return "error", traceback.format_exc()


def _leave_with_driver() -> None:
    """Exit as soon as the driver is gone, even in the middle of an item."""
    driver = parent_process()
    assert driver is not None
    driver.join()
    os._exit(1)


def _limit_memory(memory_bytes: int) -> None:
    """Make allocations beyond the limit raise MemoryError (Linux counts private memory)."""
    if memory_bytes > 0 and sys.platform == "linux":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        limit = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
