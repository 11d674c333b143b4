"""Canary: with shuffled training labels no predictor may rank better than chance.

    python benchmarks/shuffled_labels.py results/shuffled-labels      # goes on where it was stopped

Trains every registered predictor on 50 architectures of live/digits-chain whose labels were
shuffled, with 50 seeds (ten of the ``-tuned`` ones), and scores Kendall tau against the true labels
of all others. A mean that differs from zero would mean that labels leak (through scaling, tuning or
the split). Predictors that the task has nothing for, or that miss a checkpoint, say why.
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
from surrobench.encodings.column_blocks import with_blocks
from surrobench.errors import UserError
from surrobench.metrics.ranking import kendall_tau
from surrobench.predictors import PREDICTORS
from surrobench.predictors.predictive import predict
from surrobench.studies.prediction.protocols import split

TASK, TRAIN_SIZE, LIMIT = "live/digits-chain", 50, 0.05
SEEDS, TUNED_SEEDS = 50, 10
ERRORS = 3.0
"""Standard errors that a mean of few seeds may be away from zero, should that be more."""


def tau(name: str, seed: int) -> float:
    """Kendall tau of one predictor trained on shuffled labels."""
    task = load_task(TASK)
    predictor = make_predictor(name)
    encoding = getattr(predictor, "encoding", None) or task.default_encoding
    X = task.encode(encoding)
    predictor = with_blocks(predictor, encoding, task.space, task.columns)
    train, test = split(task, "grouped", TRAIN_SIZE, seed)
    labels = np.random.default_rng([seed, 1]).permutation(task.truth[train])
    model = predictor.fit(torch.tensor(X[train]), torch.tensor(labels)[:, None], seed=seed)
    median = predict(model, torch.tensor(X[test])).median
    return 0.0 if np.ptp(median) == 0 else kendall_tau(task.truth[test], median)


def row_of(name: str) -> dict[str, object]:
    """What the table has of a predictor."""
    seeds = TUNED_SEEDS if name.endswith("-tuned") else SEEDS
    try:
        values = np.array([tau(name, seed) for seed in range(seeds)])
    except UserError as error:
        return {"predictor": name, "seeds": 0, "not_run": " ".join(str(error).split())}
    error = values.std(ddof=1) / np.sqrt(seeds)
    return {
        "predictor": name,
        "seeds": seeds,
        "mean_tau": round(float(values.mean()), 4),
        "standard_error": round(float(error), 4),
    }


def main(folder: Path) -> int:
    """Write one row per predictor; the exit status says whether all means are near zero."""
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "shuffled-labels.csv"
    rows = pd.read_csv(file).to_dict("records") if file.exists() else []
    done = {row["predictor"] for row in rows}
    for name in PREDICTORS.names():
        if name not in done:
            rows.append(row_of(name))
            print(rows[-1], flush=True)
            pd.DataFrame(rows).to_csv(file, index=False)
    frame = pd.DataFrame(rows)
    allowed = np.maximum(LIMIT, ERRORS * frame["standard_error"].fillna(0.0))
    return int((frame["mean_tau"].abs() > allowed).any())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
