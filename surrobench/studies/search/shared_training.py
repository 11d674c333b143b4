"""Trainings that several cells need: whoever comes first does them, the others wait or do more.

The cells of a live study run in processes that know nothing of each other, and many of them need
the same trainings. Every unit of work has a lock file in the cache; a worker takes the units that
nobody has, and comes back to the others when it has nothing else to do. The kernel frees the locks
of a process that dies. What is in a unit, and hence every number, does not depend on who does it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from filelock import FileLock, Timeout

from surrobench.tasks.evaluation import Evaluation
from surrobench.tasks.live.live import GROUP_SIZE, LiveTask
from surrobench.training.loop.groups import Job

_LOOK_SECONDS = 0.2


def train_shared(
    task: LiveTask, units: Sequence[Sequence[Job]], epochs: int | None = None
) -> list[list[Evaluation]]:
    """Evaluate units of work, together with all other processes that need some of them.

    Args:
        task: what trains.
        units: of jobs, those of one unit in one go.
        epochs: length of the trainings; by default the full one.

    Returns:
        The evaluations of each unit.
    """
    if task.cache is None:
        return [task.evaluate_jobs(unit, epochs=epochs) for unit in units]
    results: dict[int, list[Evaluation]] = {}
    waiting = list(range(len(units)))
    while waiting:
        for place in list(waiting):
            lock = _lock(task, units[place], epochs)
            try:
                # Only where all others are taken is it worth waiting for one.
                lock.acquire(timeout=0 if place != waiting[-1] else _LOOK_SECONDS)
            except Timeout:
                continue
            try:
                results[place] = task.evaluate_jobs(units[place], epochs=epochs)
            finally:
                lock.release()
            waiting.remove(place)
    return [results[place] for place in range(len(units))]


def _lock(task: LiveTask, unit: Sequence[Job], epochs: int | None) -> FileLock:
    assert task.cache is not None
    jobs = sorted((list(job.arch), job.seed) for job in unit)
    text = json.dumps([task.identity, epochs, repr(task.recipe), jobs], sort_keys=True)
    folder = Path(task.cache) / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{hashlib.sha256(text.encode()).hexdigest()[:40]}.lock")


def in_units(task: LiveTask, jobs: Sequence[Job], size: int | None = None) -> list[list[Job]]:
    """Jobs cut into units of equal length; on a GPU, fastest with many at once, all in one.

    Args:
        task: what trains.
        jobs: to be cut, in this order.
        size: the most jobs of a unit. By default half of what the task trains together, so that two
            workers can share few jobs, but no fewer than :data:`GROUP_SIZE`.
    """
    size = size or max(GROUP_SIZE, (task.group_size or 0) // 2)
    units = math.ceil(len(jobs) / size) if task.device.type == "cpu" else 1
    bounds = [len(jobs) * unit // max(1, units) for unit in range(units + 1)]
    return [list(jobs[start:end]) for start, end in pairwise(bounds) if start < end]
