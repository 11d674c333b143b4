"""A bar that shows how far a search is."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from surrobench.strategies.loop import Row


class SearchBar:
    """Trainings done of the budget, and the best so far, on the error stream.

    Args:
        budget: full trainings.
        shown: whether there is a bar; None for one where a person is watching.
    """

    def __init__(self, budget: float, shown: bool | None) -> None:
        shown = sys.stderr.isatty() if shown is None else shown
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not shown,
        )
        self._task = self._bar.add_task("search", total=budget)

    def update(self, row: Row, best: Row | None) -> None:
        """Show the state after a row."""
        said = "search" if best is None else f"best {best.value:.5g}"
        self._bar.update(self._task, completed=round(row.spent, 2), description=said)

    def __enter__(self) -> SearchBar:
        """Begin to show it."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave it as it is."""
        self._bar.stop()
