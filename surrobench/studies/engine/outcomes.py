"""From how a cell ended in its process to its record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surrobench.studies.engine.executor import Outcome
from surrobench.studies.kind import Kind
from surrobench.studies.plan import PlannedCell
from surrobench.studies.run_folder.record import Record, Status, make_record, one_line

_STATUSES: Mapping[str, Status] = {"timeout": "timeout", "oom": "oom"}


def record_of(kind: Kind, outcome: Outcome[PlannedCell], *, salvage: bool = True) -> Record:
    """The record of an outcome; a cell whose worker was lost gets one too.

    Args:
        kind: of the study.
        outcome: how the cell ended.
        salvage: keep what a cell that was cut off has left; that builds its method, so code of
            others runs.
    """
    if outcome.ending == "done" and isinstance(outcome.value, Record):
        return outcome.value
    trace = str(outcome.value)
    reason = trace.strip().splitlines()[-1] if outcome.ending == "error" else trace
    left: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    if salvage:
        left = kind.salvage(outcome.item)
    status = _STATUSES.get(outcome.ending, "failed")
    payload = {**outcome.item.identity(), "status": status, "reason": one_line(reason), **left[0]}
    return make_record(outcome.item.key, payload, left[1], trace, outcome.ending)
