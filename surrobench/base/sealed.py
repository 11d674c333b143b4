"""One way to keep what was computed: content behind its SHA-256, so that a changed byte is found.

A sealed text is ``{"sha256":"<64 hex digits>","<what>":<JSON>}`` and a line's end, which any reader
of JSON understands; sealed bytes (arrays that are mapped into memory) have the digest behind them;
files of other programs (Parquet, CSV) have it beside them, in a file ``<name>.sha256`` that
``sha256sum --check`` understands. All are written under a temporary name and renamed, so a file is
whole or absent.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from surrobench.base.atomic import write_atomically
from surrobench.errors import DamagedStoreError

_HEAD = b'{"sha256":"'
_TAIL = b"}\n"
DIGEST_BYTES = 32


class DamagedError(ValueError):
    """A file whose bytes are not those that were written."""


def published_bytes(file: Path, sha256: str | None) -> bytes:
    """The content of a file that comes with the package.

    Args:
        file: where it lies.
        sha256: what the content must hash to, if that is known.

    Raises:
        DamagedStoreError: if the content is another one.
    """
    content = file.read_bytes()
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise DamagedStoreError(
            f"{file} is not the file that came with this version of surrobench; install it again."
        )
    return content


def seal(body: bytes, what: str = "content") -> bytes:
    """The bytes of a file with a JSON text ``body`` in it, called ``what``."""
    return _HEAD + hashlib.sha256(body).hexdigest().encode() + _middle(what) + body + _TAIL


def unseal(content: bytes, what: str = "content") -> bytes:
    """The JSON text in the bytes of a file.

    Raises:
        DamagedError: if a single byte differs from what was written.
    """
    start = len(_HEAD) + 64 + len(_middle(what))
    body = content[start : -len(_TAIL)]
    expected = _HEAD + hashlib.sha256(body).hexdigest().encode() + _middle(what)
    if content[:start] != expected or not content.endswith(_TAIL):
        raise DamagedError("the checksum does not fit")
    return body


def _middle(what: str) -> bytes:
    return f'","{what}":'.encode()


def write_sealed(path: Path, value: Any) -> None:
    """Write a value that JSON can hold."""
    write_atomically(path, seal(json.dumps(value).encode()))


def read_sealed(path: Path) -> Any:
    """The value that :func:`write_sealed` wrote.

    Raises:
        OSError: if the file cannot be read.
        DamagedError: if it is not what was written.
    """
    return json.loads(unseal(path.read_bytes()))


def seal_bytes(content: bytes | memoryview) -> bytes:
    """The bytes of a file with binary content."""
    return b"".join([content, hashlib.sha256(content).digest()])


def bytes_are_intact(content: Any) -> bool:
    """Whether an array of bytes is what :func:`seal_bytes` made."""
    digest = hashlib.sha256(content[:-DIGEST_BYTES].data).digest()
    return bool(digest == content[-DIGEST_BYTES:].tobytes())


def write_beside(path: Path, content: bytes) -> None:
    """Write a file of another program's format, and its digest beside it."""
    _beside(path).unlink(missing_ok=True)  # a new file never stands beside an old digest
    write_atomically(path, content)
    line = f"{hashlib.sha256(content).hexdigest()}  {path.name}\n"
    write_atomically(_beside(path), line.encode())


def fits_beside(path: Path) -> bool | None:
    """Whether a file is what :func:`write_beside` wrote; None if there is no digest beside it.

    Raises:
        OSError: if a file cannot be read.
    """
    try:
        said = _beside(path).read_bytes()
    except FileNotFoundError:
        return None
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return said == f"{digest}  {path.name}\n".encode()


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")
