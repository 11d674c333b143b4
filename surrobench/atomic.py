"""Files that are never seen half written."""

from __future__ import annotations

import os
import threading
from pathlib import Path

TEMPORARY = ".tmp-"
"""What the names of unfinished files begin with; a killed process may leave one."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that readers find the old content, the new one, or no file; never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = f"{os.getpid()}-{threading.get_ident()}"
    temporary = path.with_name(f"{TEMPORARY}{writer}-{path.name}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
