"""Whether pool ranks in place of raw proxies explain a row of the literature's page: they do not.

    python benchmarks/literature_raw_proxies.py results/literature

``xgb-plus`` on 32 examples of the protocol ``graf``, once with proxies as pool ranks and once with
the measured values, on the same draws. Histograms cut between training values, so that only ties of
single precision can tell the two apart. Writes ``raw-proxies.csv``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import pandas as pd
import torch

from surrobench import load_task, make_predictor
from surrobench.metrics.ranking import kendall_tau
from surrobench.predictors.predictive import predict
from surrobench.studies.prediction.protocols import split

TASK, SIZE, SEEDS = "nb201/cifar10-val-run", 32, 4


def main(arguments: Sequence[str]) -> None:
    """Fit both and write."""
    torch.set_num_threads(1)
    task = load_task(TASK)
    graph = task.encode("graph:published")
    raw = np.stack([np.asarray(task.columns[name], dtype=float) for name in task.columns], axis=1)
    proxies = {"pool ranks": task.encode("measured"), "raw": np.nan_to_num(raw)}
    y = torch.tensor(task.truth).unsqueeze(-1)
    rows = []
    for seed in range(SEEDS):
        train, test = split(task, "graf", SIZE, seed)
        for form, columns in proxies.items():
            X = torch.tensor(np.hstack([columns, graph]))
            model = make_predictor("xgb-plus", folds=2, fold_rounds=1).fit(
                X[train], y[train], seed=seed
            )
            tau = kendall_tau(task.truth[test], predict(model, X[test]).median)
            rows.append({"seed": seed, "proxies": form, "tau": tau})
            print(seed, form, f"{tau:.4f}", flush=True)
    found = pd.DataFrame(rows)
    found.to_csv(Path(arguments[0]) / "raw-proxies.csv", index=False, float_format="%.6f")


if __name__ == "__main__":
    main(sys.argv[1:])
