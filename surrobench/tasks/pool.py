"""From a table and one of its task descriptions to a task: the pool, its values and its noise."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.base.wording import counted
from surrobench.encodings.default import default_encoding
from surrobench.spaces.architecture import Arch
from surrobench.tasks.files.faults import Faults
from surrobench.tasks.tables.card import Card, TaskCard, named
from surrobench.tasks.tables.resolution import near_ties, of_means, rounded
from surrobench.tasks.tables.runs import Runs, check_targets, read_curves, read_runs
from surrobench.tasks.tables.table import Table, first_seen, read_rows, understand
from surrobench.tasks.task import TableTask

FEWEST_REPEATS = 20  # a standard deviation from fewer repeated rows says little


@dataclass(frozen=True)
class _Pool:
    """Which rows form the pool: ``rows[i]`` belongs to pool member ``member[i]``."""

    rows: IntArray
    member: IntArray
    first: IntArray

    @property
    def merged(self) -> int:
        return len(self.rows) - len(self.first)

    def sizes(self, weights: IntArray | None = None) -> IntArray:
        """Rows of each member, or the sum of their weights."""
        picked = None if weights is None else weights[self.rows]
        sums = np.bincount(self.member, weights=picked, minlength=len(self.first))
        return np.asarray(np.rint(sums), dtype=np.int64)

    def mean(self, values: FloatArray) -> FloatArray:
        """Average over the rows of each member, ignoring NaN; extra axes are kept."""
        picked = values[self.rows]
        if self.merged == 0:
            return picked
        known = ~np.isnan(picked)
        total = np.zeros((len(self.first), *picked.shape[1:]))
        count = np.zeros_like(total)
        np.add.at(total, self.member, np.where(known, picked, 0.0))
        np.add.at(count, self.member, known)
        return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def build_task(card: Card, task_name: str, path: Path) -> TableTask:
    """Read the table at ``path`` and build one task of ``card``.

    Raises:
        UserError: listing everything that is wrong with the table.
    """
    card, task = card.of(task_name), card.tasks[task_name]
    faults = Faults()
    subject = f"the table {path}, for the task {card.name}/{task_name},"
    rows = read_rows(card, path, [task], task.where, faults)
    wrong = check_targets(card, task, rows, faults)
    table = understand(card, rows, [task], faults)
    runs = read_runs(table, task, wrong, faults)
    measured = _measured(table, task, faults)
    curves = read_curves(table, task, faults)
    known = np.flatnonzero(np.isfinite(runs.truth))
    pool = _merge(table, known, runs.truth, task, faults)
    if len(pool.first) < 2 and not faults:
        faults.add(
            f"{_so_few(len(pool.first))} a known value in {', '.join(map(repr, task.targets))}; a "
            "task needs at least 2."
        )
    faults.raise_if_any(subject)
    if runs.step is None:
        _warn_of_noise(f"{card.name}/{task_name}", runs.truth[known])
    step = of_means(runs.step, pool.sizes())
    counts = pool.sizes(runs.counts)
    negated = task.direction == "minimize"
    unit = task.unit or ", ".join(task.targets)
    return TableTask(
        name=f"{card.name}/{task_name}",
        space=table.space,
        archs=table.archs[pool.first],
        truth=rounded(pool.mean(runs.truth), step),
        groups=first_seen(table.groups[pool.first][:, None]),
        published_groups=_picked(table.published_groups, pool),
        measured={name: pool.mean(values) for name, values in measured.items()},
        subsets={name: flags[pool.first] for name, flags in table.subsets.items()},
        values=pool.mean(runs.values),
        fidelities=runs.fidelities,
        seconds=None if runs.seconds is None else pool.mean(runs.seconds),
        unlabelled=_unlabelled(table, runs, pool),
        unit=f"{unit} (negated)" if negated else unit,
        direction=task.direction,
        description=task.description or card.description,
        protocol=task.protocol,
        missing=len(table) - len(known) - runs.wrong,
        dropped=table.dropped + runs.wrong,
        merged=pool.merged,
        runs_each=counts,
        resolution=None if step is None else float(step),
        noise=_noise(table, task, runs, pool),
        licence=card.licence,
        citation=card.citation,
        bibtex=card.bibtex,
        url=card.url,
        default_encoding=card.default_encoding or default_encoding(table.space),
        curves={name: pool.mean(values) for name, values in curves.items()},
        useful=_useful(task),
    )


def _warn_of_noise(name: str, truth: FloatArray) -> None:
    if near := near_ties(truth):
        warnings.warn(
            f"{counted(near, f'target of {name} differs', f'targets of {name} differ')} from the "
            "next by rounding noise alone, so that ties "
            "look different. State what they resolve in the card, for example resolution = 0.01.",
            stacklevel=3,
        )


def _picked(groups: IntArray | None, pool: _Pool) -> IntArray | None:
    return None if groups is None else first_seen(groups[pool.first][:, None])


def _useful(task: TaskCard) -> float | None:
    """From where on a network is of use, larger is better."""
    if task.useful is None:
        return None
    return -task.useful if task.direction == "minimize" else task.useful


def _so_few(count: int) -> str:
    return "one architecture alone has" if count else "no architecture has"


def _measured(table: Table, task: TaskCard, faults: Faults) -> dict[str, FloatArray]:
    """Label-free columns by standard name; NaN is missing, an infinite score is the extreme."""
    measured: dict[str, FloatArray] = {}
    for name, column in {**named(table.card.measured), **named(task.measured)}.items():
        values, words = table.columns[column], table.words.get(column, {})
        if values.ndim > 1:
            faults.add(f"measured column {column!r} holds lists; it must hold one number a row.")
            continue
        if words and not table.card.drop_invalid:
            shown = faults.rows(list(words), words.values())
            faults.add(
                f"measured column {column!r} is not a number in {counted(len(words), 'row')}: "
                f"{shown}; write numbers, or leave such cells empty."
            )
        measured[name] = values
    return measured


def _merge(
    table: Table, known: IntArray, truth: FloatArray, task: TaskCard, faults: Faults
) -> _Pool:
    """Rows with equal decisions become one member of the pool."""
    if len(known) == 0:
        return _Pool(known, known, known)
    member = first_seen(table.archs[known])
    first = known[np.unique(member, return_index=True)[1]]
    pool = _Pool(known, member, first)
    if pool.merged and table.card.duplicates == "error" and not table.card.drop_invalid:
        values = truth[known]
        low = np.full(len(first), np.inf)
        high = np.full(len(first), -np.inf)
        np.minimum.at(low, member, values)
        np.maximum.at(high, member, values)
        torn = np.flatnonzero(high > low)
        if len(torn):
            rows = np.flatnonzero(member == torn[0])
            sign = 1.0 if task.direction == "maximize" else -1.0
            first_pair = faults.rows(known[rows].tolist(), (sign * values[rows]).tolist())
            faults.add(
                f"{counted(len(torn), 'architecture appears', 'architectures appear')} more "
                "than once with different values of "
                f"{' and '.join(map(repr, task.targets))}; the first is in {first_pair}. "
                'Set duplicates = "mean" in the card to average them, or add the decision that '
                "tells them apart."
            )
    return pool


def _unlabelled(
    table: Table, runs: Runs, pool: _Pool
) -> Mapping[Arch, Literal["diverged", "failed"]]:
    unknown = np.flatnonzero(~np.isfinite(runs.truth))
    if len(unknown) == 0:
        return {}
    started = np.asarray(np.isfinite(runs.values).any(axis=(1, 2)))
    labelled = set(map(tuple, table.archs[pool.first].tolist()))
    reasons: dict[Arch, Literal["diverged", "failed"]] = {}
    for row in unknown.tolist():
        arch = tuple(table.archs[row].tolist())
        if arch not in labelled:
            reasons[arch] = "diverged" if started[row] else "failed"
    return reasons


def _noise(table: Table, task: TaskCard, runs: Runs, pool: _Pool) -> float | None:
    """Standard deviation of a single run: stated, or pooled over seeds or repeated networks."""
    if isinstance(task.noise, (int, float)):
        return task.noise
    source = task.noise
    if source is None:
        source = "seeds" if runs.values.shape[1] > 1 else "duplicates"
        if source == "duplicates" and pool.merged < FEWEST_REPEATS:
            return None
    if source == "seeds":
        final = runs.values[pool.rows][:, :, -1]
        rows = np.repeat(np.arange(len(final)), final.shape[1])
        return _pooled(final.ravel(), rows)
    groups = table.groups[pool.rows] if source == "groups" else pool.member
    spread = _pooled(runs.truth[pool.rows], groups)
    # A mean of k runs has 1/k of the variance of one.
    share = float(np.mean(1.0 / runs.counts[pool.rows]))
    return None if spread is None else spread / share**0.5


def _pooled(values: FloatArray, groups: IntArray) -> float | None:
    """Square root of the pooled within-group variance; None without a group of two."""
    known = np.asarray(np.isfinite(values))
    _, inverse = np.unique(groups[known], return_inverse=True)
    values = values[known]
    counts = np.bincount(inverse)
    freedom = int((counts - 1).sum()) if len(counts) else 0
    if freedom == 0:
        return None
    means = np.bincount(inverse, weights=values) / counts
    return float(np.sqrt(((values - means[inverse]) ** 2).sum() / freedom))
