"""``surrobench leaderboard``: all finished runs below a folder, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrobench.base.wording import counted
from surrobench.cli.console import say, tell
from surrobench.errors import UserError, near_path

if TYPE_CHECKING:
    import pandas as pd

    from surrobench.report.leaderboard.writer import Source

RANKED = ("prediction", "search")


def leaderboard_command(folder: Path, out: Path | None, every: bool = False) -> None:
    """Rank everything below a folder; says what was left out and why.

    Args:
        folder: with run folders at any depth.
        out: where it is written.
        every: also methods that the latest study of a run folder no longer has.
    """
    from surrobench.report.leaderboard.writer import write_leaderboard

    frames: dict[str, dict[str, pd.DataFrame]] = {kind: {} for kind in RANKED}
    sources: list[Source] = []
    places: dict[str, Path] = {}
    for place in run_folders(folder):
        name = place.relative_to(folder).as_posix() if place != folder else place.resolve().name
        try:
            kind, frame, source = _loaded(place, name, every)
        except UserError as error:
            tell(f"Left out {name}: {error}", style="yellow")
            continue
        frames[kind][name] = frame
        places[name] = place
        sources.append(source)
    if not sources:
        raise UserError(
            f"{folder}: there is no run below this folder. Run folders are made by: "
            "surrobench run STUDY --out FOLDER"
        )
    frames = _apart(frames, places)
    paths = write_leaderboard(
        _together("prediction", frames["prediction"]),
        _together("search", frames["search"]),
        out or folder,
        sources,
    )
    say(f"{counted(len(sources), 'run')}, {counted(sum(source.rows for source in sources), 'row')}")
    for path in paths:
        say(str(path), style="cyan")


def run_folders(folder: Path) -> Iterator[Path]:
    """Folders with results at or below ``folder``, in the order of their names.

    Raises:
        UserError: if there is no such folder.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder. {near_path(folder)}".rstrip())
    marks = ("results.parquet", "cells", "segments")
    found = {path.parent for mark in marks for path in folder.rglob(mark)}
    return iter(sorted(found))


def _loaded(place: Path, name: str, every: bool) -> tuple[str, pd.DataFrame, Source]:
    from surrobench.cli.results import tell_left_out
    from surrobench.report.leaderboard.writer import Source
    from surrobench.studies.run_folder.view import kind_of_frame, load_methods

    frame, left_out = load_methods([place], every=every)
    tell_left_out(left_out, "surrobench leaderboard FOLDER --all-methods", name)
    kind = kind_of_frame(frame).name
    if kind not in RANKED:
        raise UserError(f"a {kind} study is not ranked here; see its own report.")
    return kind, frame, Source(name, kind, frame["task"].nunique(), len(frame))


def _apart(
    frames: dict[str, dict[str, pd.DataFrame]], places: dict[str, Path]
) -> dict[str, dict[str, pd.DataFrame]]:
    """Tasks of one name that hold different data get the names of their runs; says which."""
    from surrobench.studies.run_folder.fingerprints import other_data, say_other_data

    names = {place: name for name, place in places.items()}
    tags: dict[str, dict[str, str]] = {}
    for task, versions in other_data(places.values()).items():
        named = {key: [Path(names[run]) for run in runs] for key, runs in versions.items()}
        tell(f"{say_other_data(task, named)}: ranked apart.", style="yellow")
        for runs in versions.values():
            for run in runs:
                tags.setdefault(names[run], {})[task] = f"{task} ({names[runs[0]]})"
    return {
        kind: {
            name: frame.assign(task=frame["task"].astype(str).replace(tags.get(name, {})))
            for name, frame in runs.items()
        }
        for kind, runs in frames.items()
    }


def _together(kind: str, frames: dict[str, pd.DataFrame]) -> Any:
    """Checked results of all runs of one kind; None without any.

    Where runs disagree about one cell (they were made with other settings), their tasks are kept
    apart by the names of the runs.
    """
    if not frames:
        return None
    from surrobench.report.results import Results
    from surrobench.reporting.kinds import REPORTS
    from surrobench.studies.run_folder.view import merge_results

    check: Callable[[pd.DataFrame], Any] = REPORTS[kind].results
    if kind == "prediction":
        check = partial(Results.of, usual_encodings=True)
    try:
        return check(merge_results(list(frames.values())))
    except UserError:
        if len(frames) == 1:
            raise
    apart = []
    for name, frame in frames.items():
        others = {task for other in frames if other != name for task in frames[other]["task"]}
        tagged = {task: f"{task} ({name})" for task in frame["task"].unique() if task in others}
        apart.append(frame.assign(task=frame["task"].astype(str).replace(tagged)))
    return check(merge_results(apart))
