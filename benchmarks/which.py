"""Which predictor when: ranks, calibration and seconds of every learned one over all tables.

    surrobench run examples/all-tables.toml --out results/all-tables
    surrobench run examples/all-tables-more.toml --out results/all-tables-more
    python benchmarks/which.py results/all-tables results/all-tables-more results/smoke/smoke.csv

Ranks are taken within a table (the mean over its tasks, accuracies and latencies apart), then
averaged over tables; intervals are percentiles over resampled tables, which are the independent
draws here. ``rank_elsewhere`` leaves out the tables of the spaces that defaults were chosen on
(``tuning.py``). Writes ``which.csv`` and ``which.md`` (a row for each predictor and train size),
``which-kinds.csv`` and ``which-kinds.md`` (the same means within a kind of table) and
``which-tables.csv`` (means of every table) into the first folder.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from kinds import FLOORS, ORDER, kind_of
from markdown_table import markdown

DRAWS = 10_000
LEVELS = (2.5, 97.5)
SIZES = (32, 128)
TUNED_ON = ("tnb101-micro", "tnb101-macro", "suite-zero-tnb101-micro", "hat")
"""Tables of the spaces that defaults were chosen on (``tuning.py``)."""


def load(folders: Sequence[Path], facts: Path) -> pd.DataFrame:
    """Cells of the learned predictors with the kind and table of their task.

    Without the predictors' failures: a task counts only where all of them have a result.
    """
    parts = [pd.read_parquet(folder / "results.parquet") for folder in folders]
    cells = pd.concat([part.astype({"predictor": str, "task": str}) for part in parts])
    cells = cells[~cells["predictor"].isin((*FLOORS, "constant"))]
    told = pd.read_csv(facts)[["task", "table", "unit"]]
    told["kind"] = [kind_of(*pair) for pair in zip(told["table"], told["unit"], strict=True)]
    cells = cells.merge(told, on="task")
    predictors = cells["predictor"].nunique()
    whole = cells[cells["status"] == "ok"].groupby(["task", "train_size"])["predictor"].nunique()
    kept = whole[whole == predictors].index
    return cells.set_index(["task", "train_size"]).loc[kept].reset_index()


def of_tables(cells: pd.DataFrame, column: str, size: int) -> pd.DataFrame:
    """Mean of a column over the tasks of a table: (kind, table) × predictors."""
    mine = cells[cells["train_size"] == size]
    return mine.pivot_table(
        index=["kind", "table"], columns="predictor", values=column, observed=True
    )


def by_table(cells: pd.DataFrame) -> pd.DataFrame:
    """Mean τ and CRPS of every predictor, table, kind and train size; CRPS as its logarithm."""
    keys = ["kind", "table", "train_size", "predictor"]
    means = cells.assign(log_crps=np.log(cells["crps"])).groupby(keys, observed=True)
    return means[["kendall_tau", "log_crps"]].mean().rename(columns={"kendall_tau": "tau"})


def _intervals(ranks: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(0).integers(len(ranks), size=(DRAWS, len(ranks)))
    low, high = np.percentile(ranks.to_numpy()[draws].mean(axis=1), LEVELS, axis=0)
    return low, high


def overall(cells: pd.DataFrame) -> pd.DataFrame:
    """A row for each predictor and train size, best mean rank by Kendall τ first."""
    frames = []
    for size in SIZES:
        tau = of_tables(cells, "kendall_tau", size)
        ranks = tau.rank(axis=1, ascending=False)
        low, high = _intervals(ranks)
        elsewhere = ranks[~ranks.index.get_level_values("table").isin(TUNED_ON)]
        crps = of_tables(cells, "crps", size).rank(axis=1)
        cover = of_tables(cells, "coverage_90", size)
        held = ((cover >= 0.85) & (cover <= 0.95)).mean()
        seconds = cells[cells["train_size"] == size].groupby("predictor")["cpu_seconds"].median()
        frame = pd.DataFrame(
            {
                "train_size": size,
                "tables": len(tau),
                "tau": tau.mean(),
                "rank": ranks.mean(),
                "rank_low": pd.Series(low, index=ranks.columns),
                "rank_high": pd.Series(high, index=ranks.columns),
                "tables_elsewhere": len(elsewhere),
                "rank_elsewhere": elsewhere.mean(),
                "crps_rank": crps.mean(),
                "coverage_90": cover.mean(),
                "coverage_held": held,
                "cpu_seconds": seconds,
            }
        )
        frames.append(frame.sort_values("rank").rename_axis("predictor").reset_index())
    return pd.concat(frames, ignore_index=True)


def of_kinds(cells: pd.DataFrame) -> pd.DataFrame:
    """Mean Kendall τ of every predictor within a kind of table and a train size."""
    frames = []
    for size in SIZES:
        tau = of_tables(cells, "kendall_tau", size)
        means = tau.groupby(level="kind").mean().stack().rename("tau").reset_index()
        tables = tau.groupby(level="kind").size()
        frames.append(means.assign(train_size=size, tables=means["kind"].map(tables)))
    rows = pd.concat(frames, ignore_index=True)
    rows["kind"] = pd.Categorical(rows["kind"], ORDER, ordered=True)
    return rows.sort_values(["kind", "train_size", "tau"], ascending=[True, True, False])


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    few, many = (rows[rows["train_size"] == size].set_index("predictor") for size in SIZES)
    both = few.add_suffix("_few").join(many.add_suffix("_many"))
    shown = pd.DataFrame({"predictor": [f"`{name}`" for name in both.index]}, index=both.index)
    for size, end in zip(SIZES, ("few", "many"), strict=True):
        shown[f"tau_{size}"] = both[f"tau_{end}"].map("{:.2f}".format)
        shown[f"rank_{size}"] = [
            f"{row[f'rank_{end}']:.1f} ({row[f'rank_low_{end}']:.1f}–{row[f'rank_high_{end}']:.1f})"
            for _, row in both.iterrows()
        ]
    shown["crps"] = both["crps_rank_many"].map("{:.1f}".format)
    shown["coverage"] = [f"{100 * share:.0f} %" for share in both["coverage_90_many"]]
    shown["held"] = [f"{100 * share:.0f} %" for share in both["coverage_held_many"]]
    shown["seconds"] = both["cpu_seconds_many"].map("{:.2g}".format)
    return shown


def _leaders(rows: pd.DataFrame) -> pd.DataFrame:
    shown = []
    for kind, mine in rows.groupby("kind", observed=True):
        row: dict[str, object] = {"kind": kind, "tables": int(mine["tables"].max())}
        for size in SIZES:
            best = mine[mine["train_size"] == size].nlargest(3, "tau")
            pairs = zip(best["predictor"], best["tau"], strict=True)
            row[f"best_{size}"] = ", ".join(f"`{name}` {tau:.2f}" for name, tau in pairs)
        shown.append(row)
    return pd.DataFrame(shown)


def main() -> None:
    """Average, rank and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", help="of the studies")
    parser.add_argument("facts", type=Path, help="smoke.csv")
    given = parser.parse_args()
    folder = given.folders[0]
    cells = load(given.folders, given.facts)
    rows, kinds = overall(cells), of_kinds(cells)
    rows.to_csv(folder / "which.csv", index=False, float_format="%.4f")
    kinds.to_csv(folder / "which-kinds.csv", index=False, float_format="%.4f")
    by_table(cells).to_csv(folder / "which-tables.csv", float_format="%.4f")
    text = markdown(
        _shown(rows),
        {
            "predictor": "predictor",
            "tau_32": "τ, 32",
            "rank_32": "mean rank, 32",
            "tau_128": "τ, 128",
            "rank_128": "mean rank, 128",
            "crps": "mean rank by CRPS, 128",
            "coverage": "90 % intervals cover, 128",
            "held": "tables where 85 to 95 %",
            "seconds": "CPU s of a cell, 128",
        },
    )
    (folder / "which.md").write_text(text, encoding="utf-8")
    print(text)
    text = markdown(
        _leaders(kinds),
        {
            "kind": "kind of table",
            "tables": "tables",
            "best_32": "first three by mean τ, 32 examples",
            "best_128": "128 examples",
        },
    )
    (folder / "which-kinds.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
