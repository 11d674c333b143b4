"""The task of a search study: a table, or one that trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from surrobench.studies.judging import Judging
from surrobench.studies.search.live_task import LiveSearchTask, load_live_search
from surrobench.studies.search.table_task import SearchTask
from surrobench.tasks.catalogue import is_live

AnySearchTask = SearchTask | LiveSearchTask


def load_search_task(
    spec: str,
    base: Path,
    objectives: Sequence[str],
    constraints: Mapping[str, str],
    live: Mapping[str, Any],
    seed: int = 0,
    judging: Judging = "auto",
) -> AnySearchTask:
    """Load what a search study names as a task.

    Args:
        spec: name of the task.
        base: folder that relative paths start from.
        objectives: further tasks to be maximised.
        constraints: bounds by name.
        live: options of a live task.
        seed: of the search: which run of a table it is shown, and the others judge; a live one has
            test results of its own.
        judging: what judges a search on a table, see :mod:`surrobench.studies.judging`.

    Raises:
        UserError: as :meth:`SearchTask.load` and
            :func:`~surrobench.studies.search.live_task.load_live_search`.
    """
    if is_live(spec):
        task = load_live_search(spec, base, objectives, constraints, live)
        return replace(task, seed=seed)
    return replace(SearchTask.load(spec, base, objectives, constraints, judging), seed=seed)
