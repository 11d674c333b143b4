"""How many evaluations a search needs to the best architecture of a table.

    surrobench run examples/to-the-optimum.toml --out results/to-the-optimum
    python benchmarks/to_optimum.py results/to-the-optimum

Writes ``runs.csv`` (a row for each seed, a column for each strategy: the evaluation that found the
optimum, empty if none did), ``to-optimum.csv`` and ``to-optimum.md`` (a row for each strategy: how
many runs found it, mean and median with the standard error of the mean, and the share of runs that
had found it after 20, 40 and 80 evaluations). A mean stands only where every run found the optimum:
elsewhere it would leave out the worst.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from markdown_table import markdown

BY = (20, 40, 80)
TOLERANCE = 1e-9
COLUMNS = ["strategy", "seed", "evaluation", "simple_regret"]


def runs(results: pd.DataFrame) -> pd.DataFrame:
    """A row for each search: ``strategy``, ``seed`` and the first evaluation without regret."""
    steps = results[COLUMNS].astype({"strategy": str})
    hits = steps[steps["simple_regret"] <= TOLERANCE]
    first = hits.groupby(["strategy", "seed"])["evaluation"].min()
    every = steps.groupby(["strategy", "seed"])["evaluation"].size().index
    return first.reindex(every).rename("found_at").astype("Int64").reset_index()


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """A row for each strategy, the quickest first."""
    rows = []
    for strategy, mine in found.groupby("strategy"):
        at = mine["found_at"].dropna().astype(float)
        whole = len(at) == len(mine)
        rows.append(
            {
                "strategy": strategy,
                "runs": len(mine),
                "found": len(at),
                "mean": at.mean() if whole else None,
                "standard_error": at.sem() if whole else None,
                "median": mine["found_at"].astype(float).fillna(float("inf")).median(),
                **{f"by_{n}": (mine["found_at"] <= n).fillna(False).mean() for n in BY},
            }
        )
    order = ["mean", "by_80", "by_40"]
    return pd.DataFrame(rows).sort_values(order, ascending=[True, False, False])


def shown(rows: pd.DataFrame) -> str:
    """The summary as a table in Markdown."""
    cells = rows.copy()
    cells["strategy"] = [f"`{name}`" for name in rows["strategy"]]
    pairs = zip(rows["mean"], rows["standard_error"], strict=True)
    cells["mean"] = ["–" if pd.isna(mean) else f"{mean:.1f} ± {error:.1f}" for mean, error in pairs]
    cells["median"] = ["–" if x == float("inf") else f"{x:g}" for x in rows["median"]]
    for n in BY:
        cells[f"by_{n}"] = [f"{100 * share:.0f} %" for share in rows[f"by_{n}"]]
    cells["found"] = [f"{a} of {b}" for a, b in zip(rows["found"], rows["runs"], strict=True)]
    return markdown(
        cells,
        {
            "strategy": "strategy",
            "found": "found",
            "mean": "evaluations to it, mean ± standard error",
            "median": "median",
            **{f"by_{n}": f"by {n}" for n in BY},
        },
    )


def main() -> None:
    """Read, count and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the study")
    folder = parser.parse_args().folder
    found = runs(pd.read_parquet(folder / "results.parquet", columns=COLUMNS))
    wide = found.pivot(index="seed", columns="strategy", values="found_at")
    wide.rename(columns=lambda name: name.replace("-", "_")).to_csv(folder / "runs.csv")
    rows = summary(found)
    rows.to_csv(folder / "to-optimum.csv", index=False, float_format="%.4f")
    text = shown(rows)
    (folder / "to-optimum.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
