"""Stacked regressions beside the predictors of ``results/all-tables`` on the tasks of ``@core``.

    surrobench run examples/core-stacking.toml --out runs/core-stacking
    python benchmarks/core_stacking.py runs/core-stacking results/all-tables results/literature

Both studies have the same splits, encodings and one seed. In each task and train size the learned
predictors are ranked by Kendall tau and by CRPS; ranks are averaged over sizes and tasks, and
intervals are those of the mean over tasks (bootstrap of tasks, percentiles). Coverage is that of
90 % intervals. Writes ``core-ranks.csv`` and ``core-ranks.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from core import FLOORS
from markdown_table import markdown

from surrobench.arrays import FloatArray
from surrobench.tasks.collections import CORE

DRAWS = 10_000
COVERED = (0.85, 0.95)
"""Coverage of 90 % intervals that counts as kept."""
LABELS = {
    "predictor": "predictor",
    "tau": "mean τ",
    "rank": "mean rank by τ",
    "rank_range": "95 % over tasks",
    "crps_rank": "mean rank by CRPS",
    "crps_range": "95 % over tasks",
    "coverage": "coverage",
    "kept": "tasks with 85 to 95 %",
}


def read(folder: Path) -> pd.DataFrame:
    """The cells of learned predictors on the tasks of the collection."""
    cells = pd.read_parquet(folder / "results.parquet")
    cells = cells[cells["task"].isin(CORE) & ~cells["predictor"].isin(FLOORS)].copy()
    for column in ("task", "predictor", "transform"):
        cells[column] = cells[column].astype(str)
    return cells


def ranks(cells: pd.DataFrame, metric: str, ascending: bool) -> pd.DataFrame:
    """Rank of each predictor (columns) in each task (rows), the mean over train sizes."""
    wide = cells.pivot_table(index=["task", "train_size"], columns="predictor", values=metric)
    if wide.isna().any(axis=None):
        raise SystemExit(f"{metric} is missing for some predictor, task and size.")
    return wide.rank(axis=1, ascending=ascending).groupby("task").mean()


def interval(values: FloatArray, draws: FloatArray) -> tuple[float, float]:
    """95 % of the means of tasks drawn with replacement (``draws x tasks`` positions)."""
    low, high = np.quantile(values[draws.astype(int)].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def summary(cells: pd.DataFrame) -> pd.DataFrame:
    """A row for each predictor, the first by mean rank of tau first."""
    by_tau, by_crps = ranks(cells, "kendall_tau", False), ranks(cells, "crps", True)
    covered = cells.pivot_table(index="task", columns="predictor", values="coverage_90")
    tau = cells.groupby("predictor")["kendall_tau"].mean()
    draws = np.random.default_rng(0).integers(len(by_tau), size=(DRAWS, len(by_tau)))
    rows = []
    for name in by_tau:
        low, high = interval(by_tau[name].to_numpy(), draws)
        crps_low, crps_high = interval(by_crps[name].to_numpy(), draws)
        rows.append(
            {
                "predictor": name,
                "tau": tau[name],
                "rank": by_tau[name].mean(),
                "rank_low": low,
                "rank_high": high,
                "crps_rank": by_crps[name].mean(),
                "crps_low": crps_low,
                "crps_high": crps_high,
                "coverage": covered[name].mean(),
                "kept": int(covered[name].between(*COVERED).sum()),
                "tasks": len(covered),
            }
        )
    return pd.DataFrame(rows).sort_values("rank", ignore_index=True)


def table(found: pd.DataFrame) -> str:
    """The page's table."""
    lines = pd.DataFrame({"predictor": [f"`{name}`" for name in found["predictor"]]})
    lines["tau"] = [f"{value:.3f}" for value in found["tau"]]
    for rank, low, high, shown in (
        ("rank", "rank_low", "rank_high", "rank_range"),
        ("crps_rank", "crps_low", "crps_high", "crps_range"),
    ):
        lines[rank] = [f"{value:.1f}" for value in found[rank]]
        lines[shown] = [f"{a:.1f} to {b:.1f}" for a, b in zip(found[low], found[high], strict=True)]
    lines["coverage"] = [f"{100 * value:.0f} %" for value in found["coverage"]]
    lines["kept"] = [
        f"{kept} of {tasks}" for kept, tasks in zip(found["kept"], found["tasks"], strict=True)
    ]
    return markdown(lines[list(LABELS)], LABELS).strip()


def main(arguments: Sequence[str]) -> None:
    """Join the studies and write."""
    new, beside, folder = map(Path, arguments)
    cells = pd.concat([read(new), read(beside)], ignore_index=True)
    found = summary(cells)
    found.to_csv(folder / "core-ranks.csv", index=False, float_format="%.4f")
    (folder / "core-ranks.md").write_text(table(found) + "\n", encoding="utf-8")
    print(found.to_string(index=False, float_format=lambda value: f"{value:.3f}"))


if __name__ == "__main__":
    main(sys.argv[1:])
