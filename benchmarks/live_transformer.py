"""Is live:transformer worth training on? Encoders against seeds, and curves of two of them.

    python benchmarks/live_transformer.py results/live-transformer

Ten encoders (drawn with seed 0), trained twice each in the default setting of live:transformer on
SYNTHETIC sequences. Compares the variance between encoders with that between seeds for both
measures that candidates can be compared by, and draws training and validation curves.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import pandas as pd
import torch
from live_noise import noise
from scipy.stats import kendalltau

from surrobench.report.figures.learning import learning_curves
from surrobench.tasks.live.live import live_task
from surrobench.training.loop.groups import Job
from surrobench.training.loop.training_run import TrainingRun

ENCODERS, SEEDS = 10, 2
MEASURES = {
    "negated cross-entropy": lambda run: -run.validation_cross_entropy[-1],
    "accuracy": lambda run: run.validation_accuracy[-1],
}


def summary(runs: dict[str, list[TrainingRun]], params: dict[str, float]) -> pd.DataFrame:
    """Noise of each measure, and the rank correlation of its mean with the parameter count."""
    rows = []
    for measure, of in MEASURES.items():
        values = np.array([[of(run) for run in some] for some in runs.values()])
        tau = kendalltau([params[name] for name in runs], values.mean(axis=1)).statistic
        rows.append({"measure": measure, **noise(values), "tau_params": tau})
    return pd.DataFrame(rows)


def main(folder: Path) -> None:
    """Train, write the runs and their noise, and draw the smallest and the best encoder."""
    torch.set_num_threads(1)
    task = live_task("live:transformer", device="cpu")
    archs = task.space.sample(ENCODERS, np.random.default_rng(0))
    names = [task.space.to_string(arch) for arch in archs]
    found = task.training_runs([Job(arch, seed) for arch in archs for seed in range(SEEDS)])
    runs = {name: found[SEEDS * i : SEEDS * (i + 1)] for i, name in enumerate(names)}
    params = {n: task.costs(arch)["params"] for n, arch in zip(names, archs, strict=True)}
    rows = [
        {"encoder": n, "params": params[n], "seed": seed, "cpu_seconds": run.train_seconds}
        | {measure: of(run) for measure, of in MEASURES.items()}
        for n, some in runs.items()
        for seed, run in enumerate(some)
    ]
    frame, told = pd.DataFrame(rows), summary(runs, params)
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / "runs.csv", index=False, float_format="%.5g")
    told.to_csv(folder / "summary.csv", index=False, float_format="%.3g")
    best = min(
        names, key=lambda name: np.mean([r.validation_cross_entropy[-1] for r in runs[name]])
    )
    smallest = min(names, key=lambda name: params[name])
    drawn = [archs[names.index(name)] for name in (smallest, best)]
    # One seed: an interval from two trainings would be wider than the figure.
    curves = task.learning_curves(drawn, seeds=[0])
    learning_curves(curves).savefig(folder / "curves.png", dpi=200)
    print(told.to_string(index=False, float_format="%.3g"))
    print(f"{frame['cpu_seconds'].mean():.2f} CPU seconds of training per network")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
