"""Published raw files: found in a mirror or the cache, else downloaded, and always verified."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import platformdirs

from surrobench.errors import UserError
from surrobench.tasks.card import SourceFile

MIRROR_VARIABLE = "SURROBENCH_MIRROR"
CACHE_VARIABLE = "SURROBENCH_CACHE"
URL = "https://raw.githubusercontent.com/{repo}/{commit}/{path}"
TIMEOUT = 30.0
RETRIES = 2
CHUNK_BYTES = 65_536

Progress = Callable[[str, int, int], None]
"""Called with a label, the number of bytes that are done and the number of all bytes."""


def cache_folder() -> Path:
    """Where downloads and conversions are kept: SURROBENCH_CACHE or the user's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_cache_dir("surrobench"))


def url_of(source: SourceFile) -> str:
    """The public address of a raw file."""
    return URL.format(repo=source.repo, commit=source.commit, path=source.path)


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
    """Return ``path`` if its checksum is the published one.

    Raises:
        UserError: naming the file and both checksums otherwise.
    """
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from error
    if found != source.sha256:
        raise UserError(
            f"{path} is not the file that {source.repo} published: its SHA-256 is {found}, "
            f"expected {source.sha256}. It was not used; delete it and run the command again."
        )
    return path


def fetch(source: SourceFile, progress: Progress | None = None) -> Path:
    """The verified file; downloads it if neither the mirror nor the cache has it.

    A download that fails leaves no partial file behind.

    Raises:
        UserError: if it cannot be downloaded or is not the published file.
    """
    return locate(source) or _download(source, progress)


def _download(source: SourceFile, progress: Progress | None) -> Path:
    import pooch
    import requests

    url, target = url_of(source), cache_folder() / "downloads" / source.relative
    report = _Bar(source, progress) if progress is not None else False
    downloader = pooch.HTTPDownloader(progressbar=report, chunk_size=CHUNK_BYTES, timeout=TIMEOUT)
    store = pooch.create(
        path=target.parent,
        base_url="",
        registry={target.name: f"sha256:{source.sha256}"},
        urls={target.name: url},
        retry_if_failed=RETRIES,
    )
    pooch.get_logger().setLevel("WARNING")
    try:
        store.fetch(target.name, downloader=downloader)
    except ValueError as error:  # pooch: the checksum is wrong; the file is already deleted
        found = _stated_checksum(str(error), source.sha256)
        raise UserError(
            f"{url} is not the published file any more: its SHA-256 is {found}, expected "
            f"{source.sha256}. Nothing was kept."
        ) from error
    except (requests.RequestException, OSError) as error:
        raise UserError(
            f"cannot download {url}: {error}. Try again, or put the file at {source.relative} in "
            f"a folder and name that folder in {MIRROR_VARIABLE}."
        ) from error
    return verified(target, source)


def _stated_checksum(message: str, expected: str) -> str:
    """The checksum of the received bytes, from pooch's message."""
    words = [word.strip("'\".,()") for word in message.split()]
    others = [word for word in words if len(word) == 64 and word != expected]
    return others[0] if others else "a different one"


class _Bar:
    """The progress bar that pooch wants, as calls of a function."""

    def __init__(self, source: SourceFile, progress: Progress) -> None:
        self.total = source.bytes
        self._label, self._progress, self._done = source.path, progress, 0

    def update(self, size: int) -> None:
        self._done += size
        self._progress(self._label, min(self._done, self.total), self.total)

    def reset(self, total: Any = None) -> None:
        self._done = 0

    def close(self) -> None:
        return None
