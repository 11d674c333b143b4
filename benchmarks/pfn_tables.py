"""Goes on with the training of ``pfn`` on published tables, without spaces that it is judged on.

    python benchmarks/pfn_tables.py runs/pfn-tables             # a training for each fold
    python benchmarks/pfn_tables.py runs/pfn-tables --made-up   # as long, on made-up tables alone
    python benchmarks/pfn_tables.py runs/pfn-choice --fold transformers --rate 1e-3 --share 1

Every training begins with the weights of the package, which have seen made-up tables alone. In each
step a share of the tables of the batch is drawn from published ones, of all folds but its own: a
space, a table of the space and a task of the table, each with equal chances; examples and queries,
which are never the same network; the columns of the default encoding. As few tables make many draws
only if they are varied,

* three draws in ten are of a part of the table, where a random column is low, or high;
* half of the draws have other targets: normal scores with noise of a thousandth to half of the
  variance, on a scale as made-up tables have it;
* a quarter has its targets mirrored, so that low values are ranked first.

Orders of columns and examples need no drawing, since they play no part in the network.
``weights.npz`` in a folder for each fold is what was trained without that fold's spaces.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import torch
from pfn_prior import QUERIES, Batch, batch_of, draw_sizes, draw_space, draw_targets, draw_values
from pfn_training import TABLES, Schedule, train
from scipy.special import ndtri
from scipy.stats import rankdata

from surrobench import load_task
from surrobench.arrays import FloatArray, IntArray
from surrobench.encodings.default import default_encoding
from surrobench.predictors.pfn.network import HyperparameterNetwork
from surrobench.predictors.pfn.weights import FILE, SHA256, read
from surrobench.tasks import expand_tasks

FOLDS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "cells of four nodes": (
        (
            *("live-cells", "nb201", "nb201-360", "nb201-hw", "nb201-robust", "nb201-supernet"),
            "suite-zero-nb201",
        ),
        ("suite-zero-tnb101-micro", "tnb101-micro"),
    ),
    "other cells": (
        ("darts-oncenas", "nb301-surrogate", "suite-zero-nb301"),
        ("lanas",),
        ("nb101-sample",),
        ("nbnlp", "nbnlp-wikitext2"),
    ),
    "transformers": (
        ("cvpr22-vit",),
        ("hat",),
        ("hwgpt",),
        ("live-transformer",),
        ("vitbench-autoformer",),
        ("vitbench-pit",),
    ),
    "hyperparameters": (("hpob",), ("lcbench",), ("steplaw",)),
    "networks": (("fbnet",), ("live",), ("nbgraph",), ("nbmr",), ("tnb101-macro",)),
}
"""Tables that are judged together, by weights that none of them took part in.

A space is a tuple of its tables. Those of a fold are related: cells with operations on the same
edges, other cells, transformers, settings of a training, and whole networks and their stages.
"""
CHOSEN_ON = ("networks", "transformers")
"""The folds by which the learning rate and the share of published tables were chosen."""
STEPS, RATE, WARM_UP, SHARE, SEED = 400, 3e-4, 50, 0.25, 1
MOST_COLUMNS, MOST_TASKS = 200, 10
"""Wider tables are left out of trainings; of a table with more tasks so many take part."""
PARTS, NOISY, MIRRORED = 0.3, 0.5, 0.25


@dataclass(frozen=True)
class Published:
    """A task as draws need it.

    Attributes:
        X: the default encoding, ``m x d``.
        y: values, ``m``.
        groups: class of equal networks, ``m``.
    """

    X: FloatArray
    y: FloatArray
    groups: IntArray


def fold_of(table: str) -> str:
    """The fold that a table belongs to."""
    return next(name for name, spaces in FOLDS.items() if any(table in own for own in spaces))


def learned_from(fold: str) -> list[tuple[str, ...]]:
    """The spaces, each as its tables, that weights for judging a fold are trained on."""
    return [space for name, spaces in FOLDS.items() if name != fold for space in spaces]


@cache
def published(name: str) -> Published:
    """A task; tasks of one pool share their columns."""
    task = load_task(name)
    X = np.asarray(task.encode(default_encoding(task.space)), dtype=np.float64)
    known = _columns_of(name.partition("/")[0])
    for other in known:
        if np.array_equal(other, X):
            X = other
            break
    else:
        known.append(X)
    return Published(X, np.asarray(task.truth, dtype=np.float64), np.asarray(task.groups))


@cache
def _columns_of(table: str) -> list[FloatArray]:
    """Encoded pools of a table that are known so far."""
    return []


@cache
def tasks_of(table: str) -> tuple[str, ...]:
    """Names of tasks of a table, evenly from all of them where there are many."""
    names = expand_tasks(table, Path())
    places = np.linspace(0, len(names) - 1, min(len(names), MOST_TASKS)).round().astype(int)
    return tuple(names[place] for place in places)


def draw_published(
    rng: np.random.Generator, spaces: list[tuple[str, ...]], n: int, *, plain: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Columns and targets of ``n`` examples and the queries, of a table of one of the spaces.

    Args:
        rng: of all draws.
        spaces: each as its tables.
        n: number of examples.
        plain: take tables as they are.
    """
    while True:
        space = spaces[int(rng.integers(len(spaces)))]
        names = tasks_of(space[int(rng.integers(len(space)))])
        task = published(names[int(rng.integers(len(names)))])
        if task.X.shape[1] > MOST_COLUMNS:
            continue
        rows = rng.permutation(len(task.y))
        if not plain and rng.random() < PARTS:
            rows = _part(rng, task.X, rows)
        queries = rows[n:][~np.isin(task.groups[rows[n:]], task.groups[rows[:n]])][:QUERIES]
        chosen = np.concatenate([rows[:n], queries])
        # Targets that are nearly all tied have no scale to be judged on.
        if len(queries) == QUERIES and len(np.unique(task.y[chosen])) > len(chosen) // 3:
            y = task.y[chosen]
            return task.X[chosen], y if plain else vary(rng, y)


