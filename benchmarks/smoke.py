"""What is known of every published task, and that it can be fitted and scored: one row a task.

    surrobench run examples/smoke.toml --out runs/smoke
    python benchmarks/smoke.py runs/smoke results/smoke

Writes ``smoke.csv``: unit, direction, size, duplicates, noise, licence and citation of each task,
and Kendall tau of the predictors of the run on it. Fails if a cell of the run did, or if a task
lacks unit, direction, licence or citation.

``ceiling`` is how well networks that are equal agree with each other: Kendall tau between one and
another of each class of equal networks, mean over five draws; where there are few such classes but
single trainings, between two trainings of the same networks.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from surrobench import load_task
from surrobench.tasks import task_info
from surrobench.tasks.task import TableTask

LEAST_CLASSES = 30
DRAWS = 5


def ceiling(task: TableTask) -> tuple[float, str]:
    """Kendall tau between equal networks or two trainings, and which; NaN without either."""
    rng = np.random.default_rng(0)
    found = [_equal_networks(task, rng) for _ in range(DRAWS)]
    if np.isfinite(found).all():
        return float(np.mean(found)), "equal networks"
    found = [_two_trainings(task, rng) for _ in range(DRAWS)]
    if np.isfinite(found).all():
        return float(np.mean(found)), "two trainings"
    return float("nan"), ""


def _equal_networks(task: TableTask, rng: np.random.Generator) -> float:
    order = rng.permutation(len(task))
    order = order[np.argsort(task.groups[order], kind="stable")]
    classes = task.groups[order]
    starts = np.flatnonzero(np.diff(classes, prepend=-1))
    seconds = starts[starts + 1 < len(order)]
    seconds = seconds[classes[seconds + 1] == classes[seconds]]
    if len(seconds) < LEAST_CLASSES:
        return float("nan")
    return _tau(task.truth[order[seconds]], task.truth[order[seconds + 1]])


def _two_trainings(task: TableTask, rng: np.random.Generator) -> float:
    runs = task.values[:, :, -1]
    several = np.isfinite(runs).sum(axis=1) > 1
    if several.sum() < LEAST_CLASSES:
        return float("nan")
    keys = np.where(np.isfinite(runs[several]), rng.random(runs[several].shape), 2.0)
    first, second = np.argsort(keys, axis=1)[:, :2].T
    rows = np.arange(len(first))
    return _tau(runs[several][rows, first], runs[several][rows, second])


def _tau(first: np.ndarray, second: np.ndarray) -> float:
    return float(kendalltau(first, second).statistic)


def facts(name: str) -> dict[str, object]:
    """What a task is, without what was predicted."""
    told, task = task_info(name), load_task(name)
    agreement, of_what = ceiling(task)
    return {
        "task": name,
        "table": name.split("/")[0],
        "unit": told.unit,
        "direction": told.direction,
        "architectures": told.pool_size,
        "networks": told.groups,
        "with_an_equal_one": told.repeated,
        "runs": max(told.run_counts),
        "noise": told.noise,
        "spread_of_equal_networks": told.group_spread,
        "ceiling": agreement,
        "ceiling_of": of_what,
        "encoding": told.default_encoding,
        "licence": told.licence,
        "citation": told.citation,
    }


def main() -> None:
    """Join facts and scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of the run")
    parser.add_argument("out", type=Path, help="folder for smoke.csv")
    given = parser.parse_args()
    cells = pd.read_parquet(given.run / "results.parquet")
    failed = cells[cells["status"] != "ok"]
    scores = cells.pivot_table(index="task", columns="predictor", values="kendall_tau")
    scores = scores.drop(columns="constant", errors="ignore").add_prefix("tau_of_").reset_index()
    rows = pd.DataFrame(map(facts, dict.fromkeys(cells["task"]))).merge(scores, on="task")
    lacking = rows[(rows[["unit", "direction", "licence", "citation"]] == "").any(axis=1)]
    given.out.mkdir(parents=True, exist_ok=True)
    rows.to_csv(given.out / "smoke.csv", index=False, float_format="%.6g")
    print(f"{len(rows)} tasks of {rows['table'].nunique()} tables, {len(cells)} cells")
    if len(failed) or len(lacking):
        sys.exit(f"failed: {failed['task'].tolist()}; lacking: {lacking['task'].tolist()}")


if __name__ == "__main__":
    main()
