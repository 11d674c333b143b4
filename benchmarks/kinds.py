"""The floors beside learned predictors on each kind of table, and the noise ceiling.

    surrobench run examples/all-tables.toml --out results/all-tables
    python benchmarks/kinds.py results/all-tables results/smoke/smoke.csv

Means are over the tasks of a table, then over the tables of a kind; where a kind has tasks with a
parameter count, over these alone. Writes ``tables.csv`` (table, train size and predictor),
``kinds.csv`` and ``kinds.md`` (a row for each kind: the count, the median of the learned predictors
and the one that is first by mean rank over all tables), ``beside-learned.csv`` (a row for each
table) and ``floors.csv`` (the three floors where a task has all of them). The ceiling is that of
``smoke.csv``: how well equal networks, or two trainings, agree; only some tasks have one.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import pandas as pd
from markdown_table import markdown

from surrobench.tasks.collections import HYPERPARAMETERS

FLOORS = ("params", "flops", "layers")
FIRST = "svr+quantile-normal"
COSTS = {"ms": "latency and energy", "mJ": "latency and energy"}
KINDS = {
    "images, convolutions": (
        "darts-oncenas",
        "lanas",
        "live",
        "live-cells",
        "nb101-sample",
        "nb201",
        "nb201-supernet",
        "nb301-surrogate",
        "nbmr",
        "tnb101-macro",
        "tnb101-micro",
    ),
    "images, attacked": ("nb201-robust",),
    "images, transformers": ("cvpr22-vit", "vitbench-autoformer", "vitbench-pit"),
    "other signals": (
        "nb201-360",
        "suite-zero-nb201",
        "suite-zero-nb301",
        "suite-zero-tnb101-micro",
    ),
    "language": ("hwgpt", "live-transformer", "nbnlp", "nbnlp-wikitext2"),
    "graphs": ("nbgraph",),
    "hyperparameters": HYPERPARAMETERS,
}
ORDER = (*KINDS, "latency and energy")


def kind_of(table: str, unit: str) -> str:
    """The kind of a task."""
    for name, tables in KINDS.items():
        if table in tables and unit.split()[0] not in COSTS:
            return name
    return COSTS[unit.split()[0]]


def per_table(cells: pd.DataFrame) -> pd.DataFrame:
    """Mean tau over the tasks of a table, one row for each table, train size and predictor.

    ``counted`` says whether the tasks have a parameter count; all predictors of a row's table, kind
    and ``counted`` are averaged over the same tasks, but for the floors that some of them lack.
    """
    by = ["kind", "table", "counted", "train_size", "predictor"]
    tasks = cells.groupby([*by, "task"], observed=True)["kendall_tau"].mean().reset_index()
    return tasks.groupby(by).agg(tasks=("task", "size"), tau=("kendall_tau", "mean")).reset_index()


def load(folder: Path, facts: Path) -> pd.DataFrame:
    """Scored cells with kind, table and ceiling of their task, and whether it has parameters."""
    cells = pd.read_parquet(folder / "results.parquet")
    cells = cells[(cells["status"] == "ok") & (cells["predictor"] != "constant")]
    cells = cells[["task", "predictor", "train_size", "seed", "kendall_tau"]].copy()
    told = pd.read_csv(facts)[["task", "table", "unit", "ceiling"]]
    told["kind"] = [kind_of(*pair) for pair in zip(told["table"], told["unit"], strict=True)]
    cells = cells.merge(told, on="task")
    counted = set(cells.loc[cells["predictor"] == "params", "task"])
    return cells.assign(counted=cells["task"].isin(counted))


def of_kinds(cells: pd.DataFrame) -> pd.DataFrame:
    """A row for each kind: learned predictors, and the parameter count where tasks have one."""
    rows = []
    tables = per_table(cells)
    for kind in ORDER:
        mine = tables[tables["kind"] == kind]
        counted = bool(mine["counted"].any())
        mine = mine[mine["counted"] == counted]
        tau = mine.groupby(["train_size", "predictor"])["tau"].mean()
        chosen = cells[(cells["kind"] == kind) & (cells["counted"] == counted)]
        known = chosen.drop_duplicates("task").dropna(subset="ceiling")
        row: dict[str, object] = {
            "kind": kind,
            "tables": chosen["table"].nunique(),
            "tasks": chosen["task"].nunique(),
            "params": tau[32].get("params", float("nan")),
        }
        for size in (32, 128):
            learned = tau[size].drop(index=[name for name in FLOORS if name in tau[size].index])
            row |= {f"median_{size}": learned.median(), f"first_{size}": learned[FIRST]}
        row |= {
            "ceiling": known.groupby("table")["ceiling"].mean().mean(),
            "with_ceiling": len(known),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def beside_learned(cells: pd.DataFrame) -> pd.DataFrame:
    """A row for each kind and table with parameter counts: the count, and learned predictors."""
    tables = per_table(cells)
    tables = tables[tables["counted"]]
    wide = tables.pivot(index=["kind", "table"], columns=["train_size", "predictor"], values="tau")
    columns = {}
    for size in (32, 128):
        learned = wide[size].drop(columns=[name for name in FLOORS if name in wide[size]])
        columns |= {
            f"params_{size}": wide[size]["params"],
            f"median_{size}": learned.median(axis=1),
            f"first_{size}": wide[size][FIRST],
        }
    return pd.DataFrame(columns).reset_index()


def floors(cells: pd.DataFrame) -> pd.DataFrame:
    """The three floors on the tasks that have all of them, by table; 32 examples."""
    few = cells[cells["predictor"].isin(FLOORS) & (cells["train_size"] == 32)]
    tau = few.pivot_table(index=["table", "task"], columns="predictor", values="kendall_tau")
    return tau.dropna().groupby("table").mean().reset_index()


def main() -> None:
    """Average and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the study")
    parser.add_argument("facts", type=Path, help="smoke.csv")
    given = parser.parse_args()
    cells = load(given.folder, given.facts)
    rows = of_kinds(cells)
    made = {
        "tables": per_table(cells),
        "beside-learned": beside_learned(cells),
        "kinds": rows,
        "floors": floors(cells),
    }
    for name, frame in made.items():
        frame.to_csv(given.folder / f"{name}.csv", index=False, float_format="%.4f")
    shown = rows.copy()
    for column in shown.select_dtypes("float"):
        shown[column] = ["–" if math.isnan(x) else f"{x:.2f}" for x in shown[column]]
    headings = {
        "kind": "kind",
        "tables": "tables",
        "tasks": "tasks",
        "params": "parameter count",
        "median_32": "median learned, 32",
        "first_32": f"`{FIRST}`, 32",
        "median_128": "median learned, 128",
        "first_128": f"`{FIRST}`, 128",
        "ceiling": "ceiling",
        "with_ceiling": "tasks with a ceiling",
    }
    text = markdown(shown, headings)
    (given.folder / "kinds.md").write_text(text, encoding="utf-8")
    print(text)
    print(floors(cells).round(2).to_string())


if __name__ == "__main__":
    main()
