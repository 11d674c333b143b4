"""CIFAR-10 and CIFAR-100 in their Python version (Krizhevsky, 2009).

The batches are pickles of Python 2: each a dictionary of plain lists, texts and one array of bytes.
They are read through an allow-list, never by ``pickle.load``.
"""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrobench.base.unpickling import PLAIN_OPCODES, Label, StandIns, Stated, load_inert
from surrobench.errors import UserError
from surrobench.training.datasets.raw import RawImages, RawSplits, raw_images

SHAPE = (3, 32, 32)
LARGEST_FILE = 2**30
_OPCODES = PLAIN_OPCODES | {
    "BINPUT",
    "BINSTRING",
    "GLOBAL",
    "LONG_BINPUT",
    "SHORT_BINSTRING",
}


class _DType(Stated):
    """numpy.dtype."""

    def __init__(self, code: bytes | str, *_: object) -> None:
        self.code = code


class _Array:
    """numpy.ndarray of unsigned bytes, filled from them."""

    values: NDArray[np.uint8]

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, content = state
        if not isinstance(dtype, _DType) or dtype.code not in (b"u1", "u1") or fortran:
            raise pickle.UnpicklingError("an array does not hold unsigned bytes, row by row")
        if not isinstance(content, bytes) or len(content) != math.prod(shape):
            raise pickle.UnpicklingError("an array does not have the size that it states")
        self.values = np.frombuffer(content, np.uint8).reshape(shape)


def _array(*_: object) -> _Array:
    return _Array()


_STAND_INS: StandIns = {
    ("numpy.core.multiarray", "_reconstruct"): _array,
    ("numpy._core.multiarray", "_reconstruct"): _array,
    ("numpy", "ndarray"): Label,
    ("numpy", "dtype"): _DType,
}


def is_cifar(folder: Path) -> bool:
    """Whether a folder holds the batches of CIFAR-10 or CIFAR-100."""
    return (folder / "data_batch_1").is_file() or (folder / "meta").is_file()


def read_cifar(folder: Path) -> RawSplits:
    """CIFAR-10 (``data_batch_1`` … ``test_batch``) or CIFAR-100 (``train``, ``test``, fine labels).

    Args:
        folder: the unpacked archive, ``cifar-10-batches-py`` or ``cifar-100-python``.

    Raises:
        UserError: if a batch is missing or is not what it should be.
    """
    if (folder / "data_batch_1").is_file():
        batches = [_read_batch(folder / f"data_batch_{i}", "labels") for i in range(1, 6)]
        train = RawImages(
            np.concatenate([batch.pixels for batch in batches]),
            np.concatenate([batch.labels for batch in batches]),
        )
        return RawSplits(train, test=_read_batch(folder / "test_batch", "labels"))
    train, test = (_read_batch(folder / name, "fine_labels") for name in ("train", "test"))
    return RawSplits(train, test=test)


def _read_batch(file: Path, labels: str) -> RawImages:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise UserError(f"{file} is larger than {LARGEST_FILE:,} bytes; not read.")
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}).") from error
    try:
        batch = load_inert(content, _STAND_INS, _OPCODES, encoding="bytes")
        named = {_text(key): value for key, value in batch.items()}
        pixels = named["data"].values.reshape(-1, *SHAPE)
        numbers = np.array(named[labels], dtype=np.int64)
    except Exception as error:  # a hostile pickle can make any part of this fail
        raise UserError(f"{file} is not a batch of CIFAR and was not read: {error}.") from error
    return raw_images(pixels, numbers, str(file))


def _text(key: bytes | str) -> str:
    return key.decode() if isinstance(key, bytes) else key
