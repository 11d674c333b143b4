"""Parameter and operation counts of many architectures, kept on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
from filelock import FileLock

from surrobench.arrays import FloatArray
from surrobench.base.sealed import read_sealed, write_sealed
from surrobench.spaces.architecture import Arch
from surrobench.tasks.live.live import LiveTask

COLUMNS = ("params", "flops")


def measured_costs(task: LiveTask, archs: Sequence[Arch]) -> dict[str, FloatArray]:
    """Columns that need no training, ``n`` each: ``params`` and ``flops``.

    They are counted once for a task and a list of architectures, whoever asks first; other
    processes wait for that and read them.

    Args:
        task: whose networks are counted.
        archs: architectures of its space, ``n``.
    """
    if task.cache is None:
        return _counted(task, archs)
    named = [task.space.name, dict(task.network), task.data.shape, task.data.classes]
    text = json.dumps([*named, [list(arch) for arch in archs]], sort_keys=True)
    file = task.cache / "costs" / f"{hashlib.sha256(text.encode()).hexdigest()[:40]}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_suffix(".lock")):
        try:
            content = read_sealed(file)
            columns = {name: np.array(content[name], dtype=np.float64) for name in COLUMNS}
            if all(len(column) == len(archs) for column in columns.values()):
                return columns
        except (OSError, ValueError, KeyError, TypeError):
            pass
        columns = _counted(task, archs)
        lists = {name: column.tolist() for name, column in columns.items()}
        write_sealed(file, lists)
    return columns


def _counted(task: LiveTask, archs: Sequence[Arch]) -> dict[str, FloatArray]:
    counts = [task.costs(arch) for arch in archs]
    return {name: np.array([count[name] for count in counts], dtype=float) for name in COLUMNS}
