"""What a report was made of, so that a run that computed nothing need not draw it again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

NAME = ".made-of.json"
"""The file in a report folder that says it."""


def digest_of(frame: pd.DataFrame, detail: str) -> str:
    """A digest of results, of how much is shown of them, and of the version that shows it."""
    from surrobench import __version__

    text = frame.reset_index(drop=True).to_csv(index=False)
    told = "\n".join([__version__, detail, text])
    return hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()


def note(folder: Path, digest: str, paths: Sequence[Path]) -> None:
    """Write down what a report was made of; files of the report before that are no more go."""
    names = sorted(path.relative_to(folder).as_posix() for path in paths)
    for old in set(_read(folder)[1]) - set(names):
        (folder / old).unlink(missing_ok=True)
    content = json.dumps({"digest": digest, "files": names}, indent=1)
    (folder / NAME).write_text(content + "\n", encoding="utf-8")


def files_of(folder: Path, digest: str) -> list[Path]:
    """The files of a report that was made of the same; none if it was not, or lacks one."""
    noted, names = _read(folder)
    paths = [folder / name for name in names]
    return paths if noted == digest and all(path.is_file() for path in paths) else []


def _read(folder: Path) -> tuple[str, list[str]]:
    """Digest and files that were noted; nothing if that cannot be read or names files elsewhere."""
    try:
        noted = json.loads((folder / NAME).read_text(encoding="utf-8"))
        files = [str(name) for name in noted["files"]]
        own = all(not Path(name).is_absolute() and ".." not in Path(name).parts for name in files)
        return (str(noted["digest"]), files) if own else ("", [])
    except (OSError, ValueError, TypeError, KeyError):
        return "", []
