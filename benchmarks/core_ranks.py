"""Ranks of the learned predictors on the tasks of ``@core``, and what decides them.

    surrobench run examples/core.toml --out runs/core
    python benchmarks/core_ranks.py runs/core results/core

In each task and train size the predictors are ranked by their means over seeds of Kendall tau and
of CRPS; ranks are averaged over sizes and tasks, and intervals are those of the mean over tasks
(bootstrap of tasks, percentiles). Coverage is that of 90 % intervals. The first by tau is compared
with each other one on the means of the tasks (two-sided sign flips, step-down over all of them).
Writes ``ranks.csv``, ``ranks.md`` and ``against-first.csv``, and copies what the run has of its
numbers, study and environment.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from markdown_table import markdown
from published_run import keep

from surrobench.arrays import FloatArray
from surrobench.report.statistics.sign_flips import compare_pairs
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
    "coverage": "90 % intervals cover",
    "kept": "tasks with 85 to 95 %",
}


def read(folder: Path) -> pd.DataFrame:
    """The cells of the run, one per task, predictor, size and seed, all with a result."""
    cells = pd.read_parquet(folder / "results.parquet")
    if (cells["status"] != "ok").any() or set(cells["task"]) != set(CORE):
        raise SystemExit(f"{folder}: not every cell on the tasks of @core has a result.")
    return cells.astype({"task": str, "predictor": str})


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


def against_first(cells: pd.DataFrame, first: str) -> pd.DataFrame:
    """What the first gains over each other one: tau, and the CRPS as a ratio (its logarithm)."""
    rows = []
    log_crps = -np.log(cells["crps"])
    for metric, values in (("kendall_tau", cells["kendall_tau"]), ("log_crps", log_crps)):
        # In pivot_table the mean over seeds and sizes: one number for each task.
        wide = cells.assign(value=values).pivot_table(
            index="task", columns="predictor", values="value"
        )
        gains = wide.drop(columns=first).rsub(wide[first], axis=0)
        tested = compare_pairs(gains.to_numpy())
        for position, other in enumerate(gains):
            rows.append(
                {
                    "metric": metric,
                    "first": first,
                    "predictor": other,
                    "gain": gains[other].mean(),
                    "tasks_won": int((gains[other] > 0).sum()),
                    "p": tested.p[position],
                    "adjusted_p": tested.adjusted[position],
                }
            )
    return pd.DataFrame(rows)


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
    """Rank, compare and write."""
    run, folder = map(Path, arguments)
    cells = read(run)
    found = summary(cells)
    by_size = [(size, summary(part)) for size, part in cells.groupby("train_size")]
    sizes = [found.assign(train_size="all"), *(part.assign(train_size=n) for n, part in by_size)]
    folder.mkdir(parents=True, exist_ok=True)
    pd.concat(sizes).to_csv(folder / "ranks.csv", index=False, float_format="%.4f")
    (folder / "ranks.md").write_text(table(found) + "\n", encoding="utf-8")
    compared = against_first(cells, found["predictor"].iloc[0])
    compared.to_csv(folder / "against-first.csv", index=False, float_format="%.4f")
    keep(run, folder)
    print(found.to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    print(compared.to_string(index=False, float_format=lambda value: f"{value:.4f}"))


if __name__ == "__main__":
    main(sys.argv[1:])