def _part(rng: np.random.Generator, X: FloatArray, rows: IntArray) -> IntArray:
    """Those of the rows that are not above, or not below, the middle of a random column."""
    column = X[rows, int(rng.integers(X.shape[1]))]
    middle = 0.5 * (column.min() + column.max())
    inside: IntArray = rows[column <= middle if rng.random() < 0.5 else column >= middle]
    return inside


def vary(rng: np.random.Generator, y: FloatArray) -> FloatArray:
    """Values of a table, or others that such a table might have."""
    if rng.random() < NOISY:
        scores = ndtri((rankdata(y) - 0.5) / len(y))
        share = 10.0 ** rng.uniform(-3.0, -0.3)
        noise = math.sqrt(share) * rng.standard_normal(len(y))
        y = draw_targets(rng, math.sqrt(1.0 - share) * scores + noise)
    return -y if rng.random() < MIRRORED else y


def draw_mixed(
    rng: np.random.Generator,
    spaces: list[tuple[str, ...]],
    tables: int,
    share: float,
    *,
    plain: bool = False,
) -> list[Batch]:
    """Made-up tables, then published tables, which are wider: a batch of each that there are."""
    n, most = draw_sizes(rng)
    real = round(share * tables)
    made_up = []
    for _ in range(tables - real):
        space = draw_space(rng, n + QUERIES, most)
        made_up.append((space.columns, draw_targets(rng, draw_values(rng, space))))
    drawn = [draw_published(rng, spaces, n, plain=plain) for _ in range(real)]
    return [batch_of(part, n) for part in (made_up, drawn) if part]


def begin() -> HyperparameterNetwork:
    """The network of the package, ready to be trained on."""
    network: HyperparameterNetwork = read(FILE, SHA256)
    return network.train().requires_grad_(True)


def main() -> None:
    """Train what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fold", choices=FOLDS, help="that is left out (default: each in turn)")
    parser.add_argument("--made-up", action="store_true", help="see no published table")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--share", type=float, default=SHARE, help="of published tables")
    parser.add_argument("--plain", action="store_true", help="take published tables as they are")
    given = parser.parse_args()
    torch.set_num_threads(1)
    schedule = Schedule(given.steps, given.rate, WARM_UP)
    for name, draw in _draws(given):
        train(given.folder / name.replace(" ", "-"), begin(), draw, schedule, seed=SEED)


def _draws(
    given: argparse.Namespace,
) -> Iterator[tuple[str, Callable[[np.random.Generator], list[Batch]]]]:
    """Names of trainings and what they draw from."""
    if given.made_up:
        yield "made-up", lambda rng: draw_mixed(rng, [], TABLES, 0.0)
        return
    for name in FOLDS if given.fold is None else [given.fold]:
        spaces = learned_from(name)
        yield (
            name,
            lambda rng, spaces=spaces: draw_mixed(
                rng, spaces, TABLES, given.share, plain=given.plain
            ),
        )


if __name__ == "__main__":
    main()
