"""Newer proxies of every network of NAS-Bench-201, of which no column is published.

    python benchmarks/zero_cost_all.py runs/zero-cost-all --workers 2
    python benchmarks/zero_cost_all.py runs/zero-cost-all \\
        --write surrobench/encodings/proxies_nb201.npz

One cell stands for all cells of equal networks (4,930 of 15,625). Skeleton, images and initial
weights are those of ``zero_cost.py``; the three parts of AZ-NAS look at one pass through the
network, as each of them would by itself. Scores are in ``az-nas.csv`` and ``intrain.csv``, in the
order in which they were computed (a quarter and an eighth of an hour of two idle cores); a call
goes on where the last one stopped. ``--write`` makes the file of the package from them, in single
precision and in the order of the networks' first cells, and says its hash.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import pandas as pd
import torch
from zero_cost import TASK, batch

from surrobench import load_task
from surrobench.encodings.shipped_proxies import network_numbers
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.tasks.task import TableTask
from surrobench.training.loop.trainer import initialised
from surrobench.training.networks.cells import OFFICIAL, CellNetwork
from surrobench.training.zero_cost import blocks
from surrobench.training.zero_cost.intrinsic import intrain
from surrobench.training.zero_cost.proxy import Batch

SEED = 0
AZ_NAS, INTRAIN = "az-nas", "intrain"
SETS = {AZ_NAS: ("expressivity", "progressivity", "trainability"), INTRAIN: ("intrain",)}


def scores(arch: tuple[int, ...], which: str) -> tuple[float, ...]:
    """The values of one of ``SETS`` of one cell."""
    torch.set_num_threads(1)
    network = initialised(lambda: CellNetwork(nas_bench_201(), arch, OFFICIAL, channels=3), SEED)
    if which == INTRAIN:
        return (intrain(network, batch(SEED), seed=SEED),)
    torch.manual_seed(SEED)  # as a proxy does before it looks at the network
    return parts(network.train(), batch(SEED))


def parts(network: torch.nn.Module, images: Batch) -> tuple[float, ...]:
    """Expressivity, progressivity and trainability, from the pass that each would make."""
    features = blocks._features(network, images)
    entropies = [blocks._entropy(feature) for feature in features]
    stable = [blocks._stability(*pair) for pair in pairwise(features)]
    return sum(entropies), min(b - a for a, b in pairwise(entropies)), sum(stable) / len(stable)


def one_of_each(task: TableTask) -> list[int]:
    """A row of each group of equal networks, of those that have all proxies, in random order."""
    complete = np.flatnonzero(~np.isnan(np.stack(list(task.measured.values()))).any(axis=0))
    _, first = np.unique(np.asarray(task.groups)[complete], return_index=True)
    return np.random.default_rng(0).permutation(complete[first]).tolist()


def compute(folder: Path, which: str, workers: int) -> None:
    """Compute what is missing of one of ``SETS``."""
    task, file = load_task(TASK), folder / f"{which}.csv"
    folder.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.write_text(",".join(["arch", *SETS[which]]) + "\n")
    known = {line.split(",")[0] for line in file.read_text().splitlines()[1:]}
    archs = [tuple(task.archs[row].tolist()) for row in one_of_each(task)]
    left = [arch for arch in archs if task.space.to_string(arch) not in known]
    with ProcessPoolExecutor(workers) as pool, file.open("a") as lines:
        for arch, found in zip(left, pool.map(partial(scores, which=which), left), strict=True):
            lines.write(",".join([task.space.to_string(arch), *map(repr, found)]) + "\n")
            lines.flush()


def write(folder: Path, target: Path) -> None:
    """The file of the package, from complete scores."""
    space, columns = nas_bench_201(), {}
    networks = np.arange(1 + int(network_numbers(list(space)).max()))
    for which, names in SETS.items():
        frame = pd.read_csv(folder / f"{which}.csv")
        numbers = network_numbers([space.parse(text) for text in frame["arch"]])
        if not np.array_equal(np.sort(numbers), networks):
            sys.exit(f"{which}.csv has {len(frame)} rows, not one for each network; call again.")
        ordered = frame.iloc[np.argsort(numbers)]
        columns |= {name: ordered[name].to_numpy(np.float32) for name in names}
    np.savez_compressed(target, **columns)
    print(hashlib.sha256(target.read_bytes()).hexdigest())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the scores")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--write", type=Path, metavar="FILE", help="make the file of the package")
    asked = parser.parse_args()
    if asked.write is None:
        for name in SETS:
            compute(asked.folder, name, asked.workers)
    else:
        write(asked.folder, asked.write)
