"""Our zero-cost proxies beside the published columns of NAS-Bench-201, by rank.

    python benchmarks/zero_cost.py results/zero-cost [--cells 200] [--again 50] [--only NAME,NAME]

Cells drawn at random in the benchmark's own skeleton (16 channels, 5 cells per stage, 32 x 32). The
published values were made from a batch of CIFAR-10 and initial weights of their own; ours from 16
of our distorted digits, enlarged and in three equal channels. Parameters and FLOPs must be equal,
the other scores can only agree in their order. How well they could agree is told by scoring the
first cells again with other images and weights. Proxies without a published column, and rank sums,
stand beside the Kendall tau that papers report. With --only the other columns and rows of the
folder stay as they are.
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
from scipy.stats import kendalltau, spearmanr
from torch.nn import functional

from surrobench import load_task
from surrobench.encodings import make_encoding
from surrobench.tasks.task import TableTask
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.loop.trainer import initialised
from surrobench.training.networks.cells import OFFICIAL, CellNetwork
from surrobench.training.zero_cost import PROXIES
from surrobench.training.zero_cost.proxy import Batch, score

TASK, SIDE, IMAGES, SEEDS = "nb201/cifar10-val", 32, 16, (0, 1)
IMAGES_OF = {"swap": 32}
"""With 16 images there are 65,536 patterns, which most cells fill up."""
PUBLISHED_UNITS = {"params": 1e6, "flops": 2e6}
"""Published in millions; an operation there is a multiply-accumulate."""
SCORES = ("scores", "scores-again")
RANK_SUMS = ("az-nas", "vkdnw-agg")
VKDNW, AZ_NAS, INTRAIN = "Týbl & Neumann 2025", "Lee & Ham 2024", "Zhou et al. 2026"
REPORTED: dict[str, tuple[float | None, str]] = {
    "flops": (0.623, VKDNW),
    "jacov": (0.616, INTRAIN),
    "layers": (0.626, VKDNW),
    "zico": (0.607, INTRAIN),
    "swap": (None, ""),
    "expressivity": (None, ""),
    "progressivity": (None, ""),
    "trainability": (None, ""),
    "vkdnw": (None, ""),
    "vkdnw_single": (0.618, INTRAIN),
    "intrain": (0.669, INTRAIN),
    "az-nas": (0.741, AZ_NAS),
    "vkdnw-agg": (0.750, VKDNW),
}
"""Kendall tau with the accuracies on CIFAR-10 in NAS-Bench-201, and whose table it stands in."""


def batch(seed: int, images: int = IMAGES) -> Batch:
    """Enlarged digits in three equal channels."""
    split = distorted_digits(seed, train=images, validation=1, test=1).train
    enlarged = functional.interpolate(split.inputs, (SIDE, SIDE), mode="bilinear")
    return Batch(enlarged.repeat(1, 3, 1, 1), split.labels)


def drawn(task: TableTask, n: int) -> list[int]:
    """Rows of cells for which every proxy is published, in a fixed random order."""
    complete = np.flatnonzero(~np.isnan(np.stack(list(task.measured.values()))).any(axis=0))
    return np.random.default_rng(0).permutation(complete)[:n].tolist()


def scores(task: TableTask, rows: Sequence[int], seed: int, names: Sequence[str]) -> pd.DataFrame:
    """Scores and seconds of cells; the seed decides images, weights and draws of the proxies."""
    images = {name: batch(seed, IMAGES_OF.get(name, IMAGES)) for name in names}
    lines = []
    for row in rows:
        arch = tuple(task.archs[row].tolist())
        network = initialised(
            lambda arch=arch: CellNetwork(task.space, arch, OFFICIAL, channels=3), seed
        )
        line: dict[str, float | str] = {"arch": task.space.to_string(arch)}
        for name in names:
            before = time.process_time()
            if name == "vkdnw_single" and {"layers", "vkdnw"} <= line.keys():  # it is their sum
                line[name] = float(line["layers"]) + float(line["vkdnw"])
                before -= float(line["layers_seconds"]) + float(line["vkdnw_seconds"])
            else:
                line |= score(network, images[name], [name], seed=seed)
            line[f"{name}_seconds"] = time.process_time() - before
        lines.append(line)
    return pd.DataFrame(lines)


def with_earlier(file: Path, fresh: pd.DataFrame) -> pd.DataFrame:
    """Fresh columns beside those that an earlier call wrote for the same cells."""
    wanted = [name for name in PROXIES.names() if name not in fresh]
    if not wanted:
        return fresh
    earlier = pd.read_csv(file)
    if list(earlier["arch"]) != list(fresh["arch"]):
        sys.exit(f"{file} has other cells; call again without --only.")
    missing = [name for name in wanted if name not in earlier]
    if missing:
        sys.exit(f"{file} has no column {', '.join(missing)}; name it after --only.")
    return fresh.join(earlier[wanted])


def compare(
    task: TableTask,
    rows: Sequence[int],
    found: pd.DataFrame,
    again: pd.DataFrame,
    names: Sequence[str],
) -> pd.DataFrame:
    """One line per proxy: agreement with the published column, itself, and the accuracy."""
    lines = []
    for name in names:
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


def beside_literature(
    task: TableTask, rows: Sequence[int], found: pd.DataFrame, again: pd.DataFrame
) -> pd.DataFrame:
    """One line per proxy or rank sum that a paper reports, or that no table has a column of."""
    lines = []
    for name, (reported, source) in REPORTED.items():
        ours, second = (values_of(task, rows, name, frame) for frame in (found, again))
        pairs = pd.DataFrame({"ours": ours, "truth": task.truth[rows[: len(ours)]]}).dropna()
        draws = pd.DataFrame({"ours": ours[: len(second)], "again": second}).dropna()
        lines.append(
            {
                "proxy": name,
                "cells": len(pairs),
                "spearman_of_two_draws": spearmanr(draws["ours"], draws["again"]).statistic,
                "spearman_with_accuracy": spearmanr(pairs["ours"], pairs["truth"]).statistic,
                "kendall_with_accuracy": kendalltau(pairs["ours"], pairs["truth"]).statistic,
                "kendall_reported": reported,
                "reported_by": source,
            }
        )
    return pd.DataFrame(lines)


def values_of(task: TableTask, rows: Sequence[int], name: str, frame: pd.DataFrame) -> np.ndarray:
    """A proxy, or the rank sum of its proxies over the cells of the frame."""
    if name not in RANK_SUMS:
        return frame[name].to_numpy()
    columns = {proxy: frame[proxy].to_numpy() for proxy in PROXIES.names()}
    archs = task.archs[list(rows[: len(frame)])]
    return make_encoding(name)(archs, task.space, columns)[:, 0]


def with_earlier_rows(file: Path, fresh: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The rows of the proxies that were computed now, and the others as they stand in the file."""
    if not file.exists():
        return fresh
    earlier = pd.read_csv(file, dtype=str, keep_default_na=False)
    kept = earlier[~earlier["proxy"].isin(names)]
    mine = fresh[fresh["proxy"].isin(names) | ~fresh["proxy"].isin(earlier["proxy"])]
    order = [*PROXIES.names(), *RANK_SUMS].index
    return pd.concat([kept, mine]).sort_values("proxy", key=lambda column: column.map(order))


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Three digits, and nothing where there is no number."""
    return table.map(lambda v: v if not isinstance(v, float) else "" if v != v else f"{v:.3f}")


def main(folder: Path, cells: int, again: int, only: Sequence[str]) -> int:
    """Write the tables; the exit status says whether parameters and FLOPs are equal."""
    torch.set_num_threads(1)
    task = load_task(TASK)
    rows = drawn(task, cells)
    names = [name for name in PROXIES.names() if not only or name in only]
    folder.mkdir(parents=True, exist_ok=True)
    frames = []
    for file, some, seed in zip(SCORES, (rows, rows[:again]), SEEDS, strict=True):
        frame = scores(task, some, seed, names)
        frame = with_earlier(folder / f"{file}.csv", frame) if only else frame
        kept = frame[["arch", *PROXIES.names()]]
        kept.to_csv(folder / f"{file}.csv", index=False, float_format="%.6g")
        frames.append(frame)
    published = [name for name in names if name in task.measured]
    tables = {"literature": beside_literature(task, rows, *frames)}
    if published:
        tables["agreement"] = compare(task, rows, *frames, published)
    for file, table in tables.items():
        path, text = folder / f"{file}.csv", as_text(table)
        text = with_earlier_rows(path, text, [*names, *RANK_SUMS]) if only else text
        text.to_csv(path, index=False)
        print(text.to_string(index=False))
    return int("agreement" in tables and (tables["agreement"]["equal_to_published"] == "no").any())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--again", type=int, default=50, help="of these are scored twice")
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=[],
        help="these proxies; the others stay as they stand in the folder",
    )
    options = parser.parse_args()
    sys.exit(main(options.folder, options.cells, options.again, options.only))
