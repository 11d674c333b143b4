"""Who is told what happens during a run."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from surrobench.studies.run_folder.record import Record


class RunObserver(Protocol):
    """Is told what happens during a run."""

    def begin(self, folder: Path, todo: int, finished: int, workers: int) -> None:
        """The run starts: ``finished`` cells were there already."""

    def note(self, message: str) -> None:
        """Something that the user should know."""

    def cell(self, record: Record) -> None:
        """A cell was computed and kept."""

    def end(self) -> None:
        """No more cells will come."""


class Silent:
    """An observer that says nothing."""

    def begin(self, folder: Path, todo: int, finished: int, workers: int) -> None:
        """Ignore."""

    def note(self, message: str) -> None:
        """Ignore."""

    def cell(self, record: Record) -> None:
        """Ignore."""

    def end(self) -> None:
        """Ignore."""
