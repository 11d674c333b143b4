"""Searches and predictions on the published pools of hyperparameters, in a unit that all share.

    surrobench run examples/hpo-pools.toml --out runs/hpo-pools
    python benchmarks/hpo_pools.py runs/hpo-pools results/all-tables results/hpo-pools

Accuracies of 127 data sets differ in range, so a search is scored by the share of the pool that is
better than what it found (``share_better``, 0 where the optimum was found) and by its regret in
units of what lies between the median of the pool and its best (``regret``: 1 is what the median
configuration has); ``rank`` is that of the strategy among all with the same random start. Writes
``searches.csv`` (pool, strategy, seed, evaluations), ``predictions.csv`` (Kendall tau by pool,
train size and predictor, from the study of all tasks), and as tables ``searches.md`` and
``predictions.md``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from markdown_table import markdown

from surrobench import load_task
from surrobench.tasks.collections import HYPERPARAMETERS

AFTER = (25, 50, 100)
TABLES = ("lcbench", "hpob")
FLOORS = ("constant", "params", "flops", "layers")
assert set(TABLES) < set(HYPERPARAMETERS)


def searches(folder: Path) -> pd.DataFrame:
    """A row for each pool, strategy, seed and number of evaluations."""
    columns = ["task", "strategy", "seed", "evaluation", "judged", "status"]
    steps = pd.read_parquet(folder / "results.parquet", columns=columns)
    bad = steps[steps["status"] != "ok"]
    if len(bad):
        raise SystemExit(f"searches without a result: {bad['task'].unique().tolist()}")
    steps = steps[steps["evaluation"].isin(AFTER)]
    rows = []
    for name, part in steps.groupby("task", observed=True):
        truth = np.sort(load_task(str(name)).truth)
        best, middle = truth[-1], np.median(truth)
        found = part["judged"].to_numpy()
        better = len(truth) - np.searchsorted(truth, found + 1e-12, side="right")
        rows.append(
            part.assign(
                table=str(name).split("/")[0],
                pool_size=len(truth),
                share_optimal=np.mean(truth == best),
                regret=(best - found) / (best - middle),
                share_better=better / len(truth),
            )
        )
    return ranked(pd.concat(rows).drop(columns=["judged", "status"]))


def ranked(rows: pd.DataFrame) -> pd.DataFrame:
    """With the rank of each strategy among all at its pool, seed and number of evaluations."""
    at = rows.groupby(["task", "seed", "evaluation"], observed=True)["regret"]
    return rows.assign(rank=at.rank())


def search_table(rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each strategy: means over seeds, then over pools."""
    lines = {}
    for table in TABLES:
        mine = rows[rows["table"] == table]
        for after in (50, 100):
            part = mine[mine["evaluation"] == after]
            per_pool = part.groupby(["task", "strategy"], observed=True)["regret"].mean()
            lines[f"{table}, {after}"] = per_pool.groupby("strategy", observed=True).mean()
    last = rows[rows["evaluation"] == max(AFTER)]
    per_pool = last.groupby(["task", "strategy"], observed=True)["share_better"].mean()
    ranks = last.groupby(["task", "strategy"], observed=True)["rank"].mean()
    lines["rank"] = ranks.groupby("strategy", observed=True).mean()
    lines["better"] = 100 * per_pool.groupby("strategy", observed=True).median()
    lines["found"] = (
        100
        * last.assign(found=last["regret"] < 1e-9)
        .groupby("strategy", observed=True)["found"]
        .mean()
    )
    return pd.DataFrame(lines).sort_values("rank").reset_index()


def predictions(folder: Path) -> pd.DataFrame:
    """Kendall tau by pool, train size and predictor: means over seeds."""
    cells = pd.read_parquet(folder / "results.parquet")
    cells = cells[~cells["predictor"].isin(FLOORS)]
    cells = cells.assign(table=cells["task"].str.split("/").str[0])
    cells = cells[cells["table"].isin(TABLES)]
    by = ["table", "task", "train_size", "predictor"]
    return cells.groupby(by, observed=True)["kendall_tau"].mean().reset_index()


def prediction_table(rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each predictor: means over pools, and its mean rank at 128 examples."""
    means = rows.pivot_table(
        index="predictor", columns=["table", "train_size"], values="kendall_tau"
    )
    lines = {f"{table}, {size}": means[table, size] for table in TABLES for size in (32, 128)}
    last = rows[rows["train_size"] == 128].pivot(
        index="task", columns="predictor", values="kendall_tau"
    )
    lines["rank"] = last.dropna().rank(axis=1, ascending=False).mean()
    return pd.DataFrame(lines).sort_values("rank").reset_index()


def written(frame: pd.DataFrame, digits: dict[str, int]) -> pd.DataFrame:
    """Numbers with so many digits, names in the type of code."""
    shown = frame.copy()
    for column in frame.select_dtypes("number"):
        shown[column] = frame[column].map(f"{{:.{digits.get(column, 2)}f}}".format)
    name = frame.columns[0]
    return shown.assign(**{name: "`" + frame[name].astype(str) + "`"})


def main() -> None:
    """Score and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of the searches")
    parser.add_argument("predictions", type=Path, help="folder of the study of all tasks")
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    found, predicted = searches(given.run), predictions(given.predictions)
    found.to_csv(given.out / "searches.csv", index=False, float_format="%.6g")
    predicted.to_csv(given.out / "predictions.csv", index=False, float_format="%.4f")
    groups = [f"{table}, {after}" for table in TABLES for after in (50, 100)]
    text = markdown(
        written(
            search_table(found), {"rank": 2, "better": 2, "found": 0} | dict.fromkeys(groups, 3)
        ),
        {"strategy": "strategy"}
        | {name: f"regret, {name}" for name in groups}
        | {"better": "better, % (median pool)", "found": "optimum found, %", "rank": "mean rank"},
    )
    (given.out / "searches.md").write_text(text, encoding="utf-8")
    print(text)
    sizes = [f"{table}, {size}" for table in TABLES for size in (32, 128)]
    headings = {"predictor": "predictor"} | {name: name for name in sizes} | {"rank": "mean rank"}
    text = markdown(written(prediction_table(predicted), {"rank": 1}), headings)
    (given.out / "predictions.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
