"""Published lists and objects of plain values that exist only as a pickle or a file of torch.save.

Many authors pickle what JSON would have held: lists of dictionaries of numbers and texts. These are
read by an allow list (:mod:`surrobench.base.unpickling`): plain values, NumPy's single numbers and
arrays of numbers, nothing else, and no function of another package is called.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from surrobench.base.unpickling import PLAIN_OPCODES, Label, load_inert
from surrobench.errors import UserError
from surrobench.tasks.files.archives import members
from surrobench.tasks.files.unpickle import DType, new_array

_OPCODES = PLAIN_OPCODES | {
    "BINFLOAT",
    "BINPUT",
    "GLOBAL",
    "LONG1",
    "LONG_BINPUT",
}


def _number(dtype: DType, content: object) -> float | int:
    """Stands in for the function that makes NumPy's single numbers."""
    kind = dtype.numbers()
    if not isinstance(content, bytes) or len(content) != kind.itemsize:
        raise pickle.UnpicklingError("a number does not have the bytes that its type states")
    value: float | int = np.frombuffer(content, dtype=kind)[0].item()
    return value


_ALLOWED: dict[tuple[str, str], type | Callable[..., Any]] = {
    ("numpy.core.multiarray", "scalar"): _number,
    ("numpy.core.multiarray", "_reconstruct"): new_array,
    ("numpy", "ndarray"): Label,
    ("numpy", "dtype"): DType,
}


def read_plain_pickle(content: bytes, name: str) -> Any:
    """The lists, dictionaries, numbers and texts of a pickle; arrays are ``Array`` stand-ins.

    Args:
        content: the bytes of the file; check its checksum first.
        name: the name of the file, for the message.

    Raises:
        UserError: if the pickle holds or asks for anything else.
    """
    try:
        return load_inert(content, _ALLOWED, _OPCODES)
    except Exception as error:  # a hostile pickle can make any part of this fail
        raise UserError(
            f"{name} is not the expected pickle of plain values and was not read: {error}."
        ) from error


def read_torch_file(path: Path) -> Any:
    """The plain values that ``torch.save`` wrote, which is a pickle in a zip archive.

    Args:
        path: of the file; check its checksum first.

    Raises:
        UserError: if it holds tensors or anything else but plain values.
    """
    pickles = [content for name, content in members(path) if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise UserError(f"{path.name} is not a file of torch.save and was not read.")
    return read_plain_pickle(pickles[0], path.name)
