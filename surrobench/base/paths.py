"""Paths as people and files write them, whatever is in the text.

:mod:`pathlib` raises for names that no file system can hold (too long, with a null byte) and for
the home of a user who does not exist; a file that cannot be is a file that is not there.
"""

from __future__ import annotations

import os
from pathlib import Path


def is_file(path: Path) -> bool:
    """Whether there is such a file; not for a name that no file system can hold."""
    return os.path.isfile(path)


def expanded(text: str) -> Path:
    """The path with ``~`` replaced; of a user who is not known it stays as it is."""
    return Path(os.path.expanduser(text))
