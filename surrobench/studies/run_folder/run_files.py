"""What a run folder keeps beside its cells: the study itself, and what it was made with."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from surrobench.base.atomic import write_atomically
from surrobench.studies.kinds import AnyStudy
from surrobench.studies.live_settings import moved_data
from surrobench.studies.observer import RunObserver
from surrobench.studies.run_folder.environment import (
    ENVIRONMENT_FILE,
    describe_environment,
    differences,
)
from surrobench.tasks.catalogue import is_card_path

STUDY_FILE = "study.toml"


def write_study(study: AnyStudy, base: Path, folder: Path) -> None:
    """Keep the study so that it can be run from where it lies: cards relative to the folder."""

    def moved(task: str) -> str:
        return os.path.relpath(base / task, folder) if is_card_path(task) else task

    study = study.moved(moved)
    if study.kind != "prediction":
        study = study.model_copy(update={"live": moved_data(study.live, base, folder)})
    write_atomically(folder / STUDY_FILE, study.to_toml().encode())


def write_environment(
    folder: Path, observer: RunObserver, kernels: Mapping[str, str] | None = None
) -> None:
    """Keep the environment of this process, and tell when it is another one than before."""
    now = describe_environment(kernels)
    seen = read_environments(folder)
    other = differences(seen[-1], now) if seen and now not in seen else []
    if other:
        observer.note(
            "this folder holds results of another environment, so numbers may differ slightly: "
            + "; ".join(other)
        )
    add_environments(folder, [now])


def add_environments(folder: Path, environments: Iterable[dict[str, Any]]) -> None:
    """Keep environments beside those that the folder names already."""
    seen = read_environments(folder)
    new: list[dict[str, Any]] = []
    for one in environments:
        if one not in seen and one not in new:
            new.append(one)
    if new:
        content = json.dumps([*seen, *new], indent=1)
        write_atomically(folder / ENVIRONMENT_FILE, content.encode())


def read_environments(folder: Path) -> list[dict[str, Any]]:
    """What the records of a folder were made with, the latest last; none if nobody knows."""
    try:
        seen = json.loads((folder / ENVIRONMENT_FILE).read_text(encoding="utf-8"))
        return [one for one in seen if isinstance(one, dict)]
    except (OSError, ValueError, TypeError):
        return []
