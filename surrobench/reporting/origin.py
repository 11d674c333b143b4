"""What run folders say of their origin, and what to cite for the tasks and parts of a study."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.report.common.provenance import Provenance, RunFacts, TaskFacts
from surrobench.reporting.lookup import find_task, folders_of

if TYPE_CHECKING:
    import pandas as pd

    from surrobench.studies.kind import Kind
    from surrobench.tasks.info import TaskInfo

_ENVIRONMENT = "environment.json"
_STUDY = "study.toml"
_KINDS = {"predictor": "predictors", "encoding": "encodings", "acquisition": "acquisitions"}


def collect(frame: pd.DataFrame, runs: Sequence[Path], command: str = "") -> Provenance:
    """Everything that a report says of its origin.

    What is not known (a run without its study file, a task that cannot be loaded here) is left
    out; nothing of it stops a report.

    Args:
        frame: results of one kind of study.
        runs: folders, or their ``results.parquet``.
        command: that makes the report; ``surrobench report`` with the runs by default.
    """
    from surrobench.report.bibliography import cite

    folders = folders_of(runs)
    infos = {name: _info(name, folders) for name in _tasks(frame)}
    facts = tuple(_run(folder, frame) for folder in folders)
    sources = cite(
        _used(frame, folders), {name: info.bibtex if info else "" for name, info in infos.items()}
    )
    return Provenance(
        command=command or "surrobench report " + " ".join(shlex.quote(str(run)) for run in runs),
        runs=facts,
        tasks=tuple(_task(name, info) for name, info in infos.items()),
        citations=sources.citations,
        uncited=sources.without,
    )


def collect_task(task: str, used: Mapping[str, Sequence[str]], command: str) -> Provenance:
    """What is said of the origin of numbers that were computed from one task just now.

    Args:
        task: its name, or a card and its name.
        used: names of predictors and other parts by kind, as
            :func:`~surrobench.report.bibliography.cite` takes them.
        command: that was given.
    """
    from surrobench.report.bibliography import cite
    from surrobench.studies.run_folder.environment import describe_environment

    info = _info(task, [])
    name = info.name if info else task
    sources = cite(used, {name: info.bibtex if info else ""})
    run = RunFacts(name, "explanation", command, environments=(describe_environment(),))
    return Provenance(
        runs=(run,),
        tasks=(_task(name, info),),
        citations=sources.citations,
        uncited=sources.without,
    )


def _tasks(frame: pd.DataFrame) -> list[str]:
    return [str(task) for task in frame["task"].dropna().unique()]


def _info(name: str, folders: Sequence[Path]) -> TaskInfo | None:
    """The facts of a task whose data are at hand."""
    from surrobench.tasks import task_info

    try:
        return task_info(*find_task(name, folders))
    except (UserError, OSError):
        return None


def _task(name: str, info: TaskInfo | None) -> TaskFacts:
    if info is None:
        return TaskFacts(name)
    better = "larger is better" if info.direction == "maximize" else "smaller was better"
    return TaskFacts(
        name=name,
        measures=info.description,
        protocol=info.protocol,
        unit=f"{info.unit or 'not stated'} ({better} at the source)",
        space=f"{info.space}, {counted(info.space_size, 'architecture')}",
        pool=f"{counted(info.pool_size, 'architecture')}, "
        f"{counted(info.groups, 'different network')}",
        licence=info.licence,
        citation=info.citation,
        url=info.url,
    )


def _run(folder: Path, frame: pd.DataFrame) -> RunFacts:
    from surrobench.studies.run_folder.view import kind_of_frame

    study = _read(folder / _STUDY)
    name = str(_parsed(study).get("name") or folder.resolve().name)
    return RunFacts(
        name=name,
        kind=kind_of_frame(frame).name,
        command=_command(name, study, folder),
        study=study,
        environments=tuple(_environments(folder)),
    )


def _command(name: str, study: str, folder: Path) -> str:
    """How the run is made again: by the name of a bundled study, or from the copy of its file."""
    from surrobench.studies import study_names

    source = name if name in study_names() else f"{folder.name}/{_STUDY}" if study else ""
    return f"surrobench run {shlex.quote(source)}" if source else ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _parsed(study: str) -> Mapping[str, Any]:
    import tomllib

    try:
        return tomllib.loads(study)
    except tomllib.TOMLDecodeError:
        return {}


def _environments(folder: Path) -> Iterator[Mapping[str, Any]]:
    try:
        content = json.loads(_read(folder / _ENVIRONMENT) or "[]")
    except ValueError:
        return
    for environment in content if isinstance(content, list) else [content]:
        if isinstance(environment, dict):
            yield environment


def _used(frame: pd.DataFrame, folders: Sequence[Path]) -> dict[str, list[str]]:
    """Names of the parts by kind; strategies by what their labels stand for in the study file."""
    from surrobench.studies.run_folder.view import kind_of_frame

    used = {
        kind: [str(name) for name in frame[column].dropna().unique() if str(name)]
        for column, kind in _KINDS.items()
        if column in frame
    }
    meant = dict(pair for folder in folders for pair in _labels(_parsed(_read(folder / _STUDY))))
    for column, kind in (("strategy", "strategies"), ("predictor", "predictors")):
        if column in frame:
            names = [str(name) for name in frame[column].dropna().unique() if str(name)]
            used[kind] = [meant.get(name, name) for name in names]
    study = kind_of_frame(frame)
    return {**used, "statistics": _statistics(study, frame), "study": ["always", study.name]}


def _statistics(study: Kind, frame: pd.DataFrame) -> list[str]:
    """What a report of these results computes, by its name in the bibliography."""
    from surrobench.report.comparing.equivalence import missing_library

    ends, kind = study.cells(frame), study.name
    succeeded = frame["key"].isin(ends.loc[ends["status"] == "ok", "key"])
    cells = frame[succeeded].drop_duplicates("key")
    if cells.empty:
        return []
    method = [name for name in (study.subject, "transform", "encoding") if name in cells]
    tasks, methods = cells["task"].nunique(), len(cells[method].drop_duplicates())
    seeds = int(cells.groupby(["task", *method], dropna=False)["seed"].nunique().max())
    compared = kind != "pipeline" and methods > 1 and seeds > 1
    wanted = {
        "sign-flips": compared,
        "mean-ranks": kind != "pipeline" and methods > 2 and max(seeds, tasks) > 1,
        "board": kind != "pipeline" and methods > 1,
        "interquartile-means": kind == "search" or compared,
        "bootstrap": seeds > 1,
        "signed-rank": compared and not missing_library(),
    }
    return [name for name, used in wanted.items() if used]


def _labels(study: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for kind in ("strategies", "predictors"):
        entries = study.get(kind, [])
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and "label" in entry and "use" in entry:
                yield str(entry["label"]), str(entry["use"])
