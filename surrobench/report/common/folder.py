"""A report as a folder: exhibits, a page that lists them, and a LaTeX file that inputs them.

The pages lie in the folder itself, drawings in ``figures/`` and everything else in ``tables/``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from surrobench.errors import UserError, did_you_mean
from surrobench.report.common.exhibit import FORMATS, Exhibit

DEFAULT_FORMATS = ("csv", "md", "tex", "pdf", "png")
NOT_MADE = (
    "Further figures, comparisons and calibration: these are the essentials; surrobench report RUN "
    "makes everything."
)
"""Said in a report of the essentials."""
Saved = tuple[Exhibit, Sequence[Path]]
"""An exhibit and its files, as paths within the folder."""


def check_formats(formats: Collection[str]) -> None:
    """Refuse a format that no exhibit has.

    Raises:
        UserError: naming the nearest ones.
    """
    for kind in formats:
        if kind not in FORMATS:
            raise UserError(f"unknown report format {kind!r}. " + did_you_mean(kind, FORMATS))


def write_folder(
    exhibits: Iterable[Exhibit],
    folder: Path,
    formats: Collection[str],
    pages: Sequence[tuple[str, Callable[[Sequence[Saved]], str]]],
) -> list[Path]:
    """Save every exhibit and then the pages that show them.

    Args:
        exhibits: each is saved when it comes.
        folder: made if it does not exist; files of the same names are replaced.
        formats: any of ``FORMATS``; CSV is always written.
        pages: name of each file, and what makes its text of the exhibits and their paths within
            the folder; an empty one is not written.

    Returns:
        The pages, then all other files.

    Raises:
        UserError: for an unknown format, or a folder that cannot be written to.
    """
    check_formats(formats)
    written: list[Saved] = []
    for exhibit in exhibits:
        files = exhibit.save(folder / exhibit.section, formats)
        written.append((exhibit, [path.relative_to(folder) for path in files]))
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, make in pages:
            if text := make(written):
                paths.append(folder / name)
                paths[-1].write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UserError(f"cannot write the report to {folder}: {error}.") from error
    return [*paths, *(folder / path for _, files in written for path in files)]
