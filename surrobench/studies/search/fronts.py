"""``fronts.csv`` of a run folder: the true fronts of tasks with several objectives."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from surrobench.base.sealed import fits_beside, write_beside
from surrobench.metrics.fronts import on_front, rounded, useful
from surrobench.studies.search.config import SearchStudy
from surrobench.studies.search.table_task import SearchTask
from surrobench.tasks import expand_tasks

FRONTS_FILE = "fronts.csv"


def write_fronts(study: SearchStudy, base: Path, folder: Path) -> None:
    """Write the fronts of a study's tasks, if it has further objectives.

    One row per architecture of a front: the task, the architecture, the objectives as the results
    name them (larger is better), whether it is ``useful``, and the hypervolume of the whole front,
    of which that of a search is a share: 1. Fronts are taken at the resolution of their sources;
    architectures that these cannot tell apart are all on it. Where runs are held back to judge by,
    they differ between seeds, and these are the fronts of the means over all runs.
    """
    if not study.objectives:
        return
    tables = []
    for spec in dict.fromkeys(s for task in study.tasks for s in expand_tasks(task, base)):
        task = SearchTask.load(spec, base, study.objectives, study.constraints, study.judge)
        tables.append(_front(task))
    path = folder / FRONTS_FILE
    intact = path.is_file() and fits_beside(path) is not False
    kept = [pd.read_csv(path)] if intact else []
    named = {name for table in tables for name in table["task"]}
    kept = [table[~table["task"].isin(named)] for table in kept]
    whole = pd.concat([*kept, *tables], ignore_index=True)
    write_beside(path, whole.to_csv(index=False).encode())


def _front(task: SearchTask) -> pd.DataFrame:
    known = rounded(task.means, task.resolution)
    member = on_front(known, task.kept)
    archs = task.problem.candidates.archs
    assert archs is not None
    names = (task.name, *task.problem.objectives)
    table = pd.DataFrame(known[member], columns=[f"objective:{name}" for name in names])
    table.insert(0, "task", task.name)
    table.insert(
        1, "arch", [task.table.space.to_string(tuple(arch)) for arch in archs[member].tolist()]
    )
    table["useful"] = useful(known[member], task.floors)
    table["hypervolume"] = 1.0
    return table
