"""A bar that shows how far a search is."""

from __future__ import annotations

from types import TracebackType

from surrobench.base.progress import make_bar
from surrobench.strategies.running.loop import Row


class SearchBar:
    """Trainings done of the budget, and the best so far, in a terminal or a notebook.

    Args:
        budget: full trainings.
        shown: whether there is a bar; None for one where a person is watching.
    """

    def __init__(self, budget: float, shown: bool | None) -> None:
        self._bar = make_bar(budget, "search", shown)

    def update(self, row: Row, best: Row | None) -> None:
        """Show the state after a row."""
        said = "search" if best is None else f"best {best.value:.5g}"
        self._bar.update(round(row.spent, 2), said)

    def __enter__(self) -> SearchBar:
        """Begin to show it."""
        self._bar.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave it as it is."""
        self._bar.__exit__(kind, error, traceback)
