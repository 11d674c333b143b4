"""A report as a folder: exhibits, a page that lists them, and a LaTeX file that inputs them.

The pages lie in the folder itself, drawings in ``figures/`` and everything else in ``tables/``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from surrobench.errors import UserError, did_you_mean
from surrobench.report.common.drawing import View, warm_up
from surrobench.report.common.exhibit import FORMATS, PICTURES, Exhibit
from surrobench.report.common.side_work import SideWork

DEFAULT_FORMATS = ("csv", "md", "tex", "pdf", "png")
AT_ONCE = 4
"""Figures that are drawn together."""
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

    Figures are drawn beside what makes the next exhibits, see
    :class:`~surrobench.report.common.side_work.SideWork`.

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
    written: list[Saved] = []
    with SideWork() as side:
        drawings = _Drawings(side, folder, formats, view)
        saved = []
        for exhibit in exhibits:
            files = exhibit.save(folder / exhibit.section, {*formats} - {*PICTURES})
            saved.append((exhibit, files))
            if exhibit.figure is not None:
                drawings.add(exhibit)
        drawn = iter(drawings.finish())
        for exhibit, files in saved:
            pictures, shown = next(drawn) if exhibit.figure is not None else ((), None)
            inside = [path.relative_to(folder) for path in (*files, *pictures)]
            written.append((replace(exhibit, view=shown), inside))
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


class _Drawings:
    """Figures that are drawn a few at a time beside what makes the next ones.

    A fork copies what either side changes, which takes about as long as to draw half a figure, so
    it is to draw several.
    """

    def __init__(
        self,
        side: SideWork,
        folder: Path,
        formats: Collection[str],
        view: Callable[[Exhibit], View],
    ) -> None:
        self._side, self._folder, self._formats, self._view = side, folder, formats, view
        self._waiting: list[Exhibit] = []
        self._begun: list[Callable[[], list[_Drawn]]] = []

    def add(self, exhibit: Exhibit) -> None:
        """Draw the figure of an exhibit at some time."""
        self._waiting.append(exhibit)
        if len(self._waiting) == AT_ONCE:
            if self._side.forks:
                warm_up()
            self._begun.append(self._side.begin(partial(self._draw, self._waiting)))
            self._waiting = []

    def finish(self) -> list[_Drawn]:
        """Draw those that are left, here; all that were drawn, in the order of the exhibits."""
        rest = self._draw(self._waiting)
        return [*(drawn for results in self._begun for drawn in results()), *rest]

    def _draw(self, exhibits: Sequence[Exhibit]) -> list[_Drawn]:
        return [
            (one.save_pictures(self._folder / one.section, self._formats), self._view(one))
            for one in exhibits
        ]
