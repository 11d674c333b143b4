"""The task behind a name in the results: of this package, or of a card that the study names."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from surrobench.errors import UserError
from surrobench.studies.run_files import STUDY_FILE
from surrobench.tasks import expand_tasks, load_task


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
