"""A run that shows how far it is, in a terminal or a notebook."""

from __future__ import annotations

from pathlib import Path

from surrobench.base.progress import Bar, NoBar, make_bar
from surrobench.studies.observer import Silent
from surrobench.studies.run_folder.record import Record


class BarObserver(Silent):
    """Cells done of those to do, with the current one.

    Args:
        caption: what is said of a record, see :class:`~surrobench.studies.kind.StudyKind`.
        shown: whether there is a bar; None for one where a person is watching.
    """

    def __init__(self, caption: str, shown: bool | None = None) -> None:
        self._caption, self._shown, self._done = caption, shown, 0
        self._bar: Bar = NoBar()

    def begin(self, folder: Path, todo: int, finished: int, workers: int) -> None:
        """Show the bar, if there is anything to do."""
        if todo:
            self._bar = make_bar(todo, "cells", self._shown)
            self._bar.__enter__()

    def cell(self, record: Record) -> None:
        """Move it."""
        self._done += 1
        self._bar.update(self._done, self._caption.format_map(record.payload))

    def end(self) -> None:
        """Leave it as it is."""
        self._bar.__exit__(None, None, None)
