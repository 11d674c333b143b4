"""Reading zip archives in memory, within limits and without trusting the names inside."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from surrobench.errors import UserError

LARGEST_MEMBER = 64 * 2**20
LARGEST_TOTAL = 512 * 2**20


def members(
    path: Path, *, largest: int = LARGEST_MEMBER, total: int = LARGEST_TOTAL
) -> Iterator[tuple[str, bytes]]:
    """Every file of a zip archive as ``(name, content)``; nothing is written to disk.

    Raises:
        UserError: for names that leave the archive, links, encryption, members that are larger
            than ``largest`` or than they claim, or more than ``total`` bytes altogether.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            listed = [info for info in archive.infolist() if not info.is_dir()]
            for info in listed:
                _check(info, path, largest)
            if sum(info.file_size for info in listed) > total:
                raise UserError(f"{path} unpacks to more than {total:,} bytes; not read.")
            for info in listed:
                with archive.open(info) as stream:
                    content = stream.read(info.file_size + 1)
                if len(content) != info.file_size:
                    raise UserError(f"{path}: {info.filename!r} is not as large as it claims.")
                yield info.filename, content
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError) as error:
        raise UserError(f"{path} is not a readable zip archive: {error}.") from error


def _check(info: zipfile.ZipInfo, path: Path, largest: int) -> None:
    name = info.filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or parts[0] == "/" or ".." in parts or ":" in parts[0]:
        raise UserError(f"{path}: the member {name!r} points outside the archive; not read.")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise UserError(f"{path}: the member {name!r} is a link; not read.")
    if info.flag_bits & 0x1:
        raise UserError(f"{path}: the member {name!r} is encrypted; not read.")
    if info.file_size > largest:
        raise UserError(
            f"{path}: the member {name!r} unpacks to {info.file_size:,} bytes, more than the "
            f"limit of {largest:,}; not read."
        )
