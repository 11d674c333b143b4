"""``surrobench prepare``: published tables, downloaded, verified and converted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)

from surrobench.base.wording import counted
from surrobench.cli.console import messages, say, tell
from surrobench.errors import UserError

if TYPE_CHECKING:
    from surrobench.tasks.preparation import Prepared


def prepare_command(name: str) -> None:
    """Prepare one table or all, and say where it is and whom to cite.

    One table that cannot be had does not keep the others from being prepared.
    """
    from surrobench.tasks import prepare, published_names

    if name != "all":
        with Downloads() as downloads:
            prepared = prepare(name, progress=downloads.show)
        _explain(prepared)
        return
    names, faults = published_names(), []
    for table in names:
        try:
            with Downloads() as downloads:
                prepared = prepare(table, progress=downloads.show)
        except UserError as error:
            faults.append(f"{table}: {error}")
            continue
        say(f"{prepared.name}: {prepared.rows:,} rows, {prepared.columns} columns")
    if faults:
        raise UserError(
            f"{len(faults)} of {len(names)} tables are not ready:\n" + "\n".join(faults)
        )
    say(
        "Licences and whom to cite: surrobench prepare TABLE, surrobench info TABLE/TASK, and "
        "surrobench cite RUN for all that a run used."
    )


def _explain(prepared: Prepared) -> None:
    say(
        f"{prepared.name}: {counted(prepared.rows, 'row')}, {counted(prepared.columns, 'column')}",
        style="bold",
    )
    say(f"  file     {prepared.path}")
    for repository, licence in prepared.licences.items():
        say(f"  licence  {licence} ({repository})")
    if prepared.citation:
        say(f"  cite     {prepared.citation}")
    if prepared.bibtex:
        say(prepared.bibtex.strip())


class Downloads:
    """One bar per file on a terminal, one line per file elsewhere."""

    def __init__(self) -> None:
        self._tasks: dict[str, TaskID] = {}
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=messages,
            transient=True,
        )

    def __enter__(self) -> Downloads:
        if messages.is_terminal:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if messages.is_terminal:
            self._bars.stop()

    def show(self, file: str, arrived: int, total: int) -> None:
        """Take note of the bytes of a file that have arrived."""
        if file not in self._tasks:
            if not messages.is_terminal:
                tell(f"downloading {file} ({total / 1e6:.1f} MB)")
            self._tasks[file] = self._bars.add_task(file, total=total)
        self._bars.update(self._tasks[file], completed=arrived, total=total)
