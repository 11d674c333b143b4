"""What a task measures, in plain facts, for ``surrobench info``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surrobench.arrays import IntArray
from surrobench.encodings import ENCODINGS, make_encoding
from surrobench.errors import UserError
from surrobench.tasks.catalogue import single
from surrobench.tasks.loading import load
from surrobench.tasks.tables.accounts import DecisionAccount, decision_accounts, remarks
from surrobench.tasks.tables.card_file import read_card
from surrobench.tasks.tables.resolution import near_ties
from surrobench.tasks.task import TableTask


@dataclass(frozen=True)
class TaskInfo:
    """Facts about one task; numbers are in ``unit``, larger is better.

    Attributes:
        name: of the task.
        description: what is measured.
        protocol: how.
        unit: of the values.
        direction: which way was better at the source.
        space: name of the search space.
        decisions: how each decision was read.
        remarks: what spoils a study of the task if nobody knows it.
        space_size: its number of architectures (of the table, for a table of one's own).
        pool_size: architectures with a known value.
        groups: number of different networks among them.
        published_groups: the same by the key that the benchmark's authors published, or None.
        repeated: architectures that share their network with another.
        group_spread: how much equal networks differ: pooled standard deviation of their values,
            or None if no two are equal.
        noise: standard deviation of a single training run, or None if unknown.
        run_counts: number of training runs -> how many values average so many.
        resolution: step of the values, or None if the table does not say.
        near_ties: values that differ from the next by rounding noise alone.
        ranks_as: the task of the same table that ranks all architectures alike, or None.
        optimum: best value of the pool.
        optimum_runs: number of training runs behind it.
        best_of_most_runs: the best of those with the most training runs.
        median: median value.
        worst: smallest value.
        missing: rows without a value.
        dropped: rows that were left out as wrong.
        merged: rows averaged into another with the same decisions.
        measured: label-free columns, each with its number of missing values.
        infinite: those with infinite values, which are the extremes, each with their number.
        subsets: named parts of the pool with their sizes.
        fidelities: numbers of epochs that ``evaluate`` knows.
        has_cost: whether training times are known.
        encodings: registered encodings that fit this task.
        default_encoding: the one that a study uses if it names none.
        licence: of the data.
        citation: what to cite.
        bibtex: the same, for LaTeX.
        url: where the data come from.
    """

    name: str
    description: str
    protocol: str
    unit: str
    direction: str
    space: str
    decisions: list[DecisionAccount]
    remarks: list[str]
    space_size: int
    pool_size: int
    groups: int
    published_groups: int | None
    repeated: int
    group_spread: float | None
    noise: float | None
    run_counts: dict[int, int]
    resolution: float | None
    near_ties: int
    ranks_as: str | None
    optimum: float
    optimum_runs: int
    best_of_most_runs: float
    median: float
    worst: float
    missing: int
    dropped: int
    merged: int
    measured: dict[str, int]
    infinite: dict[str, int]
    subsets: dict[str, int]
    fidelities: tuple[int, ...]
    has_cost: bool
    encodings: list[str]
    default_encoding: str
    licence: str
    citation: str
    bibtex: str
    url: str


def describe(spec: str, base: Path | None = None) -> TaskInfo:
    """See :func:`surrobench.tasks.task_info`."""
    task = load(spec, base)
    sizes = np.bincount(task.groups)
    return TaskInfo(
        name=task.name,
        description=task.description,
        protocol=task.protocol,
        unit=task.unit,
        direction=task.direction,
        space=task.space.name,
        decisions=decision_accounts(task),
        remarks=remarks(task),
        space_size=len(task.space),
        pool_size=len(task),
        groups=int((sizes > 0).sum()),
        published_groups=_number(task.published_groups),
        repeated=int(sizes[sizes > 1].sum()),
        group_spread=_group_spread(task),
        noise=task.noise,
        run_counts=_run_counts(task),
        resolution=task.resolution,
        near_ties=near_ties(task.truth),
        ranks_as=_ranks_as(spec, base),
        optimum=task.optimum,
        optimum_runs=int(task.runs_each[task.truth == task.optimum].max()),
        best_of_most_runs=float(task.truth[task.runs_each == task.runs].max()),
        median=float(np.median(task.truth)),
        worst=float(task.truth.min()),
        missing=task.missing,
        dropped=task.dropped,
        merged=task.merged,
        measured={name: int(np.isnan(column).sum()) for name, column in task.measured.items()},
        infinite={
            name: int(np.isinf(column).sum())
            for name, column in task.measured.items()
            if np.isinf(column).any()
        },
        subsets={name: int(flags.sum()) for name, flags in task.subsets.items()},
        fidelities=task.fidelities,
        has_cost=task.seconds is not None,
        encodings=[name for name in ENCODINGS.names() if _fits(name, task)],
        default_encoding=task.default_encoding,
        licence=task.licence,
        citation=task.citation,
        bibtex=task.bibtex,
        url=task.url,
    )


def _ranks_as(spec: str, base: Path | None) -> str | None:
    path, name = single(spec, base)
    card = read_card(path)
    other = card.tasks[name].ranks_as
    return None if other is None else f"{card.name}/{other}"


def _number(groups: IntArray | None) -> int | None:
    return None if groups is None else len(np.unique(groups))


def _run_counts(task: TableTask) -> dict[int, int]:
    runs, values = np.unique(task.runs_each, return_counts=True)
    return dict(zip(runs.tolist(), values.tolist(), strict=True))


def _group_spread(task: TableTask) -> float | None:
    counts = np.bincount(task.groups)
    freedom = int(np.maximum(counts - 1, 0).sum())
    if freedom == 0:
        return None
    means = np.bincount(task.groups, weights=task.truth) / np.maximum(counts, 1)
    return float(np.sqrt(((task.truth - means[task.groups]) ** 2).sum() / freedom))


def _fits(name: str, task: TableTask) -> bool:
    """Whether an encoding accepts the first architectures of a task."""
    few = [tuple(arch) for arch in task.archs[:2].tolist()]
    try:
        make_encoding(name)(few, task.space, task.columns.head(2))
    except UserError:
        return False
    return True
