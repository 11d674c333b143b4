"""One search of a study: from its cell to its record.

A search that fails, hangs or dies keeps the evaluations that it had made. While it runs, its state
is written to a checkpoint every few seconds; run again, it goes on from there and gives the same
numbers. The strategy sees the values that it asked for, never the runs that judge them or the test
results behind them; what those say of the incumbents is added when the search is over.
"""

from __future__ import annotations

import hashlib
import math
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from surrobench.base.sealed import read_sealed, write_sealed
from surrobench.errors import UserError
from surrobench.metrics.fronts import HypervolumeMeter
from surrobench.spaces.architecture import Arch
from surrobench.strategies import make_strategy
from surrobench.strategies.problem import Problem
from surrobench.strategies.running.loop import Budget, Row, SearchLoop, rows_of
from surrobench.studies.prediction.cell import is_out_of_memory, reason_of, seeded
from surrobench.studies.prediction.source_tasks import draw_known
from surrobench.studies.run_folder.record import Record, Status, make_record, one_line
from surrobench.studies.search.live_task import LiveSearchTask
from surrobench.studies.search.plan import SearchCell
from surrobench.studies.search.table_task import SearchTask
from surrobench.studies.search.task import AnySearchTask, load_search_task
from surrobench.tasks.evaluation import Evaluation

CHECKPOINT_SECONDS = 2.0


def initial_design(task: AnySearchTask, n: int, seed: int) -> list[Arch]:
    """The architectures that every strategy begins with; depends on task and seed alone."""
    candidates = task.problem.candidates
    order = np.random.default_rng(_entropy("design", task.name, seed)).random(len(candidates))
    rows = np.argsort(order, kind="stable")[:n]
    return [candidates.arch(int(row)) for row in rows]


def strategy_seed(task: str, seed: int) -> int:
    """The seed of a strategy's own draws, 31 bits; depends on the names of task and seed alone.

    Another task has another one: searches that propose the same architectures on all tasks of a
    seed would pass for independent ones.
    """
    return _entropy("strategy", task, seed) >> (256 - 31)


def _entropy(purpose: str, task: str, seed: int) -> int:
    """256 bits."""
    text = f"{purpose}|{task}|{seed}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")


def run_search(cell: SearchCell) -> Record:
    """Run one search; any mistake of the strategy is in the record, not raised."""
    torch.set_num_threads(1)
    checkpoint = _Checkpoint(cell)
    try:
        task = _task(cell)
        loop = checkpoint.load(lambda: _loop(cell, task))
        lengths = loop.strategy.usable_epochs()
    except UserError as error:
        return _record(cell, "unavailable", str(error))
    status: Status = "ok"
    reason = trace = ""
    try:
        _run(cell, loop, checkpoint)
    except Exception as error:
        status = "oom" if is_out_of_memory(error) else "failed"
        reason = reason_of(error)
        trace = traceback.format_exc()
    if status == "ok" and not loop.rows:
        status, reason = "failed", "the strategy proposed nothing."
    checkpoint.remove()
    return _record(cell, status, reason, task, loop.rows, lengths, trace)


def remains(cell: SearchCell) -> tuple[dict[str, Any], dict[str, Any]]:
    """Payload and timing of a search that was cut off, from its checkpoint; empty without one."""
    path = _Checkpoint(cell).path
    try:
        if path is None or not path.is_file():
            return {}, {}
        rows = rows_of(read_sealed(path))
        task = _task(cell)
        lengths = _loop(cell, task).strategy.usable_epochs()
        return _payload(task, rows, lengths), _timing(task, rows)
    except (OSError, ValueError, KeyError, TypeError, UserError):
        return {}, {}


def _task(cell: SearchCell) -> AnySearchTask:
    return load_search_task(
        cell.spec,
        Path(cell.base),
        cell.objectives,
        cell.constraints,
        cell.live,
        cell.seed,
        cell.judging,
    )


