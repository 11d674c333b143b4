r"""NASLib's searches with boosted trees on edges and proxies beside ours in the same frame.

    surrobench prepare nb201
    surrobench run examples/naslib-bananas.toml --out runs/naslib-bananas
    surrobench run examples/naslib-bananas.toml --set repeats=false --out runs/naslib-bananas-once
    python benchmarks/literature_searches.py runs/naslib-bananas runs/naslib-bananas-once \
        results/literature

Published are means and deviations over ten seeds of NASLib's logs (automl/NASLib ba4ffd84,
``run/results/{only_adjacency,only_zc,zc_ensemble}.zip``). Their optimiser (04d420a2,
``naslib/optimizers/discrete/bananas/optimizer.py``) proposes mutations of the best cells without
asking whether a cell was trained before, so that trainings may be spent twice; hence both ways.
Writes ``searches.csv`` (a row for each search and budget), ``searches-apart.csv`` (a row for each
pair of means, with their difference in standard errors) and ``searches.md``.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import pandas as pd
from markdown_table import markdown

BUDGETS = (10, 20, 50, 100, 150, 200)
FIRST = (89.68, 0.53)
PUBLISHED = {
    "one-hot": (FIRST, (90.10, 0.59), (91.04, 0.30), (91.34, 0.02), (91.35, 0.02), (91.35, 0.02)),
    "ZCP": (FIRST, (90.04, 0.42), (91.07, 0.24), (91.23, 0.23), (91.30, 0.14), (91.33, 0.06)),
    "one-hot+ZCP": (
        *(FIRST, (90.31, 0.50), (91.00, 0.35), (91.21, 0.23), (91.26, 0.23), (91.26, 0.23)),
    ),
}
"""Validation accuracy on CIFAR-10 after so many evaluations: mean and deviation over ten seeds."""
SEEDS = 10
COLUMNS = ["strategy", "seed", "evaluation", "arch", "best_value", "optimum"]


def curves(run: Path, word: str) -> pd.DataFrame:
    """A row for each search and budget: the best so far, and how many cells were different."""
    steps = pd.read_parquet(run / "results.parquet", columns=COLUMNS)
    steps = steps.astype({"strategy": str, "arch": str}).sort_values("evaluation")
    lines = []
    for (strategy, seed), mine in steps.groupby(["strategy", "seed"], sort=False):
        for budget in BUDGETS:
            so_far = mine[mine["evaluation"] <= budget]
            lines.append(
                {
                    "cells": word,
                    "strategy": strategy,
                    "seed": seed,
                    "budget": budget,
                    "best": so_far["best_value"].iloc[-1],
                    "different": so_far["arch"].nunique(),
                    "optimum": mine["optimum"].iloc[0],
                }
            )
    return pd.DataFrame(lines)


def apart(rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each pair of a published mean and ours."""
    lines = []
    for (word, name, budget), mine in rows.groupby(["cells", "strategy", "budget"], sort=False):
        if name not in PUBLISHED:
            continue
        mean, deviation = PUBLISHED[name][BUDGETS.index(budget)]
        ours, spread = mine["best"].mean(), mine["best"].std(ddof=0)
        error = math.sqrt(deviation**2 / (SEEDS - 1) + spread**2 / (len(mine) - 1))
        lines.append(
            {
                "cells": word,
                "columns": name,
                "budget": budget,
                "published": mean,
                "ours": ours,
                "standard_errors": (ours - mean) / error,
            }
        )
    return pd.DataFrame(lines)


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """A line for each set of columns, published and ours."""
    lines = []
    for name, values in PUBLISHED.items():
        texts = [f"{mean:.2f} ± {deviation:.2f}" for mean, deviation in values]
        line = {"columns": name, "by": "NASLib"} | dict(zip(map(str, BUDGETS), texts, strict=True))
        lines.append(line | {"different": "–"})
        for word, mine in rows[rows["strategy"] == name].groupby("cells", sort=False):
            lines.append(_own(name, word, mine))
    for word, mine in rows[rows["strategy"] == "random"].groupby("cells", sort=False):
        lines.append(_own("random", word, mine))
    return pd.DataFrame(lines)


def _own(name: str, word: str, mine: pd.DataFrame) -> dict[str, str]:
    line = {"columns": name, "by": f"ours, {word}"}
    for budget, part in mine.groupby("budget"):
        line[str(budget)] = f"{part['best'].mean():.2f} ± {part['best'].std(ddof=0):.2f}"
    line["different"] = f"{mine[mine['budget'] == BUDGETS[-1]]['different'].mean():.0f}"
    return line


def main() -> None:
    """Compare and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("again", type=Path, help="folder of the run that may repeat cells")
    parser.add_argument("once", type=Path, help="folder of the run that may not")
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    rows = pd.concat([curves(given.again, "cells again"), curves(given.once, "each cell once")])
    rows.to_csv(given.out / "searches.csv", index=False, float_format="%.5f")
    apart(rows).to_csv(given.out / "searches-apart.csv", index=False, float_format="%.5f")
    heads = {"columns": "columns", "by": "by"} | {str(n): str(n) for n in BUDGETS}
    text = markdown(table(rows), heads | {"different": "different cells of 200"})
    (given.out / "searches.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
