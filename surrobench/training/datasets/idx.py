"""IDX files, the format of MNIST, Fashion-MNIST, KMNIST and EMNIST; plain or gzipped."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from surrobench.errors import UserError
from surrobench.training.datasets.raw import RawImages, RawSplits, raw_images

LARGEST_ARRAY = 2**31
_UNSIGNED_BYTE = 8
_TEST_NAMES = ("t10k", "test")


def is_idx(folder: Path) -> bool:
    """Whether a folder holds a file of training images."""
    return bool(_matching(folder, "train", "images"))


def read_idx(folder: Path) -> RawSplits:
    """``…train-images-idx3-ubyte``, ``…train-labels-idx1-ubyte``, and ``t10k`` or ``test``.

    Args:
        folder: with one data set; each file may end in ``.gz``.

    Raises:
        UserError: if a file is missing, occurs twice, or is not what its header says.
    """
    test = next((name for name in _TEST_NAMES if _matching(folder, name, "images")), None)
    return RawSplits(
        train=_read_part(folder, "train"), test=_read_part(folder, test) if test else None
    )


def _read_part(folder: Path, part: str) -> RawImages:
    images, labels = (_only(folder, part, kind) for kind in ("images", "labels"))
    return raw_images(read_array(images), read_array(labels), str(images))


def _matching(folder: Path, part: str, kind: str) -> list[Path]:
    found = folder.glob(f"*{part}-{kind}*idx*-ubyte*")
    return sorted(file for file in found if file.name.endswith(("-ubyte", "-ubyte.gz")))


def _only(folder: Path, part: str, kind: str) -> Path:
    found = _matching(folder, part, kind)
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        raise UserError(
            f"{folder}: expected one file {part}-{kind}-idx…-ubyte (or .gz), found {names}."
        )
    return found[0]


def read_array(file: Path) -> NDArray[Any]:
    """The array of unsigned bytes in one IDX file.

    Raises:
        UserError: if the file is not one, is too large, or is not as long as its header says.
    """
    try:
        with _open(file) as stream:
            return _read_stream(stream, file)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise UserError(f"{file} is not a readable IDX file: {error}.") from error


def _open(file: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(file)) if file.suffix == ".gz" else file.open("rb")


def _read_stream(stream: IO[bytes], file: Path) -> NDArray[Any]:
    zeros, kind, dimensions = struct.unpack(">HBB", stream.read(4))
    if zeros or kind != _UNSIGNED_BYTE:
        raise UserError(f"{file} does not begin as an IDX file of unsigned bytes does.")
    shape = struct.unpack(f">{dimensions}I", stream.read(4 * dimensions))
    size = math.prod(shape)
    if size > LARGEST_ARRAY:
        raise UserError(f"{file} states {size:,} bytes, more than {LARGEST_ARRAY:,}; not read.")
    # One byte more than is stated is asked for, so neither a bomb nor a longer file is read whole.
    content = stream.read(size + 1)
    if len(content) != size:
        raise UserError(f"{file} is not as long as its header says ({shape}).")
    return np.frombuffer(content, np.uint8).reshape(shape)
