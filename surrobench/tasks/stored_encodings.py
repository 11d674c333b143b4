"""Encoded pools on disk, computed once and mapped into memory by every process that needs them.

A file is a plain ``.npy`` array with the SHA-256 of its bytes behind it. Its name is a hash of
everything that the encoding depends on: the architectures, their space, measured columns and the
code. A file is written under a temporary name and renamed, so it is whole or absent; one that is
damaged all the same is noticed, and made anew.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

import surrobench
from surrobench.arrays import FloatArray, IntArray
from surrobench.base.atomic import write_atomically
from surrobench.base.columns import PoolColumns
from surrobench.base.sealed import bytes_are_intact, seal_bytes
from surrobench.encodings import ENCODINGS, make_encoding
from surrobench.spaces.architecture import SearchSpace
from surrobench.tasks.files.sources import cache_folder

STORED_FROM = 10_000
"""Smaller pools are encoded sooner than a file is checked."""
_CODE = ("encodings", "spaces")


def encoded(
    name: str,
    archs: IntArray,
    space: SearchSpace,
    measured: Mapping[str, FloatArray],
) -> FloatArray:
    """A pool encoded, ``n x d``; that of a large pool is read-only, and shared by all processes.

    Encodings and spaces from outside this package are computed each time, since their code may
    change unnoticed. So is everything where the cache cannot be written to.

    Args:
        name: as for :func:`~surrobench.encodings.make_encoding`.
        archs: the pool, ``n x variables``.
        space: that they belong to.
        measured: label-free columns of the pool, ``n`` each.

    Raises:
        UserError: for an unknown encoding, or one that the architectures do not have.
    """
    encoding = make_encoding(name)
    if len(archs) < STORED_FROM or not _is_ours(name, space):
        return np.asarray(encoding(archs, space, measured), dtype=np.float64)
    path = _path(name, archs, space, measured)
    found = read_array(path)
    if found is not None:
        return found
    computed = np.ascontiguousarray(encoding(archs, space, measured), dtype=np.float64)
    try:
        write_array(path, computed)
    except OSError:
        return computed
    found = read_array(path)
    return computed if found is None else found


def write_array(path: Path, values: FloatArray) -> None:
    """Write an array with its checksum, whole or not at all."""
    file = io.BytesIO()
    np.save(file, values, allow_pickle=False)
    write_atomically(path, seal_bytes(file.getbuffer()))


def read_array(path: Path) -> FloatArray | None:
    """Map an array into memory, read-only; None unless the file is there and undamaged."""
    try:
        content = np.memmap(path, dtype=np.uint8, mode="r")
        if not bytes_are_intact(content):
            return None
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return np.asarray(values)


def _is_ours(name: str, space: SearchSpace) -> bool:
    heads = {part.strip().partition(":")[0] for part in name.split("+")}
    known = heads <= set(ENCODINGS.names())
    targets = [ENCODINGS.entry(head).target for head in heads] if known else [""]
    homes = [type(space).__module__, *targets]
    return all(home.startswith(f"{surrobench.__name__}.") for home in homes)


def _path(
    name: str,
    archs: IntArray,
    space: SearchSpace,
    measured: Mapping[str, FloatArray],
) -> Path:
    digest = hashlib.sha256(_code_version().encode())
    digest.update(f"{name}|{archs.shape}|{_described(space)!r}".encode())
    digest.update(np.ascontiguousarray(archs, dtype="<i8").data)
    for column in sorted(measured):
        digest.update(f"|{column}|".encode())
        digest.update(np.ascontiguousarray(measured[column], dtype="<f8").data)
    if isinstance(measured, PoolColumns):
        digest.update(f"|{measured.epochs}|".encode())
        for curve, values in sorted({"": measured.curve, **measured.others}.items()):
            digest.update(f"|{curve}|".encode())
            digest.update(np.ascontiguousarray(values, dtype="<f8").data)
    return cache_folder() / "encodings" / f"{digest.hexdigest()[:40]}.npy"


def _described(space: SearchSpace) -> list[Any]:
    """The kind of a space and what it was made with, but nothing that is derived from it."""
    kind = type(space)
    derived = {key for base in kind.__mro__ for key, value in vars(base).items() if _lazy(value)}
    traits = sorted(
        (key, value)
        for key, value in vars(space).items()
        if not key.startswith("_") and key not in derived
    )
    return [kind.__module__, kind.__qualname__, traits]


def _lazy(attribute: Any) -> bool:
    return isinstance(attribute, cached_property)


@cache
def _code_version() -> str:
    """Hash of the code that encodes: a change of it makes new files."""
    root, digest = Path(surrobench.__file__).parent, hashlib.sha256(np.__version__.encode())
    for folder in _CODE:
        for path in sorted((root / folder).glob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
