"""With how many examples of its own a task still gains by what is known of others.

    surrobench run transfer --set 'train_sizes=[10, 50]' --out runs/transfer-sizes
    python benchmarks/transfer_sizes.py runs/transfer-sizes results/transfer

or, where only some predictors were run again, with what is kept of the others,

    surrobench run transfer --predictor few-shot-deep-kernel --set 'train_sizes=[10, 50]' \\
        --out runs/few-shot-sizes
    python benchmarks/transfer_sizes.py results/transfer/sizes.parquet results/transfer \\
        --more runs/few-shot-sizes

The 20 examples between are those of ``benchmarks/transfer.py``, whose results lie in the second
folder. Writes there ``sizes.parquet`` (the cells of the run), ``sizes.csv`` (a row for each task,
predictor that is told of sources and training size), ``sizes.md`` (mean gains, with intervals over
tasks) and ``sizes-tables.md`` (the mean over predictors within each table).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from markdown_table import markdown
from transfer import cells_of, gains, interval_text, keep

HYPERPARAMETERS = "lcbench"


def by_task(cells: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds: a row for each task, training size and predictor told at every size."""
    parts = []
    for size, mine in cells.groupby("train_size"):
        rows = gains(mine)
        keys = ["table", "task", "predictor", "beside"]
        means = rows.groupby(keys, sort=False)[["with_sources", "without", "gain"]].mean()
        parts.append(means.reset_index().assign(train_size=int(str(size))))
    found = pd.concat(parts, ignore_index=True)
    sizes = found.groupby("predictor")["train_size"].transform("nunique")
    return found[sizes == found["train_size"].nunique()]


def predictor_table(rows: pd.DataFrame) -> pd.DataFrame:
    """A line for each told predictor: mean gains on architectures and on hyperparameters."""
    lines = []
    kinds = {"architectures": rows["table"] != HYPERPARAMETERS}
    kinds["LCBench"] = ~kinds["architectures"]
    for told in rows["predictor"].unique():
        line = {"predictor": f"`{told}`"}
        for kind, chosen in kinds.items():
            mine = rows[chosen & (rows["predictor"] == told)]
            for size, part in mine.groupby("train_size"):
                line[f"{kind}, {size}"] = interval_text(part["gain"])
        lines.append(line)
    return pd.DataFrame(lines)


def tables_table(rows: pd.DataFrame) -> pd.DataFrame:
    """A line for each table: tau without sources and what they add, means over predictors."""
    lines = []
    for table, mine in rows.groupby("table"):
        line: dict[str, object] = {"table": table, "tasks": mine["task"].nunique()}
        for size, part in mine.groupby("train_size"):
            line[f"τ without, {size}"] = f"{part['without'].mean():.2f}"
            line[f"with, {size}"] = f"{part['with_sources'].mean():.2f}"
        lines.append(line)
    return pd.DataFrame(lines)


def main() -> None:
    """Compare and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder or file of the other training sizes")
    parser.add_argument("out", type=Path, help="folder with the results at 20 examples")
    parser.add_argument("--more", type=Path, action="append", default=[], help="further runs")
    given = parser.parse_args()
    cells = cells_of(given.run, given.more)
    keep(cells, given.out / "sizes.parquet")
    rows = by_task(pd.concat([cells_of(given.out / "results.parquet"), cells]))
    rows.to_csv(given.out / "sizes.csv", index=False, float_format="%.5f")
    tables = {"sizes.md": predictor_table(rows), "sizes-tables.md": tables_table(rows)}
    for name, table in tables.items():
        text = markdown(table, {column: column for column in table})
        (given.out / name).write_text(text, encoding="utf-8")
        print(text)


if __name__ == "__main__":
    main()
