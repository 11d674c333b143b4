"""What differs around the numbers of two runs: data, options, settings, versions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from surrobench.studies.run_folder.environment import differences
from surrobench.studies.run_folder.fingerprints import other_data
from surrobench.studies.run_folder.parts_agree import (
    Part,
    ingredients_that_differ,
    settings_that_differ,
)
from surrobench.studies.run_folder.plan_file import SINGULAR
from surrobench.studies.run_folder.run_files import read_environments


@dataclass(frozen=True)
class RunDifferences:
    """What two run folders say of themselves.

    Attributes:
        other_data: tasks that are different data under one name.
        options: sentences about tasks and methods of one run alone, and options that changed.
        settings: sentences about the other keys of the study files.
        versions: packages, threads and kernels that changed, from the first run to the second.
    """

    other_data: tuple[str, ...]
    options: tuple[str, ...]
    settings: tuple[str, ...]
    versions: tuple[str, ...]


def run_differences(first: Path, second: Path) -> RunDifferences:
    """Compare the plans, study files and environments of two runs.

    Args:
        first: a run folder, or its results; without a plan it says nothing.
        second: likewise.

    Raises:
        DamagedStoreError: if a plan cannot be read.
    """
    one, other = (run if run.is_dir() else run.parent for run in (first, second))
    torn = tuple(other_data([one, other]))
    parts = [Part.found(folder) for folder in (one, other)]
    options: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    if parts[0] is not None and parts[1] is not None:
        told = ingredients_that_differ(parts[0], parts[1])
        options = tuple(text for text in told if "is other data" not in text)
        told = settings_that_differ(parts[0], parts[1])
        methods = tuple(f"{kind} is " for kind in SINGULAR)  # which the options are about
        settings = tuple(text for text in told if not text.startswith(methods))
    before, now = read_environments(one), read_environments(other)
    versions = tuple(differences(before[-1], now[-1])) if before and now else ()
    return RunDifferences(torn, options, settings, versions)
