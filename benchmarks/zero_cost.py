"""Our zero-cost proxies beside the published columns of NAS-Bench-201, by rank.

    python benchmarks/zero_cost.py results/zero-cost [--cells 200] [--again 50]

Cells drawn at random in the benchmark's own skeleton (16 channels, 5 cells per stage, 32 x 32). The
published values were made from a batch of CIFAR-10 and initial weights of their own; ours from 16
of our distorted digits, enlarged and in three equal channels. Parameters and FLOPs must be equal,
the other scores can only agree in their order. How well they could agree is told by scoring the
first cells again with other images and weights.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import pandas as pd
import torch
from scipy.stats import spearmanr
from torch.nn import functional

from surrobench import load_task
from surrobench.tasks.task import TableTask
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.loop.trainer import initialised
from surrobench.training.networks.cells import OFFICIAL, CellNetwork
from surrobench.training.zero_cost import PROXIES
from surrobench.training.zero_cost.proxy import Batch, score

TASK, SIDE, IMAGES, SEEDS = "nb201/cifar10-val", 32, 16, (0, 1)
PUBLISHED_UNITS = {"params": 1e6, "flops": 2e6}
"""Published in millions; an operation there is a multiply-accumulate."""


def batch(seed: int) -> Batch:
    """Enlarged digits in three equal channels."""
    split = distorted_digits(seed, train=IMAGES, validation=1, test=1).train
    enlarged = functional.interpolate(split.inputs, (SIDE, SIDE), mode="bilinear")
    return Batch(enlarged.repeat(1, 3, 1, 1), split.labels)


def drawn(task: TableTask, n: int) -> list[int]:
    """Rows of cells for which every proxy is published, in a fixed random order."""
    complete = np.flatnonzero(~np.isnan(np.stack(list(task.measured.values()))).any(axis=0))
    return np.random.default_rng(0).permutation(complete)[:n].tolist()


def scores(task: TableTask, rows: Sequence[int], seed: int) -> pd.DataFrame:
    """Scores and seconds of cells; the seed decides images, weights and draws of the proxies."""
    images, lines = batch(seed), []
    for row in rows:
        arch = tuple(task.archs[row].tolist())
        network = initialised(
            lambda arch=arch: CellNetwork(task.space, arch, OFFICIAL, channels=3), seed
        )
        line: dict[str, float | str] = {"arch": task.space.to_string(arch)}
        for name in PROXIES.names():
            before = time.process_time()
            line |= score(network, images, [name], seed=seed)
            line[f"{name}_seconds"] = time.process_time() - before
        lines.append(line)
    return pd.DataFrame(lines)


def compare(
    task: TableTask, rows: Sequence[int], found: pd.DataFrame, again: pd.DataFrame
) -> pd.DataFrame:
    """One line per proxy: agreement with the published column, itself, and the accuracy."""
    lines = []
    for name in PROXIES.names():
        published, ours = task.measured[name][rows], found[name].to_numpy()
        unit = PUBLISHED_UNITS.get(name)
        exact = unit and np.allclose(ours / unit, published, rtol=1e-6, atol=0)
        lines.append(
            {
                "proxy": name,
                "cells": len(rows),
                "spearman_with_published": spearmanr(ours, published).statistic,
                "spearman_of_two_draws": spearmanr(ours[: len(again)], again[name]).statistic,
                "equal_to_published": "" if unit is None else "yes" if exact else "no",
                "spearman_ours_with_accuracy": spearmanr(ours, task.truth[rows]).statistic,
                "spearman_published_with_accuracy": spearmanr(
                    published, task.truth[rows]
                ).statistic,
                "cpu_seconds_per_cell": found[f"{name}_seconds"].mean(),
            }
        )
    return pd.DataFrame(lines)


def main(folder: Path, cells: int, again: int) -> int:
    """Write both tables; the exit status says whether parameters and FLOPs are equal."""
    torch.set_num_threads(1)
    task = load_task(TASK)
    rows = drawn(task, cells)
    found, second = (
        scores(task, some, seed) for some, seed in zip((rows, rows[:again]), SEEDS, strict=True)
    )
    table = compare(task, rows, found, second)
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in (("scores", found), ("scores-again", second)):
        kept = frame[["arch", *PROXIES.names()]]
        kept.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g")
    table.to_csv(folder / "agreement.csv", index=False, float_format="%.3f")
    print(table.to_string(index=False, float_format="%.3f"))
    return int((table["equal_to_published"] == "no").any())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--again", type=int, default=50, help="of these are scored twice")
    options = parser.parse_args()
    sys.exit(main(options.folder, options.cells, options.again))
