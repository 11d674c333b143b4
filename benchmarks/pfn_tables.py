"""Samples of published tables, for networks of ``pfn`` that are judged on other tables."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from pfn_prior import QUERIES, Batch, batch_of, draw_sizes, draw_space, draw_targets, draw_values

from surrobench import load_task
from surrobench.arrays import FloatArray
from surrobench.encodings.default import default_encoding
from surrobench.tasks import expand_tasks


@cache
def tasks_of(table: str) -> tuple[str, ...]:
    """The tasks of a table."""
    return tuple(expand_tasks(table, Path()))


@cache
def pool(name: str) -> tuple[FloatArray, FloatArray]:
    """Encoded architectures and their values."""
    task = load_task(name)
    return np.asarray(task.encode(default_encoding(task.space)), dtype=np.float64), task.truth


def draw_mixed_batch(rng: np.random.Generator, count: int, tables: tuple[str, ...]) -> Batch:
    """As many samples of published tables as made-up ones: a table, one of its tasks, rows."""
    n, most = draw_sizes(rng)
    drawn = []
    for place in range(count):
        if place % 2:
            space = draw_space(rng, n + QUERIES, most)
            drawn.append((space.columns, draw_targets(rng, draw_values(rng, space))))
            continue
        table = tables[int(rng.integers(len(tables)))]
        X, y = pool(tasks_of(table)[int(rng.integers(len(tasks_of(table))))])
        rows = rng.permutation(len(y))[: n + QUERIES]
        drawn.append((X[rows], y[rows]))
    return batch_of(drawn, n)
