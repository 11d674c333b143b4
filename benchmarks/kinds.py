"""The floors beside learned predictors on each kind of table, and the noise ceiling.

    surrobench run examples/all-tables.toml --out results/all-tables
    python benchmarks/kinds.py results/all-tables results/smoke/smoke.csv

Writes ``kinds.csv`` (kind, train size and predictor: mean Kendall tau, over the tasks of a table
and then over tables, on all tasks and on those with a parameter count), ``tables.csv`` (the same
for each table), and ``floors.csv`` and ``kinds.md`` (a row for each kind). The ceiling is that of
``smoke.csv``: how well equal networks, or two trainings, agree; only some tasks have one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from markdown_table import markdown

from surrobench.tasks.collections import HYPERPARAMETERS

FLOORS = ("params", "flops", "layers")
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


def means(cells: pd.DataFrame, by: list[str]) -> pd.Series:
    """Mean tau over seeds, tasks of a table, tables of a group."""
    per_task = cells.groupby([*by, "table", "task"], observed=True)["kendall_tau"].mean()
    return per_task.groupby([*by, "table"]).mean().groupby(by).mean()


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


def long(cells: pd.DataFrame, group: str) -> pd.DataFrame:
    """A row for each group, train size and predictor."""
    by = [group, "train_size", "predictor"]
    found = pd.DataFrame(
        {"tau": means(cells, by), "tau_where_counted": means(cells[cells["counted"]], by)}
    )
    return found.reset_index()


def table_of_kinds(cells: pd.DataFrame) -> pd.DataFrame:
    """A row for each kind: floors and the best learned predictor, on the tasks that have floors."""
    rows = []
    for kind in ORDER:
        mine = cells[cells["kind"] == kind]
        for counted, part in mine.groupby("counted", sort=False):
            if counted != mine["counted"].any():
                continue
            tau = means(part, ["train_size", "predictor"]).unstack("train_size")
            learned = tau.drop(index=[name for name in FLOORS if name in tau.index])
            with_ceiling = part.drop_duplicates("task").dropna(subset="ceiling")
            ceilings = with_ceiling.groupby("table")["ceiling"].mean()
            row: dict[str, object] = {
                "kind": kind,
                "tables": part["table"].nunique(),
                "tasks": part["task"].nunique(),
            }
            row |= {name: tau[32].get(name, float("nan")) for name in FLOORS}
            for size in (32, 128):
                row |= {
                    f"best_{size}": learned[size].max(),
                    f"name_{size}": learned[size].idxmax(),
                    f"median_{size}": learned[size].median(),
                }
            row |= {"ceiling": ceilings.mean(), "ceilings": len(with_ceiling)}
            rows.append(row)
    return pd.DataFrame(rows)


def main() -> None:
    """Average and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the study")
    parser.add_argument("facts", type=Path, help="smoke.csv")
    given = parser.parse_args()
    cells = load(given.folder, given.facts)
    for group, name in (("kind", "kinds"), ("table", "tables")):
        long(cells, group).to_csv(given.folder / f"{name}.csv", index=False, float_format="%.4f")
    rows = table_of_kinds(cells)
    rows.to_csv(given.folder / "floors.csv", index=False, float_format="%.4f")
    shown = rows.copy()
    for column in shown.columns:
        if shown[column].dtype == float:
            shown[column] = [f"{x:.2f}" if x == x else "–" for x in shown[column]]
    for size in (32, 128):
        shown[f"best_{size}"] += " (" + shown[f"name_{size}"] + ")"
    headings = {
        "kind": "kind",
        "tables": "tables",
        "tasks": "tasks",
        "params": "parameters",
        "flops": "FLOPs",
        "layers": "layers",
        "median_32": "median learned, 32",
        "best_32": "best learned, 32",
        "median_128": "median learned, 128",
        "best_128": "best learned, 128",
        "ceiling": "ceiling",
        "ceilings": "tasks with a ceiling",
    }
    text = markdown(shown, headings)
    (given.folder / "kinds.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
