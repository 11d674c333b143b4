"""Arrays of numbers in ``.npz`` archives, without ever unpickling."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from surrobench.errors import UserError

LARGEST_TOTAL = 2**31
_UNREADABLE = (
    OSError,
    ValueError,  # arrays of objects, which would be unpickled
    EOFError,
    MemoryError,  # a header that states more than the file holds
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)


def arrays_in(path: Path) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Every array of the archive with its name, one after the other.

    Raises:
        UserError: if it is no archive of numbers, or unpacks to more than 2 GiB.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(info.file_size for info in archive.infolist())
        if total > LARGEST_TOTAL:
            raise UserError(f"{path} unpacks to {total:,} bytes, more than {LARGEST_TOTAL:,}.")
        with np.load(path, allow_pickle=False) as arrays:
            for name in arrays.files:
                yield name, arrays[name]
    except _UNREADABLE as error:
        raise UserError(f"{path} is not a readable archive of numbers: {error}.") from error
