"""The task and the cell behind a row of results, by the study files of the runs."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from surrobench.errors import UserError
from surrobench.studies.kinds import kind_of
from surrobench.studies.prediction.config import Study
from surrobench.studies.prediction.plan import Cell
from surrobench.studies.run_folder.run_files import STUDY_FILE
from surrobench.studies.study_file import load_study
from surrobench.tasks import expand_tasks, load_task


def folders_of(runs: Iterable[Path]) -> list[Path]:
    """The run folders of runs that may be named by their ``results.parquet``."""
    return [run if run.is_dir() else run.parent for run in runs]


def find_task(name: str, folders: Iterable[Path]) -> tuple[str, Path]:
    """How a task of some results is loaded: its specification, and the folder it starts from.

    Args:
        name: as the results have it, perhaps with a protocol in brackets.
        folders: of the runs, whose study files are read.

    Raises:
        UserError: if neither this package nor a study knows the task.
    """
    name = name.rpartition(" [")[0] or name
    for spec, folder in _specifications(folders):
        try:
            if spec == name or (".toml" in spec and load_task(spec, folder).name == name):
                return spec, folder
        except UserError:
            continue
    if name in expand_tasks(name, Path.cwd()):
        return name, Path.cwd()
    raise UserError(f"the task {name!r} cannot be found.")


def _specifications(folders: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """What the study files of the folders name as tasks, those of a card one by one."""
    for folder in folders:
        try:
            study = tomllib.loads((folder / STUDY_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        tasks = study.get("tasks", [])
        for text in tasks if isinstance(tasks, list) else []:
            try:
                yield from ((spec, folder) for spec in expand_tasks(str(text), folder))
            except UserError:
                continue


def cell_of(runs: Sequence[Path], row: Mapping[str, Any]) -> Cell:
    """Find the cell that a row of prediction results comes from, so as to compute it again.

    Studies are read without permission to name code: a results folder never runs any.

    Args:
        runs: folders, or their results; each is searched for its study file.
        row: of the results.

    Raises:
        UserError: if no folder has a study with this cell.
    """
    folders = folders_of(runs)
    files = [folder / STUDY_FILE for folder in folders if (folder / STUDY_FILE).is_file()]
    if not files:
        names = ", ".join(map(str, folders))
        raise UserError(f"{names}: without {STUDY_FILE} no cell can be computed again.")
    for path in files:
        study, origin = load_study(str(path))
        if not isinstance(study, Study):
            raise UserError(f"{path} is no prediction study.")
        with suppress(UserError):  # the plan of one task is made sooner than that of hundreds
            spec, _ = find_task(str(row.get("task")), [path.parent])
            study = study.model_copy(update={"tasks": (spec,)})
        named = str(row.get("predictor"))
        chosen = [one for one in study.predictors if named.startswith(one.label or one.use)]
        if chosen:  # building the others would import their libraries
            study = study.model_copy(update={"predictors": chosen})
        for cell in kind_of(study).plan(study, origin.base).cells:
            identity = cell.identity()
            if all(str(row.get(name, "")) == str(value) for name, value in identity.items()):
                assert isinstance(cell, Cell)
                return cell
    raise UserError(
        f"{', '.join(map(str, files))}: no cell of task {row.get('task')!r}, predictor "
        f"{row.get('predictor')!r}, train size {row.get('train_size')}, seed {row.get('seed')}."
    )
