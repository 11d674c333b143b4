"""A report as a folder: exhibits, a page that lists them, and a LaTeX file that inputs them.

The pages lie in the folder itself, drawings in ``figures/`` and everything else in ``tables/``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from surrobench.errors import UserError, did_you_mean
from surrobench.report.drawing import View, warm_up
from surrobench.report.exhibit import FORMATS, PICTURES, Exhibit
from surrobench.report.side_work import SideWork

DEFAULT_FORMATS = ("csv", "md", "tex", "pdf", "png")
NOT_MADE = (
    "Further figures, comparisons and calibration: these are the essentials; surrobench report RUN "
    "makes everything."
)
"""Said in a report of the essentials."""
Saved = tuple[Exhibit, Sequence[Path]]
"""An exhibit and its files, as paths within the folder."""
_Drawn = tuple[Sequence[Path], View | None]
"""Files of a figure, and what the page shows of it."""


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
    view: Callable[[Exhibit], View],
) -> list[Path]:
    """Save every exhibit and then the pages that show them.

    Figures are drawn beside what makes the next exhibit, see
    :class:`~surrobench.report.side_work.SideWork`.

    Args:
        exhibits: each is saved when it comes.
        folder: made if it does not exist; files of the same names are replaced.
        formats: any of ``FORMATS``; CSV is always written.
        pages: name of each file, and what makes its text of the exhibits and their paths within
            the folder; an empty one is not written.
        view: what the pages show of a figure.

    Returns:
        The pages, then all other files.

    Raises:
        UserError: for an unknown format, or a folder that cannot be written to.
    """
    check_formats(formats)
    with SideWork() as side:
        begun = [_begun(exhibit, folder, formats, view, side) for exhibit in exhibits]
        written = [_ended(*parts, folder) for parts in begun]
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


def _begun(
    exhibit: Exhibit,
    folder: Path,
    formats: Collection[str],
    view: Callable[[Exhibit], View],
    side: SideWork,
) -> tuple[Exhibit, list[Path], Callable[[], _Drawn]]:
    """Save the numbers and texts of an exhibit, and begin to draw its figure."""
    files = exhibit.save(folder / exhibit.section, {*formats} - {*PICTURES})
    if exhibit.figure is None:
        return exhibit, files, lambda: ((), None)
    if side.forks:
        warm_up()
    return exhibit, files, side.begin(partial(_draw, exhibit, folder, formats, view))


def _draw(
    exhibit: Exhibit, folder: Path, formats: Collection[str], view: Callable[[Exhibit], View]
) -> _Drawn:
    return exhibit.save_pictures(folder / exhibit.section, formats), view(exhibit)


def _ended(
    exhibit: Exhibit, files: Sequence[Path], drawn: Callable[[], _Drawn], folder: Path
) -> Saved:
    pictures, view = drawn()
    paths = [path.relative_to(folder) for path in (*files, *pictures)]
    return replace(exhibit, view=view), paths
