"""One search of a study: from its cell to its record."""

from __future__ import annotations

import hashlib
import json
import math
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.strategies import make_strategy
from surrobench.strategies.loop import Budget, Row, SearchLoop
from surrobench.studies.pareto import HypervolumeMeter
from surrobench.studies.prediction import reason_of, seeded
from surrobench.studies.record import Record, Status, make_record, one_line
from surrobench.studies.search_grid import SearchCell
from surrobench.studies.search_task import SearchTask
from surrobench.studies.store import write_atomically

CHECKPOINT_SECONDS = 5.0


def initial_design(task: SearchTask, n: int, seed: int) -> list[Arch]:
    """The architectures that every strategy begins with; depends on task and seed alone."""
    text = f"design|{task.name}|{seed}"
    entropy = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    order = np.random.default_rng(entropy).random(len(task.table))
    rows = np.argsort(order, kind="stable")[:n]
    return [task.problem.candidates.arch(int(row)) for row in rows]


def run_search(cell: SearchCell) -> Record:
    """Run one search; any mistake of the strategy is in the record, not raised."""
    torch.set_num_threads(1)
    try:
        task = SearchTask.load(cell.spec, Path(cell.base), cell.objectives, cell.constraints)
        with seeded(cell.key):
            rows = _search(cell, task)
    except UserError as error:
        return _record(cell, "unavailable", str(error))
    except MemoryError as error:
        return _record(cell, "oom", reason_of(error))
    except Exception as error:
        return _record(cell, "failed", reason_of(error), trace=traceback.format_exc())
    if not rows:
        return _record(cell, "failed", "the strategy proposed nothing.")
    timing: dict[str, Any] = {"overhead_seconds": [row.overhead_seconds for row in rows]}
    return _record(cell, "ok", "", _payload(cell, task, rows), timing)


def _search(cell: SearchCell, task: SearchTask) -> list[Row]:
    strategy = make_strategy(
        {"use": cell.use, **cell.options},
        task.problem,
        seed=cell.seed,
        design=initial_design(task, cell.initial, cell.seed),
    )

    def evaluate(arch: Arch, epochs: int | None) -> Any:
        return task.evaluate(arch, seed=cell.seed, epochs=epochs)

    budget = Budget(cell.evaluations, cell.budget_seconds)
    loop = SearchLoop(strategy, evaluate, budget, batch=cell.batch)
    checkpoint = _Checkpoint(cell)
    checkpoint.load(loop)
    loop.run(checkpoint.save)
    checkpoint.remove()
    return loop.rows


class _Checkpoint:
    """The state of an unfinished search, kept every few seconds."""

    def __init__(self, cell: SearchCell) -> None:
        self.path = Path(cell.scratch) / f"{cell.key}.json" if cell.scratch else None
        self._last = time.monotonic()

    def load(self, loop: SearchLoop) -> None:
        """Continue from the file, if there is one that can be read."""
        if self.path is None or not self.path.is_file():
            return
        try:
            loop.restore(json.loads(self.path.read_text(encoding="utf-8")))
        except (OSError, ValueError, UserError):
            self.path.unlink(missing_ok=True)  # half a file of a machine that lost power
            raise

    def save(self, loop: SearchLoop) -> None:
        """Write the state if the last time is some seconds ago."""
        if self.path is None or time.monotonic() - self._last < CHECKPOINT_SECONDS:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path, json.dumps(loop.state()).encode())
        self._last = time.monotonic()

    def remove(self) -> None:
        """The search is over."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def _payload(cell: SearchCell, task: SearchTask, rows: Sequence[Row]) -> dict[str, Any]:
    """One array per column of the results, an element per evaluation."""
    incumbents = [rows[row.best - 1].arch if row.best else None for row in rows]
    observed = [rows[row.best - 1].value if row.best else math.nan for row in rows]
    truths = {arch: task.truth(arch) for arch in set(incumbents) if arch is not None}
    tests = {arch: task.test(arch) for arch in truths}
    space = task.table.space
    columns: dict[str, list[Any]] = {
        "arch": [space.to_string(row.arch) for row in rows],
        "epochs": [row.epochs for row in rows],
        "value": [row.value for row in rows],
        "best_value": observed,
        "simple_regret": [task.optimum - truths[arch] if arch else math.nan for arch in incumbents],
        "test_value": [tests[arch] if arch else math.nan for arch in incumbents],
        "spent": [row.spent for row in rows],
        "simulated_seconds": [row.simulated_seconds for row in rows],
        "row_status": [row.status for row in rows],
    }
    for name in cell.objectives:
        columns[f"objective:{name}"] = [row.metrics.get(name, math.nan) for row in rows]
    if cell.objectives:
        columns["hypervolume"] = HypervolumeMeter.of(task.objectives, task.kept).trace(
            np.array([[row.value, *(row.metrics[n] for n in cell.objectives)] for row in rows])
        )
    return {
        "optimum": task.optimum,
        "unit": task.table.unit,
        "rows": {name: [_json(value) for value in values] for name, values in columns.items()},
    }


def _json(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _record(
    cell: SearchCell,
    status: Status,
    reason: str,
    payload: dict[str, Any] | None = None,
    timing: dict[str, Any] | None = None,
    trace: str = "",
) -> Record:
    content = {**cell.identity(), "status": status, "reason": one_line(reason), **(payload or {})}
    return make_record(cell.key, content, timing, trace)