def _loop(cell: SearchCell, task: AnySearchTask) -> SearchLoop:
    strategy = make_strategy(
        {"use": cell.use, **cell.options},
        _problem(cell, task),
        seed=strategy_seed(task.name, cell.seed),
        design=initial_design(task, cell.initial, cell.seed),
        repeats=cell.repeats,
    )

    def evaluate(arch: Arch, epochs: int | None) -> Evaluation:
        return task.evaluate(arch, seed=cell.seed, epochs=epochs)

    budget = Budget(cell.evaluations, cell.budget_seconds)
    return SearchLoop(strategy, evaluate, budget, batch=cell.batch)


def _problem(cell: SearchCell, task: AnySearchTask) -> Problem:
    """The task's, with what its strategy may know of other tasks."""
    if not cell.sources or not isinstance(task, SearchTask):
        return task.problem
    known = draw_known(
        task.table,
        task.problem.candidates,
        cell.sources,
        Path(cell.base),
        cell.source_size,
        cell.seed,
    )
    return replace(task.problem, sources=known)


def _run(cell: SearchCell, loop: SearchLoop, checkpoint: _Checkpoint) -> None:
    """Step until the end.

    The global generators are seeded anew for each step, so that a foreign predictor that draws
    from them goes on after a checkpoint as if nothing had happened.
    """
    going = True
    while going:
        text = f"{cell.key}|{len(loop.rows)}"
        with seeded(hashlib.sha256(text.encode()).hexdigest()):
            going = bool(loop.step())
        checkpoint.save(loop)


class _Checkpoint:
    """The state of an unfinished search, kept every few seconds."""

    def __init__(self, cell: SearchCell) -> None:
        self.path = Path(cell.scratch) / f"{cell.key}.json" if cell.scratch else None
        self._last = time.monotonic()

    def load(self, make: Any) -> SearchLoop:
        """A loop where the file left off; a fresh one without a file, or with a damaged one."""
        loop: SearchLoop = make()
        if self.path is None or not self.path.is_file():
            return loop
        try:
            loop.restore(read_sealed(self.path))
        except (OSError, ValueError, AttributeError, TypeError, UserError):
            self.path.unlink(missing_ok=True)
            loop = make()  # the other one may be restored in part
        return loop

    def save(self, loop: SearchLoop) -> None:
        """Write the state if the last time is some seconds ago."""
        if self.path is None or time.monotonic() - self._last < CHECKPOINT_SECONDS:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_sealed(self.path, loop.state())
        self._last = time.monotonic()

    def remove(self) -> None:
        """The search is over."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def _payload(
    task: AnySearchTask, rows: Sequence[Row], lengths: Sequence[int] = ()
) -> dict[str, Any]:
    """Facts about the task and one array per column of the results, an element per evaluation."""
    incumbents = [rows[row.best - 1].arch if row.best else None for row in rows]
    observed = [rows[row.best - 1].value if row.best else math.nan for row in rows]
    judged = {arch: task.judged(arch) for arch in set(incumbents) if arch is not None}
    tests = {arch: task.test(arch) for arch in judged}
    space = task.space
    columns: dict[str, list[Any]] = {
        "arch": [space.to_string(row.arch) for row in rows],
        "epochs": [_epochs(task, row) for row in rows],
        "value": [row.value for row in rows],
        "best_value": observed,
        "judged": [judged[arch] if arch else math.nan for arch in incumbents],
        "simple_regret": [task.optimum - judged[arch] if arch else math.nan for arch in incumbents],
        "test_value": [tests[arch] if arch else math.nan for arch in incumbents],
        "spent": [row.spent for row in rows],
        **_stated(task, rows),
        "row_status": [row.status for row in rows],
        "row_reason": [one_line(row.reason) for row in rows],
    }
    more, facts = _objectives(task, rows)
    if task.problem.constraints:
        more["feasible"] = [task.feasible(row.arch) for row in rows]
    return {
        "optimum": task.optimum,
        "unit": task.unit,
        "clock": task.clock,
        "lengths": ", ".join(map(str, lengths)),
        **_judge(task),
        **facts,
        "rows": {name: packed(values) for name, values in {**columns, **more}.items()},
    }


def _judge(task: AnySearchTask) -> dict[str, Any]:
    """Who judges, by how many runs, and how many architectures can be judged."""
    if not isinstance(task, SearchTask):
        return {}
    return {
        "judge": task.judge.kind,
        "judge_runs": task.judge.runs,
        "pool": len(task.problem.candidates),
        "without_judge": len(task.table) - len(task.problem.candidates) if task.held_out else 0,
    }


def _epochs(task: AnySearchTask, row: Row) -> int | None:
    """Length of a training; None where the table does not say."""
    lengths = task.problem.epochs
    return row.epochs if row.epochs is not None or not lengths else lengths[-1]


def _objectives(
    task: AnySearchTask, rows: Sequence[Row]
) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Columns and facts of several objectives: those of full trainings, and what they attain.

    ``useful_hypervolume`` is the share of what the true front of useful networks dominates,
    ``front_found`` the share of its points that were trained, ``front_points`` their number and
    ``useful`` says from where on a network counts.
    """
    names = task.problem.objectives
    if not names or not isinstance(task, SearchTask):
        return {}, {}
    index = task.problem.candidates.index
    known = np.full((len(rows), 1 + len(names)), np.nan)
    for place, row in enumerate(rows):
        if row.epochs is None and row.status == "ok":
            known[place] = task.objectives[index[row.arch]]
    kept = np.array([task.feasible(row.arch) for row in rows])
    meter = HypervolumeMeter.of(task.objectives, task.kept, task.floors, task.resolution)
    allowed = np.where(kept[:, None], known, np.nan)
    columns = {
        f"objective:{name}": known[:, i].tolist() for i, name in enumerate((task.name, *names))
    }
    columns["useful_hypervolume"] = meter.trace(allowed)
    columns["front_found"] = meter.found(allowed)
    return columns, {"front_points": len(meter.front), "useful": _useful(task, meter)}


