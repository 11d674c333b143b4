"""Canary: with shuffled training labels no predictor may rank better than chance.

    python benchmarks/shuffled_labels.py results/shuffled-labels

Trains every registered predictor on 50 architectures of live/digits-chain whose labels were
shuffled, with 50 seeds, and scores Kendall tau against the true labels of all others. A mean that
differs from zero would mean that labels leak (through scaling, tuning or the split).
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

from surrobench import load_task, make_predictor
from surrobench.metrics.ranking import kendall_tau
from surrobench.predictors import PREDICTORS
from surrobench.predictors.predictive import predict
from surrobench.studies.prediction.protocols import split

TASK, TRAIN_SIZE, SEEDS, LIMIT = "live/digits-chain", 50, 50, 0.05


def tau(name: str, seed: int) -> float:
    """Kendall tau of one predictor trained on shuffled labels."""
    task, predictor = load_task(TASK), make_predictor(name)
    X = task.encode(getattr(predictor, "encoding", None) or task.default_encoding)
    train, test = split(task, "grouped", TRAIN_SIZE, seed)
    labels = np.random.default_rng([seed, 1]).permutation(task.truth[train])
    model = predictor.fit(torch.tensor(X[train]), torch.tensor(labels)[:, None], seed=seed)
    median = predict(model, torch.tensor(X[test])).median
    return 0.0 if np.ptp(median) == 0 else kendall_tau(task.truth[test], median)


def main(folder: Path) -> int:
    """Write one row per predictor; the exit status says whether all means are near zero."""
    torch.set_num_threads(1)
    rows = []
    for name in PREDICTORS.names():
        values = np.array([tau(name, seed) for seed in range(SEEDS)])
        error = values.std(ddof=1) / np.sqrt(SEEDS)
        rows.append({"predictor": name, "mean_tau": values.mean(), "standard_error": error})
        print(f"{name:16} {values.mean():+.3f} ± {error:.3f}", flush=True)
    frame = pd.DataFrame(rows)
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / "shuffled-labels.csv", index=False, float_format="%.4f")
    return int((frame["mean_tau"].abs() > LIMIT).any())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
