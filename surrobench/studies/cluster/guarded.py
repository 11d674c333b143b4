"""What a Dask worker has its guarded processes do beside computing cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from surrobench.errors import UserError
from surrobench.studies.engine.executor import Outcome
from surrobench.studies.engine.outcomes import record_of
from surrobench.studies.kinds import KINDS, AnyStudy
from surrobench.studies.run_folder.environment import describe_environment
from surrobench.studies.run_folder.record import Record

Planned = tuple[str, dict[str, dict[str, str]], int, dict[str, Any]]


def plan_study(item: tuple[str, AnyStudy, str]) -> Planned:
    """Plan a study: a problem, or what enters the keys of its cells, their version; and where."""
    name, study, base = item
    environment = describe_environment()
    try:
        plan = KINDS[name].plan(study, Path(base))
    except UserError as error:
        return str(error), {}, 0, environment
    return "", plan.ingredients, plan.version, environment


def record_ending(item: tuple[str, Outcome[Any], bool]) -> Record:
    """The record of a cell that was cut off."""
    name, outcome, salvage = item
    return record_of(KINDS[name], outcome, salvage=salvage)


PLAN = f"{__name__}:{plan_study.__name__}"
RECORD = f"{__name__}:{record_ending.__name__}"
