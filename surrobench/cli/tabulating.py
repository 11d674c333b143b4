"""``surrobench tabulate``: train a sample of a space into an embedded table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from surrobench.base.wording import counted
from surrobench.cli.console import messages, say, tell
from surrobench.errors import UserError

if TYPE_CHECKING:
    from surrobench.tasks.live.live_tables import Request

_LINES = 20


def tabulate_command(table: str, out: Path | None, request: Request) -> None:
    """Train, with progress, and say where the table is."""
    from surrobench.tasks.live.live_tables import make_table

    target = out or Path(f"{table.replace('-', '_')}.parquet")
    if not target.parent.is_dir():
        raise UserError(f"--out {target}: there is no folder {target.parent}.")
    with TrainingProgress() as progress:
        make_table(table, target, request, progress.show)
    say(str(target), style="cyan")


class TrainingProgress:
    """A bar on a terminal, some lines elsewhere."""

    def __init__(self) -> None:
        self._told = -1
        self._bars = Progress(
            TextColumn("units of work"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=messages,
            transient=True,
        )
        self._bar = self._bars.add_task("units")

    def __enter__(self) -> TrainingProgress:
        if messages.is_terminal:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if messages.is_terminal:
            self._bars.stop()

    def show(self, done: int, total: int) -> None:
        """Take note of how many units of work are done."""
        self._bars.update(self._bar, completed=done, total=total)
        part = done * _LINES // max(1, total)
        if part != self._told and not messages.is_terminal:
            tell(f"{done}/{counted(total, 'unit of work', 'units of work')}")
        self._told = part
