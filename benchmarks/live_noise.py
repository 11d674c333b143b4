"""Is the default live task worth training on? Architectures against seeds.

    python benchmarks/live_noise.py results/live-cells-noise

Trains 24 connected cells of NAS-Bench-201 three times each in the default setting of live:cells,
and compares the variance between architectures with that between seeds, over all of them and in
the better half, which is the part that decides a search.
"""

from __future__ import annotations

import os
import sys
from itertools import combinations
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import pandas as pd
import torch
from scipy.stats import kendalltau

from surrobench.tasks.live import live_task

CELLS, SEEDS = 24, 3
MEASURES = {"accuracy": "value", "negated cross-entropy": "entropy"}


def train() -> pd.DataFrame:
    """One row per training."""
    task = live_task("live:cells", device="cpu")
    connected = (
        arch
        for arch in task.space.sample(200, np.random.default_rng(0))
        if not task.space.disconnected(arch)
    )
    archs = [arch for arch, _ in zip(connected, range(CELLS), strict=False)]
    rows = []
    for seed in range(SEEDS):
        for arch, found in zip(archs, task.evaluate_many(archs, seed=seed), strict=True):
            rows.append(
                {
                    "arch": task.space.to_string(arch),
                    "seed": seed,
                    "value": found.value,
                    "entropy": found.metrics["validation_cross_entropy"],
                    "params": found.metrics["params"],
                    "cpu_seconds": found.cost,
                }
            )
    return pd.DataFrame(rows)


def summary(runs: pd.DataFrame, measure: str, archs: pd.Index, label: str) -> dict[str, object]:
    """Variances and rank correlation of one measure over some architectures."""
    values = runs.pivot(index="arch", columns="seed", values=MEASURES[measure]).loc[archs]
    noise = values.var(axis=1).mean()
    between = values.mean(axis=1).var() - noise / SEEDS
    taus = [kendalltau(values[a], values[b]).statistic for a, b in combinations(values, 2)]
    params = runs.groupby("arch")["params"].first().loc[archs]
    return {
        "measure": measure,
        "architectures": f"{len(archs)} ({label})",
        "deviation_between_architectures": np.sqrt(max(between, 0.0)),
        "deviation_between_seeds": np.sqrt(noise),
        "variance_ratio": between / noise,
        "tau_between_seeds": np.mean(taus),
        "tau_params": kendalltau(params, values.mean(axis=1)).statistic,
    }


def main(folder: Path) -> None:
    """Write the trainings and their summary."""
    torch.set_num_threads(1)
    runs = train()
    means = runs.groupby("arch")["value"].mean()
    halves = {"all": means.index, "better half": means.index[means >= means.median()]}
    table = pd.DataFrame(
        [summary(runs, m, archs, label) for label, archs in halves.items() for m in MEASURES]
    )
    folder.mkdir(parents=True, exist_ok=True)
    runs.to_csv(folder / "runs.csv", index=False, float_format="%.5g")
    table.to_csv(folder / "summary.csv", index=False, float_format="%.3g")
    print(table.to_string(index=False, float_format="%.3g"))
    print(f"{runs['cpu_seconds'].mean():.2f} CPU seconds of training per network")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
