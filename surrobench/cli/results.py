"""``surrobench status``, ``report`` and ``verify``: what a run folder holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from os.path import commonpath
from pathlib import Path
from typing import TYPE_CHECKING

from surrobench.base.wording import counted
from surrobench.cli.console import complain, output, say, tell
from surrobench.cli.exit_codes import DAMAGED, DONE, WRONG_INPUT
from surrobench.cli.formats import print_json
from surrobench.errors import UserError, near_path

if TYPE_CHECKING:
    import pandas as pd

    from surrobench.reporting.kinds import AnyRanking
    from surrobench.reporting.reports import Report
    from surrobench.studies.run_folder.record import Record
    from surrobench.studies.run_folder.store import ResultStore

_REASONS_SHOWN = 10
_PATHS_SHOWN = 8


def make_report(
    frame: pd.DataFrame, folder: Path, runs: Sequence[Path], detail: str, kept: bool
) -> list[Path]:
    """Print the ranking, and write tables and figures.

    The ranking comes first, for whoever waits for it. Where it cannot be printed (a closed pipe,
    say), the report is written before that is told.

    Args:
        frame: results of one kind of study.
        folder: of the report.
        runs: where the results came from.
        detail: how much is made.
        kept: leave a report as it is that was made of the same results.

    Returns:
        The files, those of most interest first.
    """
    from surrobench.reporting.reports import report_of

    first = _RankingFirst()
    made = report_of(frame, folder, runs, detail, keep=kept, show=first)
    first.tell_problem()
    if made.kept:
        tell("The report is that of these results already (surrobench report makes it anew).")
    _tell_notes(made)
    return list(made.paths)


class _RankingFirst:
    """Prints a ranking, and keeps what went wrong until the report is written."""

    def __init__(self) -> None:
        self._problem: Exception | None = None

    def __call__(self, ranking: AnyRanking) -> None:
        try:
            output.print(ranking)
        except (OSError, ValueError) as error:
            self._problem = error

    def tell_problem(self) -> None:
        """Raise what went wrong, if anything did."""
        if self._problem is not None:
            raise self._problem


def _tell_notes(made: Report) -> None:
    for sentence in made.notes:
        tell(sentence, style="yellow")


def report_command(
    runs: list[Path], out: Path | None, methods: Sequence[str] = (), every: bool = False
) -> int:
    """Make the report of one or more runs, the ranking first; returns the exit status.

    Args:
        runs: folders or results.
        out: where it goes.
        methods: only these.
        every: also those that the latest study of a folder no longer has.
    """
    from surrobench.reporting.reports import report

    first = _RankingFirst()
    made = report(runs, out, methods=methods, every=every, show=first)
    first.tell_problem()
    tell_left_out(made.left_out, "surrobench report RUN --all-methods")
    _tell_notes(made)
    for place in runs:
        _show_skipped(place)
    show_paths(list(made.paths))
    show_damage(made.damaged)
    return DAMAGED if made.damaged else DONE


def tell_left_out(methods: Sequence[str], command: str, where: str = "") -> None:
    """Say which methods are not shown because the study has them no longer, and what shows them."""
    if methods:
        place = f" of {where}" if where else ""
        tell(
            f"Not in the study{place} any more, so not shown: {', '.join(methods)} "
            f"({command} shows them).",
            style="yellow",
        )


def show_paths(paths: list[Path]) -> None:
    """The files that matter most, and where the others are."""
    output.print()
    for path in paths[:_PATHS_SHOWN]:
        say(str(path), style="cyan")
    if len(paths) > _PATHS_SHOWN:
        rest = paths[_PATHS_SHOWN:]
        place = commonpath([path.parent for path in rest])
        say(f"and {counted(len(rest), 'more file')} in {place}")


def _show_skipped(folder: Path) -> None:
    from surrobench.studies.run_folder.plan_file import read_plan_file, summarise_skipped

    if folder.is_dir():
        for line in summarise_skipped(read_plan_file(folder).skipped):
            tell(f"Skipped {line}", style="yellow")


def _show_failures(lost: Counter[tuple[str, str, str]], cells: int) -> None:
    """The cells that did not end well, by method, status and reason."""
    if not lost:
        return
    tell(f"{lost.total()} of {counted(cells, 'cell')} without numbers:", style="yellow")
    for (method, status, reason), count in lost.most_common(_REASONS_SHOWN):
        tell(f"  {count} × {method}: {status}: {reason}", style="yellow")
    if len(lost) > _REASONS_SHOWN:
        tell(f"  … and {counted(len(lost) - _REASONS_SHOWN, 'other reason')}", style="yellow")


def status_command(folder: Path, *, as_json: bool = False) -> None:
    """Say how far a run is."""
    import numpy as np

    from surrobench.base.process_state import without_collection
    from surrobench.studies.kinds import KINDS, kind_of_columns
    from surrobench.studies.run_folder.key_list import KeyList
    from surrobench.studies.run_folder.plan_file import read_overview, summarise_skipped
    from surrobench.studies.run_folder.record import STATUSES

    store = existing_store(folder)
    with without_collection():
        planned = read_overview(folder)
        keys = planned.keys if planned.is_known else KeyList(store.finished_keys())
        ends = store.statuses_of(keys)
    places, numbers = np.unique(ends[ends >= 0], return_counts=True)
    counts = Counter({STATUSES[at]: int(n) for at, n in zip(places, numbers, strict=True)})
    wanted, done = len(keys), counts.total()
    lost: Counter[tuple[str, str, str]] = Counter()
    wrong = [keys.texts[place] for place in np.flatnonzero(ends > STATUSES.index("ok"))]
    for record in store.records(wrong) if wrong else ():
        kind = kind_of_columns(record.payload) or KINDS[planned.kind]
        method, reason = record.payload.get(kind.subject, ""), record.payload.get("reason", "")
        lost[method, record.status, reason] += 1
    if as_json:
        names = ("method", "status", "reason")
        print_json(
            {
                "folder": str(folder),
                "kind": planned.kind,
                "finished": done,
                "cells": wanted,
                "of_a_study_of": wanted + planned.elsewhere,
                "running": store.holder() or None,
                "statuses": {str(status): count for status, count in counts.items()},
                "without_numbers": [
                    dict(zip(names, told, strict=True)) | {"cells": count}
                    for told, count in lost.most_common()
                ],
                "skipped": summarise_skipped(planned.skipped),
            }
        )
        return
    part = f" of a study of {wanted + planned.elsewhere}" if planned.elsewhere else ""
    share = f"{done / max(1, wanted):.0%}"
    say(f"{folder}: {done} of {counted(wanted, 'cell')}{part} finished ({share})")
    if holder := store.holder():
        say(f"running now: {holder}")
    if done:
        say(", ".join(f"{count} {status}" for status, count in counts.most_common()))
        _show_failures(lost, done)
    for line in summarise_skipped(planned.skipped):
        say(f"skipped {line}")


def verify_command(folder: Path, other: Path | None = None, *, as_json: bool = False) -> int:
    """Check every record, and compare with another run; returns the exit status."""
    from surrobench.studies.run_folder.plan_file import read_plan_file
    from surrobench.studies.run_folder.tally import Tally

    store, planned = existing_store(folder), read_plan_file(folder)
    found = store.check()
    kernels: Counter[str] = Counter()
    tally = Tally.count(store, planned, found, seen=lambda record: _count_kernels(record, kernels))
    if as_json:
        differences = [] if other is None else _differences(folder, other)
        print_json(
            {
                "folder": str(folder),
                "intact": len(found.statuses),
                "damaged": [str(path) for path in tally.damaged],
                "cells": tally.cells,
                "missing": tally.missing,
                "digest": tally.digest,
                "kernels": dict(kernels),
                "differences": differences,
            }
        )
        return DAMAGED if found.corrupt else WRONG_INPUT if differences else DONE
    show_damage(tally.damaged)
    say(
        f"{counted(len(found.statuses), 'record is intact', 'records are intact')}, "
        f"{len(found.corrupt)} damaged."
    )
    if planned.keys:
        say(f"{tally.missing} of {counted(tally.cells, 'planned cell')} without a record.")
    say(f"digest of the numbers: {tally.digest}")
    for text, count in kernels.items():
        say(f"computed with {text}: {counted(count, 'record')}")
    differs = other is not None and _tell_differences(folder, other)
    if found.corrupt:
        return DAMAGED
    return WRONG_INPUT if differs else DONE


def show_damage(paths: Iterable[Path]) -> None:
    """Name files that are not what was written."""
    for path in paths:
        complain(f"{path} is damaged; run the study again to compute its cell anew.")


def _count_kernels(record: Record, counts: Counter[str]) -> None:
    """Add the kernels that computed a record, if it says which."""
    known = record.provenance.get("kernels") or {}
    if known:
        counts[", ".join(f"{name} {value}" for name, value in known.items())] += 1


def _tell_differences(folder: Path, other: Path) -> bool:
    found = _differences(folder, other)
    for sentence in found:
        say(sentence)
    if not found:
        say(f"{other} holds the same numbers.")
    return bool(found)


def _differences(folder: Path, other: Path) -> list[str]:
    from surrobench.studies.run_folder.agreement import disagreements

    existing_store(other)
    return disagreements(folder, other)


def existing_store(folder: Path) -> ResultStore:
    """The cells of a run folder.

    Raises:
        UserError: if it is none.
    """
    from surrobench.studies.run_folder.store import ResultStore

    store = ResultStore(folder)
    if not store.exists:
        what = "is not a run folder" if folder.exists() else "does not exist"
        raise UserError(
            f"{folder} {what}. {near_path(folder)}Run folders are made by: surrobench run STUDY"
        )
    return store
