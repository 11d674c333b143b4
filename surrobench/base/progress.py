"""One bar of progress that a terminal shows, and a notebook as well."""

from __future__ import annotations

import html
import sys
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any


class Bar(ABC):
    """So much of a total is done; shown between entering and leaving it."""

    @abstractmethod
    def update(self, done: float, said: str = "") -> None:
        """Show how much is done, and a few words."""

    def __enter__(self) -> Bar:
        """Begin to show it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave it as it is."""
        return


class NoBar(Bar):
    """Shows nothing."""

    def update(self, done: float, said: str = "") -> None:
        """Ignore."""


class TerminalBar(Bar):
    """On the error stream, by rich."""

    def __init__(self, total: float, said: str) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True, emoji=False),
        )
        self._task = self._bar.add_task(said, total=total)

    def update(self, done: float, said: str = "") -> None:
        """Move it."""
        self._bar.update(self._task, completed=done, description=said)

    def __enter__(self) -> Bar:
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


class NotebookBar(Bar):
    """An element of the page, by the IPython that runs the notebook; it needs no widgets."""

    def __init__(self, total: float, said: str) -> None:
        self._total, self._said, self._shown = total, said, None

    def update(self, done: float, said: str = "") -> None:
        """Replace it."""
        self._said = said or self._said
        self._show(done)

    def __enter__(self) -> Bar:
        """Put it below the cell."""
        self._show(0)
        return self

    def _show(self, done: float) -> None:
        from IPython.display import HTML, display

        content = HTML(bar_html(done, self._total, self._said))
        if self._shown is None:
            shown: Any = display(content, display_id=True)
            self._shown = shown
        else:
            self._shown.update(content)


def bar_html(done: float, total: float, said: str) -> str:
    """A bar as HTML."""
    text = html.escape(" ".join(said.split()))
    return (
        f'<progress value="{done:g}" max="{total:g}" style="width:20em"></progress> '
        f"{done:g}/{total:g} {text}"
    )


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def make_bar(total: float, said: str, shown: bool | None = None) -> Bar:
    """A bar for where this runs.

    Args:
        total: what there is to do.
        said: a few words beside it.
        shown: whether there is one; None for one where a person is watching, which is a notebook
            or a terminal.
    """
    notebook = in_notebook()
    if shown is None:
        shown = notebook or sys.stderr.isatty()
    if not shown:
        return NoBar()
    return NotebookBar(total, said) if notebook else TerminalBar(total, said)
