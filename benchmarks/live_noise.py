"""Is the default live task worth training on? Architectures against seeds.

    python benchmarks/live_noise.py results/live-cells

First 24 connected cells of NAS-Bench-201, trained three times each in the default setting of
live:cells; then the same questions to the embedded table of all cells, whose first 1,024 were
trained three times. Compares the variance between architectures with that between seeds, over all
of them and in the better half, which is the part that decides a search, and ranks cells by
shorter trainings and by zero-cost proxies.
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
from numpy.typing import NDArray
from scipy.stats import kendalltau

from surrobench.tasks import load_task
from surrobench.tasks.live.live import live_task

CELLS, SEEDS, DRAWS = 24, 3, 2000
TABLE = {
    "accuracy": "live-cells/digits",
    "negated cross-entropy": "live-cells/digits-cross-entropy",
}
LIVE = {"accuracy": "value", "negated cross-entropy": "entropy"}
FloatArray = NDArray[np.float64]


def train() -> pd.DataFrame:
    """One row per training of the 24 cells."""
    task = live_task("live:cells", value="accuracy", device="cpu")
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
                    "entropy": -found.metrics["validation_cross_entropy"],
                    "params": found.metrics["params"],
                    "cpu_seconds": found.cost,
                }
            )
    return pd.DataFrame(rows)


def noise(values: FloatArray) -> dict[str, float]:
    """Variances and rank correlation of ``cells x seeds`` results (one-way random effects)."""
    within = float(values.var(axis=1, ddof=1).mean())
    between = float(values.mean(axis=1).var(ddof=1)) - within / values.shape[1]
    pairs = combinations(values.T, 2)
    return {
        "deviation_between_architectures": max(between, 0.0) ** 0.5,
        "deviation_between_seeds": within**0.5,
        "variance_ratio": between / within,
        "tau_between_seeds": float(np.mean([kendalltau(a, b).statistic for a, b in pairs])),
    }


def summary(source: str, values: dict[str, FloatArray], params: FloatArray) -> pd.DataFrame:
    """Noise of each measure over all cells and over the better half by its own mean."""
    rows = []
    for half in ("all", "better half"):
        for measure, runs in values.items():
            means = runs.mean(axis=1)
            chosen = np.full(len(means), True) if half == "all" else means >= np.median(means)
            tau = kendalltau(params[chosen], runs[chosen].mean(axis=1)).statistic
            told = {"source": source, "cells": int(chosen.sum()), "half": half, "measure": measure}
            rows.append({**told, **noise(runs[chosen]), "tau_params": tau})
    return pd.DataFrame(rows)


def small_samples(values: FloatArray) -> pd.DataFrame:
    """What 24 cells would have told, over many draws from the table."""
    rng, found = np.random.default_rng(0), []
    for _ in range(DRAWS):
        drawn = values[rng.choice(len(values), CELLS, replace=False)]
        means = drawn.mean(axis=1)
        better = noise(drawn[means >= np.median(means)])
        all_of_them = noise(drawn)
        found.append(
            {
                "variance_ratio": all_of_them["variance_ratio"],
                "tau_between_seeds": all_of_them["tau_between_seeds"],
                "tau_better_half": better["tau_between_seeds"],
            }
        )
    return pd.DataFrame(found).quantile([0.05, 0.25, 0.5, 0.75, 0.95]).rename_axis("quantile")


def rankings() -> pd.DataFrame:
    """Rank correlation of cheap scores with the cross-entropy of the repeated cells."""
    task = load_task(TABLE["negated cross-entropy"])
    often = np.isfinite(task.values[:, :, -1]).all(axis=1)
    truth = task.values[often][:, 1:, -1].mean(axis=1)  # seeds 1 and 2; the scores have seed 0
    scores = {
        f"cross-entropy after epoch {epochs} of 3, seed 0": task.values[often][:, 0, i]
        for i, epochs in enumerate(task.fidelities)
    }
    scores |= {f"{name} (no training)": column[often] for name, column in task.measured.items()}
    better = truth >= np.median(truth)
    rows = [
        {
            "score": name,
            "tau": kendalltau(score, truth, nan_policy="omit").statistic,
            "tau_better_half": kendalltau(
                score[better], truth[better], nan_policy="omit"
            ).statistic,
        }
        for name, score in scores.items()
    ]
    return pd.DataFrame(rows).sort_values("tau", ascending=False)


def main(folder: Path) -> None:
    """Write the trainings and what follows from them and from the table."""
    torch.set_num_threads(1)
    runs = train()
    wide = {m: runs.pivot(index="arch", columns="seed", values=LIVE[m]) for m in LIVE}
    params = runs.groupby("arch")["params"].first()
    live = {measure: frame.to_numpy() for measure, frame in wide.items()}
    order = wide["accuracy"].index
    tables = {measure: load_task(name) for measure, name in TABLE.items()}
    final = {measure: task.values[:, :, -1] for measure, task in tables.items()}
    often = np.isfinite(final["accuracy"]).all(axis=1)
    known = {measure: values[often] for measure, values in final.items()}
    table_params = tables["accuracy"].measured["params"][often]
    found = {
        "summary": pd.concat(
            [
                summary("24 live cells", live, params[order].to_numpy()),
                summary("table", known, table_params),
            ]
        ),
        "small-samples": small_samples(known["negated cross-entropy"]).reset_index(),
        "rankings": rankings(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    runs.to_csv(folder / "runs.csv", index=False, float_format="%.5g")
    for name, frame in found.items():
        frame.to_csv(folder / f"{name}.csv", index=False, float_format="%.3g")
        print(frame.to_string(index=False, float_format="%.3g"), end="\n\n")
    print(f"{runs['cpu_seconds'].mean():.2f} CPU seconds of training per network")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
