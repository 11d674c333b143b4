"""Progress of a run: bars on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import time
from pathlib import Path

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from surrobench.base.wording import counted
from surrobench.cli.console import messages, tell
from surrobench.studies.run_folder.record import Record

_LINE_SECONDS = 10.0
_PACE_CELLS = 5


class PlainProgress:
    """A line at most every ten seconds, for logs."""

    def __init__(self, caption: str) -> None:
        self._caption = caption
        self._todo = self._done = self._failed = self._unavailable = 0
        self._started = self._last = self._first = time.monotonic()

    def begin(self, folder: Path, todo: int, finished: int, workers: int) -> None:
        """Say what will be done."""
        self._todo = todo
        self._started = self._last = time.monotonic()
        tell(opening(folder, todo, finished, workers))

    def note(self, message: str) -> None:
        """Print a remark."""
        tell(f"Note: {message}", style="yellow")

    def cell(self, record: Record) -> None:
        """Count a cell; print a line if it is time."""
        now = time.monotonic()
        self._first = self._first if self._done else now
        self._count(record)
        if now - self._last >= _LINE_SECONDS and self._done < self._todo:
            self._last = now
            where = self._caption.format_map(record.payload)
            tell(
                f"{self._done}/{counted(self._todo, 'cell')}{self._mishaps()}{self._left(now)} "
                f"({where})"
            )

    def _count(self, record: Record) -> None:
        self._done += 1
        self._unavailable += record.status == "unavailable"
        self._failed += record.status not in ("ok", "unavailable")

    def _mishaps(self) -> str:
        """A task without a column that a predictor needs is no failure of the predictor."""
        counts = {"failed": self._failed, "unavailable": self._unavailable}
        return "".join(f", {count} {what}" for what, count in counts.items() if count)

    def _left(self, now: float) -> str:
        """Time left at the pace since the first cell (before it, the workers started)."""
        if self._done < _PACE_CELLS:
            return ""
        pace = (now - self._first) / (self._done - 1)
        return f", {_clock(pace * (self._todo - self._done))} left"

    def end(self) -> None:
        """Print the last count."""
        if self._todo:
            took = _clock(time.monotonic() - self._started)
            tell(f"{self._done}/{counted(self._todo, 'cell')}{self._mishaps()}, in {took}")
        self._todo = 0


class BarProgress(PlainProgress):
    """Bars with the count, failures, time left and the current predictor."""

    def __init__(self, caption: str) -> None:
        super().__init__(caption)
        self._bars = Progress(
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("cells{task.fields[failed]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
            TextColumn("{task.fields[current]}", style="dim", markup=False),
            console=messages,
            transient=True,
        )

    def begin(self, folder: Path, todo: int, finished: int, workers: int) -> None:
        """Show the bar."""
        super().begin(folder, todo, finished, workers)
        if todo:
            self._bar = self._bars.add_task("cells", total=todo, failed="", current="starting …")
            self._bars.start()

    def cell(self, record: Record) -> None:
        """Move the bar."""
        self._count(record)
        self._bars.update(
            self._bar,
            advance=1,
            failed=f"[red]{self._mishaps()}[/]" if self._failed else self._mishaps(),
            current=self._caption.format_map(record.payload),
        )

    def end(self) -> None:
        """Take the bar away."""
        self._bars.stop()
        super().end()


def make_progress(caption: str) -> PlainProgress:
    """Bars if people watch, lines if not; ``caption`` says what is shown of a record."""
    return BarProgress(caption) if messages.is_terminal else PlainProgress(caption)


def opening(folder: Path, todo: int, finished: int, workers: int) -> str:
    """The first line of a run."""
    already = f" ({finished} are finished already)" if finished else ""
    if not todo:
        return f"{folder}: nothing to compute{already}."
    people = counted(workers, "worker")
    return f"{folder}: {counted(todo, 'cell')} to compute{already} with {people}, one thread each."


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
