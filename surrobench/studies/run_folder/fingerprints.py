"""Whether runs mean the same data by one name of a task: what their plans say of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from surrobench.errors import UserError
from surrobench.studies.run_folder.plan_file import read_plan_file


def other_data(runs: Iterable[Path]) -> dict[str, dict[str, list[Path]]]:
    """Tasks of one name that are different data: task -> fingerprint -> runs.

    Args:
        runs: run folders, or files in them; those without a plan say nothing.
    """
    seen: dict[str, dict[str, list[Path]]] = {}
    for run in runs:
        folder = run.parent if run.is_file() else run
        for task, fingerprint in read_plan_file(folder).ingredients.get("tasks", {}).items():
            seen.setdefault(task, {}).setdefault(fingerprint, []).append(run)
    return {task: versions for task, versions in seen.items() if len(versions) > 1}


def refuse_other_data(runs: Iterable[Path]) -> None:
    """Refuse to put runs together whose tasks bear one name and hold different data.

    Raises:
        UserError: naming tasks and runs.
    """
    torn = other_data(runs)
    if torn:
        sentences = [say_other_data(task, versions) for task, versions in torn.items()]
        raise UserError(
            "; ".join(sentences) + ". Such runs cannot be compared: report them one by one, or "
            "give their cards different names and run them again."
        )


def say_other_data(task: str, versions: Mapping[str, Iterable[Path]]) -> str:
    """For example ``"mine/acc is different data in runs/a and runs/b"``."""
    groups = [", ".join(map(str, runs)) for runs in versions.values()]
    return f"{task} is different data in {' and '.join(groups)}"
