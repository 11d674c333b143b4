"""Architectures a minute of the default cells task, and groups beside a plain loop per thread.

    python benchmarks/live_throughput.py results/live-speed [--cells 256] [--workers 2]

Worker processes with one thread each train the cells in groups, once from building the networks to
their test accuracy, and once with a single image to validate and one to test, which is building and
training. The clock runs from the moment at which every worker has imported everything, rendered its
images and trained one group. One worker then trains a few cells with a plain loop (build,
DataLoader, train), in CPU seconds of its one thread; what it is compared with is building and
training in groups, validation and test left out on both sides.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache, partial
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import NamedTuple

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import pandas as pd
import torch
from live_gpu import connected_cells, plain_loop
from machine import write_machine

from surrobench.tasks.live.live import LiveTask
from surrobench.tasks.live.live_images import CELL_IMAGES, live_cells
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.loop.groups import Job, alike

Archs = Sequence[tuple[int, ...]]


@cache
def default_task(images: int, evaluated: bool = True) -> LiveTask:
    """The task as ``live:cells`` has it, with nothing kept."""
    sizes = {"train": images or CELL_IMAGES} | ({} if evaluated else {"validation": 1, "test": 1})
    task = live_cells(distorted_digits(**sizes), value="accuracy", device="cpu")
    return replace(task, cache=None)


def start(barrier: Barrier, images: int, warm_up: Archs) -> None:
    """Get a worker ready, and wait for the others."""
    torch.set_num_threads(1)
    grouped(images, True, warm_up)
    barrier.wait()


def ready() -> None:
    """Done as soon as a worker is."""


class Group(NamedTuple):
    """What one group took, in CPU seconds, and gave."""

    seconds: float
    building_and_training: float
    accuracies: list[float]


def grouped(images: int, evaluated: bool, archs: Archs) -> Group:
    """Train one group, and evaluate it or next to nothing of it."""
    task, started = default_task(images, evaluated), time.process_time()
    found = task.evaluate_many(archs)
    seconds, started = time.process_time() - started, time.process_time()
    for arch in archs:
        task.build(arch)
    building = time.process_time() - started
    training = sum(evaluation.cost or np.nan for evaluation in found)
    return Group(seconds, building + training, [evaluation.value for evaluation in found])


def plain(images: int, archs: Archs) -> float:
    """CPU seconds of the plain loop."""
    started = time.process_time()
    plain_loop(default_task(images), archs, validate=False)
    return time.process_time() - started


def measure(cells: int, workers: int, plain_cells: int, images: int) -> dict[str, float]:
    """Everything that is measured, in one row."""
    archs = connected_cells(cells)
    size = default_task(images).group_size or 8
    sorted_archs = sorted(archs, key=lambda arch: alike(Job(arch)))  # as trainers do with a list
    groups = [sorted_archs[i : i + size] for i in range(0, len(archs), size)]
    groups.reverse()  # the first ones have the fewest edges: the last worker is not waited for long
    context = get_context("spawn")
    barrier = context.Barrier(workers)
    with ProcessPoolExecutor(workers, context, start, (barrier, images, groups[0])) as pool:
        for future in [pool.submit(ready) for _ in range(workers)]:
            future.result()
        seconds, results = {}, []
        for evaluated in (False, True):
            started = time.perf_counter()
            results = list(pool.map(partial(grouped, images, evaluated), groups))
            seconds[evaluated] = time.perf_counter() - started
        plain_seconds = pool.submit(plain, images, archs[:plain_cells]).result() / plain_cells
    training = sum(group.building_and_training for group in results) / len(archs)
    return {
        "cells": len(archs),
        "workers": workers,
        "group": size,
        "architectures_a_minute": 60 * len(archs) / seconds[True],
        "trained_a_minute": 60 * len(archs) / seconds[False],
        "cpu_seconds_a_network": sum(group.seconds for group in results) / len(archs),
        "training_cpu_seconds_a_network": training,
        "plain_cpu_seconds_a_network": plain_seconds,
        "plain_over_grouped": plain_seconds / training,
        "mean_accuracy": float(np.mean([value for group in results for value in group.accuracies])),
    }


def main(folder: Path, cells: int, workers: int, plain_cells: int, images: int) -> None:
    """Write the row and print it."""
    row = measure(cells, workers, plain_cells, images)
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame([row]).to_csv(folder / "throughput.csv", index=False, float_format="%.4g")
    write_machine(folder, "throughput-environment.json")
    print("\n".join(f"{name:28} {value:.4g}" for name, value in row.items()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cells", type=int, default=256)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--plain-cells", type=int, default=8)
    parser.add_argument("--images", type=int, default=0, help="0: those of the task")
    options = parser.parse_args()
    main(options.folder, options.cells, options.workers, options.plain_cells, options.images)
