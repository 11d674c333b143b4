"""Reading one published data frame that exists only as a pickle, without unpickling it for real.

A pickle is a program. This reader lets it name nine known parts of old pandas and NumPy, gives it
inert stand-ins of our own for them, and refuses everything else, opcodes included
(:mod:`surrobench.base.unpickling`).
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from surrobench.base.unpickling import PLAIN_OPCODES, Label, Stated, load_inert
from surrobench.errors import UserError

_OPCODES = PLAIN_OPCODES | {
    "NEWOBJ",
}
_DTYPES: dict[str, np.dtype[Any]] = {
    "f4": np.dtype("<f4"),
    "f8": np.dtype("<f8"),
    "i8": np.dtype("<i8"),
}


class _Frame(Stated):
    """pandas.DataFrame."""


class _Manager(Stated):
    """pandas' BlockManager."""


class DType(Stated):
    """Stands in for numpy.dtype."""

    def __init__(self, code: str, *_: object) -> None:
        self.code = code

    def numbers(self) -> np.dtype[Any]:
        """The type of little-endian numbers that it states.

        Raises:
            pickle.UnpicklingError: if it states another.
        """
        order = self.state[1] if isinstance(self.state, tuple) and len(self.state) > 1 else "<"
        if self.code not in _DTYPES or order != "<":
            raise pickle.UnpicklingError(f"an array of type {order}{self.code} is not expected")
        return _DTYPES[self.code]


class Array:
    """Stands in for numpy.ndarray: filled from its raw bytes (numbers) or a list of texts."""

    values: npt.NDArray[Any] | list[str]

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, content = state
        size = math.prod(shape)
        if dtype.code == "O8":
            if not isinstance(content, list) or not all(isinstance(x, str) for x in content):
                raise pickle.UnpicklingError("an array of objects must hold texts")
            found = len(content)
            self.values = content
        else:
            kind = dtype.numbers()
            if not isinstance(content, bytes):
                raise pickle.UnpicklingError("an array of numbers must hold bytes")
            found = len(content) // kind.itemsize
            flat = np.frombuffer(content, dtype=kind)
            self.values = flat.reshape(shape, order="F" if fortran else "C")
        if found != size:
            raise pickle.UnpicklingError("an array does not have the size that it states")


def new_array(*_: object) -> Array:
    """Stands in for the function that NumPy builds arrays with."""
    return Array()


def _index(_: object, parts: dict[str, Any]) -> Any:
    return parts.get("data")


def _bounds(start: int, stop: int, step: int) -> range:
    return range(start, stop, step)


_ALLOWED: dict[tuple[str, str], type | Callable[..., Any]] = {
    ("pandas.core.frame", "DataFrame"): _Frame,
    ("pandas.core.internals.managers", "BlockManager"): _Manager,
    ("pandas.core.indexes.base", "_new_Index"): _index,
    ("pandas.core.indexes.base", "Index"): Label,
    ("pandas.core.indexes.range", "RangeIndex"): Label,
    ("numpy.core.multiarray", "_reconstruct"): new_array,
    ("numpy", "ndarray"): Label,
    ("numpy", "dtype"): DType,
    ("builtins", "slice"): _bounds,
}


def read_pickled_frame(content: bytes, name: str) -> dict[str, npt.NDArray[Any] | list[str]]:
    """The columns of a data frame that old pandas pickled.

    Args:
        content: the bytes of the file; check its checksum first.
        name: the name of the file, for the message.

    Raises:
        UserError: if the pickle holds or asks for anything but a plain frame of numbers and texts.
    """
    try:
        return _columns(load_inert(content, _ALLOWED, _OPCODES))
    except UserError:
        raise
    except Exception as error:  # a hostile pickle can make any part of this fail
        raise UserError(
            f"{name} is not the expected pickled data frame and was not read: {error}."
        ) from error


def _columns(frame: Any) -> dict[str, npt.NDArray[Any] | list[str]]:
    if not isinstance(frame, _Frame):
        raise pickle.UnpicklingError("it does not hold a data frame")
    layout = frame.state["_data"].state[3]["0.14.1"]
    names = layout["axes"][0].values
    columns: dict[str, npt.NDArray[Any] | list[str]] = {}
    for block in layout["blocks"]:
        values, places = block["values"].values, block["mgr_locs"]
        for i, place in enumerate(places):
            columns[names[place]] = values if isinstance(values, list) else values[i]
    return {name: columns[name] for name in names}
