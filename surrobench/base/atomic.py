"""Files that are never seen half written."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

from surrobench.base.failpoints import failpoint, failpoint_is_set

TEMPORARY = ".tmp-"
"""What the names of unfinished files begin with; a killed process may leave one."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that readers find the old content, the new one, or no file; never a part."""
    temporary = _temporary(path)
    failpoint("before-write")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        with os.fdopen(descriptor, "wb") as file:
            if failpoint_is_set():
                file.write(content[: len(content) // 2])
                file.flush()
                failpoint("mid-write")
                file.seek(0)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        failpoint("after-fsync")
        os.replace(temporary, path)
        failpoint("after-rename")
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def try_writing(path: Path) -> None:
    """Find out whether :func:`write_atomically` can write a file; what is there stays as it is.

    Raises:
        OSError: if it cannot, as it would.
    """
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if os.path.exists(path) and not os.path.isfile(path):
        # Renaming would put a file in the place of the device.
        raise OSError(errno.EINVAL, "it is a device or a pipe", str(path))
    temporary = _temporary(path)
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT, 0o666))
    temporary.unlink()


def _temporary(path: Path) -> Path:
    """The unfinished file of this thread, beside ``path`` in a folder that then exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = f"{os.getpid()}-{threading.get_ident()}"
    return path.with_name(f"{TEMPORARY}{writer}-{path.name}")
