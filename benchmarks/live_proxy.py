"""How well cheap trainings rank cells as full trainings do.

    python benchmarks/live_proxy.py results/live-proxy [--cells 48] [--seeds 3]

Full is the task ``live:cells`` with 8,192 distorted digits in place of 1,024 and 4 epochs in place
of 3, the mean validation cross-entropy of some seeds; each cheaper training has one seed that is
not among them, and its share of the cost is that of CPU seconds. Kendall's tau over all cells, and
over the better half by the full trainings, which is the part that decides a search; intervals are
those of a bootstrap over cells. Finished trainings are kept, so that a run with more cells or seeds
only trains what is new.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import pandas as pd
import torch
from live_gpu import connected_cells
from machine import write_machine
from scipy.stats import kendalltau

from surrobench.tasks.evaluation import Evaluation
from surrobench.tasks.live.live import LiveTask
from surrobench.tasks.live.live_images import CELL_RECIPE, live_cells
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.loop.fidelity import Fidelity

PROXIES = {
    "one epoch of four": Fidelity(epochs=1),
    "a quarter of the images": Fidelity(fraction=0.25),
    "half the images, two epochs": Fidelity(epochs=2, fraction=0.5),
    "half the channels, two epochs": Fidelity(epochs=2, width=0.5),
    "another seed": Fidelity(),
}
RESAMPLES = 2000


def full_task(images: int, epochs: int, cache: Path | None) -> LiveTask:
    """The cells task with more images and epochs than by default."""
    recipe = replace(CELL_RECIPE, epochs=epochs)
    return live_cells(distorted_digits(train=images), recipe=recipe, device="cpu", cache=cache)


def tau(score: np.ndarray, truth: np.ndarray) -> float:
    """Kendall's tau-b; 0 where one of them is constant."""
    value = float(kendalltau(score, truth).statistic)
    return 0.0 if np.isnan(value) else value


def interval(score: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """95 % interval of tau over resampled cells."""
    rng = np.random.default_rng(0)
    draws = rng.integers(len(truth), size=(RESAMPLES, len(truth)))
    low, high = np.quantile([tau(score[rows], truth[rows]) for rows in draws], [0.025, 0.975])
    return float(low), float(high)


def line(name: str, score: np.ndarray, truth: np.ndarray, share: float) -> dict[str, object]:
    """One way to rank cells."""
    better = truth >= np.median(truth)
    low, high = interval(score, truth)
    return {
        "ranked_by": name,
        "share_of_the_cost": share,
        "tau": tau(score, truth),
        "tau_low": low,
        "tau_high": high,
        "tau_better_half": tau(score[better], truth[better]),
    }


def values(evaluations: Sequence[Evaluation]) -> np.ndarray:
    """What the task compares cells by."""
    return np.array([evaluation.value for evaluation in evaluations])


def compare(task: LiveTask, cells: int, seeds: int) -> pd.DataFrame:
    """One row per way to rank cells."""
    archs = connected_cells(cells)
    full = [task.evaluate_many(archs, seed=seed) for seed in range(seeds)]
    truth = np.mean([values(evaluations) for evaluations in full], axis=0)
    cost = float(np.mean([e.cost or np.nan for evaluations in full for e in evaluations]))
    rows = []
    for name, fidelity in PROXIES.items():
        found = task.evaluate_many(archs, seed=seeds, fidelity=fidelity)
        share = float(np.mean([e.cost or np.nan for e in found])) / cost
        rows.append(line(name, values(found), truth, share))
    for metric in ("params", "flops"):
        score = np.array([evaluation.metrics[metric] for evaluation in full[0]])
        rows.append(line(metric, score, truth, 0.0))
    return pd.DataFrame(rows)


def main(arguments: argparse.Namespace) -> None:
    """Write the table and print it."""
    torch.set_num_threads(1)
    task = full_task(arguments.images, arguments.epochs, arguments.cache)
    table = compare(task, arguments.cells, arguments.seeds)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(arguments.folder / "proxies.csv", index=False, float_format="%.3g")
    write_machine(arguments.folder)
    print(table.to_string(index=False, float_format="%.3g"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cells", type=int, default=48)
    parser.add_argument("--seeds", type=int, default=3, help="of the full training")
    parser.add_argument("--images", type=int, default=8192)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--cache", type=Path, help="folder of finished trainings")
    main(parser.parse_args())
