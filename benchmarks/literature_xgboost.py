"""What may explain differences between NASLib's XGBoost and ours: the cells, and the columns.

    python benchmarks/literature_xgboost.py results/literature

``xgboost-pools.csv``: the same model on one-hot, parameters and FLOPs, which are known for all
cells, drawn from all 15,625 cells or from the 9,445 that have every proxy. ``xgboost-columns.csv``:
all proxies of those cells, or the six that our TransNAS-Bench-101 tables have.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from surrobench import load_task, make_predictor
from surrobench.arrays import IntArray
from surrobench.metrics.ranking import kendall_tau
from surrobench.predictors.predictive import predict

TASK = "nb201/cifar10-val-run"
NASLIB = {"rounds": 500, "learning_rate": 0.3, "subsample": 1.0}
KNOWN = "one-hot+measured:params+measured:flops"
SIX = "+".join(
    f"measured:{name}" for name in ["params", "flops", "epe_nas", "fisher", "synflow", "zen"]
)
TESTED = 2000


def tau(encoding: str, pool: IntArray, n: int, seed: int) -> float:
    """Of a draw of ``n`` training and 2,000 test architectures from a pool."""
    task = load_task(TASK)
    drawn = np.random.default_rng(seed).permutation(pool)
    train, test = drawn[:n], drawn[n : n + TESTED]
    X, y = torch.tensor(np.array(task.encode(encoding))), torch.tensor(task.truth)[:, None]
    model = make_predictor("xgb-plus", **NASLIB).fit(X[train], y[train], seed=seed)
    return kendall_tau(task.truth[test], np.asarray(predict(model, X[test]).median))


def rows(seeds: int) -> Iterator[dict[str, object]]:
    """One for each comparison, size and side."""
    task = load_task(TASK)
    every: IntArray = np.arange(len(task.truth))
    whole = every[np.isfinite(np.asarray(task.columns["synflow"]))]
    asked = [
        *(("pools", f"{len(pool):,} cells", KNOWN, pool, n)
          for n in (10, 36, 135, 500) for pool in (every, whole)),
        *(("columns", label, encoding, whole, 400)
          for label, encoding in (("all proxies", "measured"), ("six proxies", SIX))),
    ]  # fmt: skip
    for what, label, encoding, pool, n in asked:
        found = [tau(encoding, pool, n, seed) for seed in range(seeds)]
        told = {"n": n, "of": label, "tau": np.mean(found), "deviation": np.std(found)}
        yield {"what": what, **told, "seeds": seeds}


def main() -> None:
    """Measure and write both files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for what, frame in pd.DataFrame(rows(given.seeds)).groupby("what"):
        path = given.folder / f"xgboost-{what}.csv"
        frame.drop(columns="what").to_csv(path, index=False, float_format="%.3f")


if __name__ == "__main__":
    main()
