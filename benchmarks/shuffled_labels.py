"""Canary: with shuffled training labels no predictor may rank better than chance.

    python benchmarks/shuffled_labels.py results/shuffled-labels      # goes on where it was stopped
    python benchmarks/shuffled_labels.py results/shuffled-labels --skew

Trains every registered predictor on 50 architectures of live/digits-chain whose labels are shuffled
normal scores, with 50 seeds (ten of the ``-tuned`` ones), and scores Kendall tau against the true
labels of all others. A mean that differs from zero would mean that labels leak (through scaling,
tuning or the split). With shuffled accuracies themselves, which are skewed, trees would be a little
off zero without any leak: mirrored labels mirror it (``--skew`` writes ``skew.csv``, of a forest).
Predictors that the task has nothing for, or that miss a checkpoint, say why.
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
from scipy.stats import norm

from surrobench import load_task, make_predictor
from surrobench.encodings.column_blocks import with_blocks
from surrobench.errors import UserError
from surrobench.metrics.ranking import kendall_tau
from surrobench.predictors import PREDICTORS
from surrobench.predictors.predictive import predict
from surrobench.studies.prediction.protocols import split

TASK, TRAIN_SIZE = "live/digits-chain", 50
SEEDS, TUNED_SEEDS, DRAWS = 50, 10, 250
ERRORS = 3.0
"""Standard errors that a mean may be away from zero."""


def tau(name: str, seed: int, kind: str = "normal scores", **options: int) -> float:
    """Kendall tau of one predictor trained on shuffled labels of a kind."""
    task = load_task(TASK)
    predictor = make_predictor(name, **options)
    encoding = getattr(predictor, "encoding", None) or task.default_encoding
    X = task.encode(encoding)
    predictor = with_blocks(predictor, encoding, task.space, task.columns)
    train, test = split(task, "grouped", TRAIN_SIZE, seed)
    scores = norm.ppf((np.arange(TRAIN_SIZE) + 0.5) / TRAIN_SIZE)
    values = scores if kind == "normal scores" else task.truth[train]
    labels = np.random.default_rng([seed, 1]).permutation(-values if kind == "mirrored" else values)
    model = predictor.fit(torch.tensor(X[train]), torch.tensor(labels)[:, None], seed=seed)
    median = predict(model, torch.tensor(X[test])).median
    return 0.0 if np.ptp(median) == 0 else kendall_tau(task.truth[test], median)


def skew(folder: Path) -> None:
    """What labels that are not symmetric do to a forest."""
    torch.set_num_threads(1)
    rows = []
    for kind in ("accuracies", "mirrored", "normal scores"):
        values = np.array([tau("random-forest", seed, kind, trees=100) for seed in range(DRAWS)])
        error = values.std(ddof=1) / np.sqrt(DRAWS)
        rows.append({"labels": kind, "mean_tau": values.mean(), "standard_error": error})
    pd.DataFrame(rows).to_csv(folder / "skew.csv", index=False, float_format="%.4f")


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
    return int((frame["mean_tau"].abs() > ERRORS * frame["standard_error"]).any())


if __name__ == "__main__":
    if "--skew" in sys.argv:
        skew(Path(sys.argv[1]))
        sys.exit()
    sys.exit(main(Path(sys.argv[1])))
