"""What was tried for the predictor ``stacking``, on tasks that it is not reported on.

    surrobench prepare tnb101-micro
    python benchmarks/stacking_choice.py results/literature       # goes on where it was stopped

Members are fitted to the seven tasks of TransNAS-Bench-101 micro under the protocol ``graf``, on
quantile-normal targets; a variant is one member, or the mean of several members' normal scores with
equal weights. Every variant's tau on every split is a row of ``choice-cells.csv``; the page's table
of means over tasks and seeds is made from them.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import pandas as pd
import torch
from literature import inputs
from markdown_table import markdown

from surrobench import load_task, make_predictor
from surrobench.arrays import FloatArray
from surrobench.encodings.column_blocks import with_blocks
from surrobench.metrics.ranking import kendall_tau
from surrobench.predictors.predictive import predict
from surrobench.predictors.transforms import WarpedModel
from surrobench.studies.prediction.protocols import split
from surrobench.tasks import expand_tasks

TABLE = "tnb101-micro"
SEEDS: Mapping[int, int] = {32: 3, 128: 1}
"""Draws for each number of examples."""
FULL, NO_LABELS = "measured+graph+wl", "measured+graph"
PROCESS = {"use": "gp-graph", "fitted_examples": 400}
PRODUCT = {**PROCESS, "combine": "product", "lengthscales": "shared"}
MEMBERS: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "gp-graph": (PROCESS, FULL),
    "process, product": ({**PRODUCT, "kernel": "matern-5/2"}, FULL),
    "process, product, Matérn-3/2": ({**PRODUCT, "kernel": "matern-3/2"}, FULL),
    "process, product, Matérn-3/2, without wl": ({**PRODUCT, "kernel": "matern-3/2"}, NO_LABELS),
    "forest, a third of the columns": ({"use": "random-forest", "max_features": 0.33}, FULL),
    "xgb-plus-fast": ({"use": "xgb-plus-fast"}, FULL),
    "svr": ({"use": "svr"}, FULL),
}
_GP, _FOREST = "process, product, Matérn-3/2", "forest, a third of the columns"
MEANS: Mapping[str, tuple[str, ...]] = {
    "process + forest": (_GP, _FOREST),
    "process without wl + forest": ("process, product, Matérn-3/2, without wl", _FOREST),
    "gp-graph + forest": ("gp-graph", _FOREST),
    "process + xgb-plus-fast": (_GP, "xgb-plus-fast"),
    "process + forest + xgb-plus-fast": (_GP, _FOREST, "xgb-plus-fast"),
    "process + forest + svr": (_GP, _FOREST, "svr"),
    "forest + xgb-plus-fast": (_FOREST, "xgb-plus-fast"),
}
KEPT = ("process + forest",)
COLUMNS = ("variant", "task", "train_size", "seed", "tau")


def scores(spec: Mapping[str, Any], encoding: str, name: str, n: int, seed: int) -> FloatArray:
    """Means of a member's normal scores on the test architectures of a split."""
    task = load_task(name)
    X, y = inputs(name, encoding), torch.tensor(task.truth).unsqueeze(-1)
    train, test = split(task, "graf", n, seed)
    recipe = make_predictor({**spec, "transform": "quantile-normal"})
    model = with_blocks(recipe, encoding, task.space, task.columns).fit(
        X[train], y[train], seed=seed
    )
    return predict(model.base if isinstance(model, WarpedModel) else model, X[test]).mean


def rows_of(name: str, n: int, seed: int) -> list[tuple[str, float]]:
    """Tau of every variant on one split."""
    task = load_task(name)
    truth = task.truth[split(task, "graf", n, seed)[1]]
    own = {member: scores(*parts, name, n, seed) for member, parts in MEMBERS.items()}
    own |= {mean: np.mean([own[part] for part in parts], axis=0) for mean, parts in MEANS.items()}
    return [(variant, kendall_tau(truth, answer)) for variant, answer in own.items()]


def table(cells: pd.DataFrame) -> str:
    """Mean tau over tasks and seeds: a row for each variant, a column for each size."""
    wide = cells.pivot_table(index="variant", columns="train_size", values="tau")
    wide = wide.reindex([*MEMBERS, *MEANS])
    lines = pd.DataFrame({"variant": wide.index})
    for n in SEEDS:
        lines[f"{n} examples"] = [f"{value:.3f}" for value in wide[n]]
    lines["kept"] = ["yes" if variant in KEPT else "" for variant in wide.index]
    return markdown(lines, {column: column for column in lines}).strip()


def main(arguments: Sequence[str]) -> None:
    """Run what is missing and write the table."""
    torch.set_num_threads(1)
    folder = Path(arguments[0])
    file = folder / "choice-cells.csv"
    if not file.exists():
        file.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    known = pd.read_csv(file)
    done = set(zip(known["task"], known["train_size"], known["seed"], strict=True))
    for seed in range(max(SEEDS.values())):
        for n in (n for n, seeds in SEEDS.items() if seed < seeds):
            for name in expand_tasks(TABLE, Path()):
                if (name, n, seed) in done:
                    continue
                found = rows_of(name, n, seed)
                with file.open("a", newline="", encoding="utf-8") as stream:
                    csv.writer(stream).writerows(
                        (variant, name, n, seed, f"{tau:.6g}") for variant, tau in found
                    )
                print(name, n, seed, flush=True)
    (folder / "choice.md").write_text(table(pd.read_csv(file)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
