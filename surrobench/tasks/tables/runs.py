"""The training runs behind a target: seeds x fidelities, larger is better, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.base.wording import counted
from surrobench.tasks.evaluation import LARGEST_VALUE
from surrobench.tasks.files.faults import Faults
from surrobench.tasks.tables.card import Card, TaskCard
from surrobench.tasks.tables.columns import numbers
from surrobench.tasks.tables.durations import durations
from surrobench.tasks.tables.resolution import of_means, rounded
from surrobench.tasks.tables.table import Rows, Table


@dataclass(frozen=True)
class Runs:
    """What was measured for each row of a table.

    Attributes:
        truth: mean over seeds of the final (or best) value, ``N``, larger is better; NaN if
            unknown.
        values: single runs, ``N x seeds x fidelities``, larger is better.
        fidelities: number of epochs behind each entry of the last axis; empty if not stated.
        seconds: training time up to each fidelity, ``N x fidelities``, or None.
        wrong: number of rows whose target is not a finite number as it should be.
        counts: training runs behind each value of ``truth``, ``N``; 0 where it is unknown.
        step: resolution of ``truth``, or None if the card does not state one.
    """

    truth: FloatArray
    values: FloatArray
    fidelities: tuple[int, ...]
    seconds: FloatArray | None
    wrong: int
    counts: IntArray
    step: Fraction | None


def read_runs(table: Table, task: TaskCard, wrong: set[int], faults: Faults) -> Runs:
    """The runs of a task; ``wrong`` holds the file positions of rows with unusable targets."""
    step = table.card.step(task)
    final, curve = _values(table, task, step, faults)
    cheaper = sorted((int(epochs), column) for epochs, column in task.fidelities.items())
    sign = 1.0 if task.direction == "maximize" else -1.0
    parts = [rounded(_matrix(table.columns[name]).mean(axis=1), step) for _, name in cheaper]
    lower = [np.repeat(part[:, None, None], final.shape[1], axis=1) for part in parts]
    values = sign * np.concatenate([*lower, curve], axis=2) + 0.0  # no negative zeros
    values = np.asarray(np.where(np.isfinite(values), values, np.nan))
    unusable = np.isin(table.rows, sorted(wrong))
    known = np.isfinite(final).sum(axis=1)
    mean_step = of_means(step, known)
    truth = sign * rounded(_mean(final), mean_step) + 0.0
    truth[unusable | ~np.isfinite(truth)] = np.nan
    length = curve.shape[2]
    if length > 1:
        fidelities = tuple(range(1, length + 1))
    elif task.epochs is not None:
        fidelities = (*(epochs for epochs, _ in cheaper), task.epochs)
    else:
        fidelities = ()
    seconds = _seconds(table, task, fidelities)
    counts = np.where(np.isnan(truth), 0, known * _averaged(table, task, faults))
    return Runs(truth, values, fidelities, seconds, int(unusable.sum()), counts, mean_step)


def _averaged(table: Table, task: TaskCard, faults: Faults) -> IntArray:
    """How many runs each number of the target averages already, ``N``."""
    if isinstance(task.runs, int):
        return np.full(len(table), task.runs, dtype=np.int64)
    counts = table.columns[task.runs]
    whole = counts.ndim == 1 and bool((np.isfinite(counts) & (counts >= 1)).all())
    if not whole or bool((counts != np.rint(counts)).any()):
        faults.add(f"column {task.runs!r} (runs) must hold one whole number from 1 on a row.")
        return np.ones(len(table), dtype=np.int64)
    return counts.astype(np.int64)


def read_curves(table: Table, task: TaskCard, faults: Faults) -> dict[str, FloatArray]:
    """What else was recorded in every epoch, by name: ``N x seeds x epochs`` as in the table."""
    curves = {}
    for name, column in task.curves.items():
        values = _matrix(table.columns[column])
        seeds = task.seeds if task.layout == "seeds-epochs" else 1
        length = _matrix(table.columns[task.targets[0]]).shape[1]
        if values.shape[1] != length:
            faults.add(
                f"curve {column!r} holds {counted(values.shape[1], 'value')} a row, but the target "
                f"{task.targets[0]!r} holds {length}."
            )
        elif length % seeds == 0:
            curves[name] = values.reshape(len(values), seeds, -1)
    return curves


def check_targets(card: Card, task: TaskCard, rows: Rows, faults: Faults) -> set[int]:
    """Report targets that are no finite numbers; return the file positions of their rows.

    Missing targets count as wrong unless the card allows them.
    """
    wrong: set[int] = set()
    for name in task.targets:
        if name not in rows.frame.schema.names:
            continue
        column = numbers(rows.frame.column(name))
        nothing = np.isnan(column.values)
        large = np.abs(column.values) > LARGEST_VALUE
        large &= np.isfinite(column.values)
        empty = np.array(nothing.all(axis=1) if column.values.ndim > 1 else nothing)
        empty[list(column.words)] = False
        found = {
            "is not a number": sorted(column.words),
            "is infinite": column.infinite,
            _TOO_LARGE: np.flatnonzero(large if large.ndim == 1 else large.any(axis=1)).tolist(),
        }
        if card.missing == "error":
            found["is missing (NaN)"] = np.flatnonzero(empty).tolist()
        for what, where in found.items():
            wrong.update(rows.positions[where].tolist())
            if where and not card.drop_invalid:
                words = (column.words[row] for row in where) if "not a" in what else None
                faults.add(
                    f"target {name!r} {what} in {len(where)} of {counted(len(empty), 'row')}: "
                    f"{faults.rows(where, words)}; {_remedy(what)}"
                )
    wrong.update(_check_costs(card, task, rows, faults))
    return wrong


def _check_costs(card: Card, task: TaskCard, rows: Rows, faults: Faults) -> set[int]:
    """Report costs that are no times; return the file positions of their rows."""
    wrong: set[int] = set()
    for name in dict.fromkeys(task.cost_columns):
        if name not in rows.frame.schema.names:
            continue
        column = durations(rows.frame.column(name), task.cost_unit)
        below = np.asarray(column.values < 0)
        negative = np.flatnonzero(below if below.ndim == 1 else below.any(axis=1)).tolist()
        found = {
            "is not a number of seconds": sorted(column.words),
            "is infinite": column.infinite,
            "is negative": negative,
        }
        for what, where in found.items():
            wrong.update(rows.positions[where].tolist())
            if where and not card.drop_invalid:
                words = (column.words[row] for row in where) if "not a" in what else None
                faults.add(
                    f"cost {name!r} {what} in {len(where)} of {counted(len(rows.frame), 'row')}: "
                    f"{faults.rows(where, words)}; {_remedy(what)}"
                )
    return wrong


_TOO_LARGE = f"is beyond ±{LARGEST_VALUE:.0e}, whose square is no number,"


def _remedy(what: str) -> str:
    if what == _TOO_LARGE:
        return (
            "leave the cell of a failed training empty (NaN) instead of writing a penalty, with "
            'missing = "allow" in the card, or set drop_invalid = true.'
        )
    if "missing" in what:
        return 'set missing = "allow" in the card to leave such rows out and count them.'
    return "mend them, or set drop_invalid = true in the card to leave them out and count them."


def _values(
    table: Table, task: TaskCard, step: Fraction | None, faults: Faults
) -> tuple[FloatArray, FloatArray]:
    """``(final value N x seeds, runs N x seeds x epochs)`` in the units of the table."""
    columns = [rounded(table.columns[name], step) for name in task.targets]
    if task.layout == "seeds":
        final = np.concatenate([_matrix(column) for column in columns], axis=1)
        return final, final[:, :, None]
    curve = _matrix(columns[0])
    seeds = task.seeds if task.layout == "seeds-epochs" else 1
    if curve.shape[1] % seeds:
        faults.add(
            f"target {task.targets[0]!r} holds {counted(curve.shape[1], 'value')} a row, which is "
            "not a "
            f"multiple of seeds = {seeds}."
        )
        seeds = 1
    curve = curve.reshape(len(curve), seeds, -1)
    if task.final == "last":
        return curve[:, :, -1], curve
    best = np.fmax if task.direction == "maximize" else np.fmin
    return best.reduce(curve, axis=2), curve


def _matrix(values: FloatArray) -> FloatArray:
    return values[:, None] if values.ndim == 1 else values


def _mean(values: FloatArray) -> FloatArray:
    """Mean over the seeds that there are; NaN if there is none."""
    known = np.isfinite(values)
    counts = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.asarray(np.divide(total, counts, out=np.full(len(values), np.nan), where=counts > 0))


def _seconds(table: Table, task: TaskCard, fidelities: tuple[int, ...]) -> FloatArray | None:
    """Seconds of one run up to each fidelity; lengths without a record are scaled linearly."""
    lengths = fidelities or (1,)
    if task.cost is not None:
        cost = _matrix(table.columns[task.cost])
        if task.layout == "epochs" and cost.shape[1] == len(lengths):
            return np.cumsum(cost, axis=1)
        return _mean(cost)[:, None] * np.array(lengths)[None, :] / lengths[-1]
    if not task.costs:
        return None
    known = {int(epochs): table.columns[column] for epochs, column in task.costs.items()}
    nearest = {length: min(known, key=lambda k: abs(k - length)) for length in lengths}
    return np.stack([known[nearest[n]] * (n / nearest[n]) for n in lengths], axis=1)
