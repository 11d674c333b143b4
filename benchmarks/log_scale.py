"""What the logarithmic scale of hyperparameters is worth, as cards name it and found automatically.

    surrobench prepare lcbench && surrobench prepare steplaw
    python benchmarks/log_scale.py results/log-scale [--seeds 10]

Kendall tau of three predictors on all other configurations of a table after 32 and 128 examples, on
the same splits: with all scales linear, with those that a card without the key ``scale`` gets
(``automatic``: positive numbers over more than two decades that lie more evenly by ratio), and with
those that the card of the table names (``card``). Writes ``log-scale.csv``, a row for each fit, and
``log-scale.md``.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import pandas as pd
import torch
from markdown_table import markdown

from surrobench import load_task
from surrobench.metrics.ranking import kendall_tau
from surrobench.predictors import make_predictor
from surrobench.predictors.predictive import predict
from surrobench.spaces.architecture import Variable
from surrobench.spaces.choices import Choices
from surrobench.tasks.tables.coding import by_ratio
from surrobench.tasks.task import TableTask

TASKS = ("lcbench/Fashion_MNIST", "steplaw/dense", "steplaw/moe")
PREDICTORS = ("gp-matern52+quantile-normal", "gp-matern52-ard+quantile-normal", "random-forest")
SIZES = (32, 128)
SCALES = ("linear", "automatic", "card")


def scaled(task: TableTask, scale: str) -> TableTask:
    """The same task with its numbers on other scales."""
    if scale == "card":
        return task
    automatic = scale == "automatic"
    variables = [
        replace(one, scale="log" if automatic and _by_ratio(one) else "linear")
        for one in task.space.variables
    ]
    return replace(task, space=Choices(task.space.name, variables))


def _by_ratio(variable: Variable) -> bool:
    values = list(variable.values or ())
    return bool(values) and min(values) > 0 and by_ratio(values)


def fits(task: TableTask, seeds: int) -> Iterator[dict[str, object]]:
    """A row for each predictor, size and seed."""
    features = torch.as_tensor(task.encode("numeric"))
    targets = torch.as_tensor(task.truth)[:, None]
    for size in SIZES:
        for seed in range(seeds):
            order = np.random.default_rng(seed).permutation(len(task))
            known, rest = order[:size], order[size:]
            for name in PREDICTORS:
                fitted = make_predictor(name).fit(features[known], targets[known], seed=seed)
                found = predict(fitted, features[rest])
                yield {
                    "task": task.name,
                    "predictor": name,
                    "train_size": size,
                    "seed": seed,
                    "kendall_tau": kendall_tau(task.truth[rest], found.mean),
                }


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds, one row for each task and predictor."""
    means = rows.pivot_table(
        index=["task", "predictor"], columns=["train_size", "scale"], values="kendall_tau"
    )
    means.columns = [f"{scale}_{size}" for size, scale in means.columns]
    return means.reset_index()


def in_words(means: pd.DataFrame) -> pd.DataFrame:
    """With two digits each."""
    digits = means.select_dtypes("number").map("{:.2f}".format)
    return means.assign(**{name: digits[name] for name in digits})


def main() -> None:
    """Fit, score and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--run", type=Path, help="of examples/log-scale.toml: study.csv from it")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.run is not None:
        cells = pd.read_parquet(given.run / "results.parquet")
        cells = cells[["task", "predictor", "train_size", "seed", "kendall_tau"]]
        cells.to_csv(given.out / "study.csv", index=False, float_format="%.6f")
        return
    rows = []
    for name in TASKS:
        task = load_task(name)
        known: dict[tuple[str, ...], list[dict[str, object]]] = {}
        for scale in SCALES:
            one = scaled(task, scale)
            same = tuple(variable.scale for variable in one.space.variables)
            if same not in known:
                known[same] = list(fits(one, given.seeds))
            rows += [{**row, "scale": scale} for row in known[same]]
    frame = pd.DataFrame(rows)
    frame.to_csv(given.out / "log-scale.csv", index=False, float_format="%.6f")
    headings = {"task": "task", "predictor": "predictor"}
    headings |= {f"{scale}_{size}": f"{size}, {scale}" for size in SIZES for scale in SCALES}
    text = markdown(in_words(summary(frame)), headings)
    (given.out / "log-scale.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
