"""The task of a search study: a table, or one that trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from surrobench.studies.live_search_task import LiveSearchTask, load_live_search
from surrobench.studies.search_task import SearchTask
from surrobench.tasks.catalogue import is_live

AnySearchTask = SearchTask | LiveSearchTask


def load_search_task(
    spec: str,
    base: Path,
    objectives: Sequence[str],
    constraints: Mapping[str, str],
    live: Mapping[str, Any],
    seed: int = 0,
) -> AnySearchTask:
    """Load what a search study names as a task.

    Args:
        spec: name of the task.
        base: folder that relative paths start from.
        objectives: further tasks to be maximised.
        constraints: bounds by name.
        live: options of a live task.
        seed: of the search, whose trainings have test results of their own if it is a live one.

    Raises:
        UserError: as :meth:`SearchTask.load` and
            :func:`~surrobench.studies.live_search_task.load_live_search`.
    """
    if is_live(spec):
        task = load_live_search(spec, base, objectives, constraints, live)
        return replace(task, seed=seed)
    return SearchTask.load(spec, base, objectives, constraints)