def _useful(task: SearchTask, meter: HypervolumeMeter) -> str:
    """From where on a network counts as useful, in source units: ``nb201/cifar10-val >= 80 %``."""
    if meter.floors is None:
        return ""
    tables = [task.table, *(task.others[name] for name in task.problem.objectives)]
    return ", ".join(
        f"{table.name} {table.bound_text(floor)}"
        for table, floor in zip(tables, meter.floors.tolist(), strict=True)
        if math.isfinite(floor)
    )


def packed(values: list[Any]) -> list[Any]:
    """A column as JSON bears it, in runs ``[value, count]`` where it hardly changes.

    :func:`~surrobench.studies.search.frame.unpacked` reads it back.
    """
    plain = [None if isinstance(v, float) and not math.isfinite(v) else v for v in values]
    runs: list[list[Any]] = []
    for value in plain:
        if runs and runs[-1][0] == value and type(runs[-1][0]) is type(value):
            runs[-1][1] += 1
        else:
            runs.append([value, 1])
    return runs if 2 * len(runs) < len(plain) else plain


def _stated(task: AnySearchTask, rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Seconds of training as a table states them; those that are measured are no payload."""
    measured = isinstance(task, LiveSearchTask)
    return {} if measured else {"simulated_seconds": [row.simulated_seconds for row in rows]}


def _timing(task: AnySearchTask | None, rows: Sequence[Row]) -> dict[str, Any]:
    """Seconds of the strategy itself, and of trainings that were timed; differ from run to run."""
    if not rows:
        return {}
    timing: dict[str, Any] = {"overhead_seconds": [round(row.overhead_seconds, 5) for row in rows]}
    if isinstance(task, LiveSearchTask):
        timing["simulated_seconds"] = packed([row.simulated_seconds for row in rows])
    return timing


def _record(
    cell: SearchCell,
    status: Status,
    reason: str,
    task: AnySearchTask | None = None,
    rows: Sequence[Row] = (),
    lengths: Sequence[int] = (),
    trace: str = "",
) -> Record:
    content: dict[str, Any] = {**cell.identity(), "status": status, "reason": one_line(reason)}
    if task is not None and rows:
        content |= _payload(task, rows, lengths)
    return make_record(cell.key, content, _timing(task, rows), trace)
