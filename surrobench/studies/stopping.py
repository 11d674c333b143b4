"""What a machine refuses in the middle of a run: no fault of the study, and nothing is lost."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from surrobench.studies.engine.executor import WorkerStartError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}


class RunStoppedError(Exception):
    """The run cannot go on, through no fault of the study; what is finished is kept."""


@contextmanager
def stopping_when_unable(folder: Path) -> Iterator[None]:
    """Turn what the machine refuses while a folder is written into a RunStoppedError."""
    try:
        yield
    except WorkerStartError as error:
        raise RunStoppedError(f"the workers cannot start: {error}") from error
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise RunStoppedError(
            f"cannot write to {folder}: {error.strerror}. Finished cells are kept; "
            "make room and run the same command again."
        ) from error
