"""``.npz`` archives of arrays, as Keras, MedMNIST and many others write them."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surrobench.errors import UserError
from surrobench.training.datasets.raw import RawImages, RawSplits, raw_images

LARGEST_TOTAL = 2**33
_PARTS = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
_KINDS = {"x": "images", "images": "images", "y": "labels", "labels": "labels"}
_EXPECTED = (
    "x_train and y_train (or train_images and train_labels), alike for val and test; or x, y"
)


_UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    MemoryError,  # a header that states more than the file holds
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_npz(file: Path) -> RawSplits:
    """Images and labels by the names of the arrays.

    Args:
        file: with ``x_train``, ``y_train`` (or ``train_images``, ``train_labels``), the same for
            ``val`` and ``test`` if there are such parts; or just ``x`` and ``y``. Other arrays are
            not read. Arrays of objects are refused: they would be unpickled.

    Raises:
        UserError: naming what is missing or wrong.
    """
    arrays: dict[tuple[str, str], NDArray[Any]] = {}
    try:
        _check_size(file)
        with np.load(file, allow_pickle=False) as archive:
            for name in archive.files:
                if role := _role(name):
                    if role in arrays:
                        raise UserError(f"{file}: two arrays are {' '.join(role)}.")
                    arrays[role] = archive[name]
    except _UNREADABLE as error:
        raise UserError(f"{file} is not a readable .npz archive of numbers: {error}.") from error
    return _splits(arrays, file)


def _check_size(file: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        total = sum(info.file_size for info in archive.infolist())
    if total > LARGEST_TOTAL:
        raise UserError(f"{file} unpacks to {total:,} bytes, more than {LARGEST_TOTAL:,}.")


def _role(name: str) -> tuple[str, str] | None:
    """``x_train`` -> ``("train", "images")``; None for a name that says nothing."""
    words = name.lower().split("_")
    kinds = [_KINDS[word] for word in words if word in _KINDS]
    parts = [_PARTS[word] for word in words if word in _PARTS]
    if len(kinds) != 1 or len(kinds) + len(parts) != len(words):
        return None
    return (parts[0] if parts else "whole"), kinds[0]


def _splits(arrays: dict[tuple[str, str], NDArray[Any]], file: Path) -> RawSplits:
    parts: dict[str, RawImages] = {}
    for part in dict.fromkeys(part for part, _ in arrays):
        for kind in ("images", "labels"):
            if (part, kind) not in arrays:
                raise UserError(f"{file} has no {kind} for {part}; expected {_EXPECTED}.")
        images, labels = arrays[part, "images"], arrays[part, "labels"]
        parts[part] = raw_images(images, labels, f"{file} ({part})")
    if ("whole" in parts) == ("train" in parts) or ("whole" in parts and len(parts) > 1):
        raise UserError(f"{file} holds {', '.join(parts) or 'no images'}; expected {_EXPECTED}.")
    train = parts.get("train") or parts["whole"]
    return RawSplits(train, parts.get("validation"), parts.get("test"))
