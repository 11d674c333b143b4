"""Optuna's Gaussian process used as its documentation shows it, to check our adapter.

    python results/nb201-search-run/check_optuna.py [SEEDS]

One study, one sampler that lives on, the initial designs of the published searches, nothing of
``surrobench`` in between. An architecture that Optuna proposes again counts as an evaluation here,
while our adapter replaces it by the nearest new one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import optuna
import pandas as pd

from surrobench import load_task

TASK = load_task("nb201/cifar10-val-run")
RESULTS = Path(__file__).parent / "results.parquet"
BUDGET, INITIAL = 150, 10


def value(trial: optuna.Trial) -> float:
    """The accuracy of the cell that a trial suggests."""
    cell = tuple(trial.suggest_categorical(f"edge{e}", list(range(5))) for e in range(6))
    return float(TASK.truth[TASK.index[cell]])


def regrets(seed: int, design: list[tuple[int, ...]]) -> np.ndarray:
    """Simple regret after each trial of one study that starts with ``design``."""
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.GPSampler(seed=seed))
    for cell in design:
        study.enqueue_trial({f"edge{e}": choice for e, choice in enumerate(cell)})
    study.optimize(value, n_trials=BUDGET)
    return TASK.truth.max() - np.maximum.accumulate([t.value for t in study.trials])


def main(seeds: int) -> None:
    """Print mean simple regret after 50, 100 and 150 trials, beside the adapter's."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    frame = pd.read_parquet(RESULTS).astype({"strategy": str})
    ours = frame[(frame["strategy"] == "optuna-gp") & (frame["seed"] < seeds)]
    adapter = ours.pivot(index="seed", columns="evaluation", values="simple_regret")
    plain = []
    for seed in range(seeds):
        rows = ours[(ours["seed"] == seed) & (ours["evaluation"] <= INITIAL)]
        design = [TASK.space.parse(arch) for arch in rows.sort_values("evaluation")["arch"]]
        plain.append(regrets(seed, design))
        print(f"seed {seed}: {plain[-1][[49, 99, 149]].round(2)}", flush=True)
    for label, table in (("plain Optuna", np.stack(plain)), ("adapter", adapter.to_numpy())):
        at = table[:, [49, 99, 149]]
        error = at.std(0, ddof=1) / np.sqrt(seeds)
        print(
            f"{label:13}", *(f"{m:.2f} ± {e:.2f}" for m, e in zip(at.mean(0), error, strict=True))
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
