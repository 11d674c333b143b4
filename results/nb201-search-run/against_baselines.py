"""The leading strategy against local search and the peers, paired over common seeds.

    python results/nb201-search-run/against_baselines.py [STRATEGY]

Two-sided Wilcoxon signed-rank tests of the simple regrets at one number of evaluations, adjusted by
Holm over the baselines. Also how often, and after how many evaluations, the optimum itself was
found.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import wilcoxon
from statsmodels.stats.multitest import multipletests

BASELINES = ("random", "local-search", "optuna-tpe", "optuna-gp", "smac")
RESULTS = Path(__file__).parent / "results.parquet"


def traces(frame: pd.DataFrame, strategy: str) -> pd.DataFrame:
    """Regrets, evaluations × seeds."""
    rows = frame[frame["strategy"] == strategy]
    return rows.pivot(index="evaluation", columns="seed", values="simple_regret").ffill()


def first_optimum(regrets: pd.DataFrame) -> np.ndarray:
    """Evaluations up to the optimum in each run; infinity where it was not found."""
    found = regrets.to_numpy() <= 0.0
    return np.where(found.any(0), regrets.index.to_numpy()[found.argmax(0)], np.inf)


def main(leader: str) -> None:
    """Print the table."""
    frame = pd.read_parquet(RESULTS).astype({"strategy": str})
    own = traces(frame, leader)
    baselines = [name for name in BASELINES if name in set(frame["strategy"])]
    for strategy in (leader, *baselines):
        first = first_optimum(traces(frame, strategy))
        median = np.median(first)
        told = f"a median of {median:.0f}" if np.isfinite(median) else "more than half never"
        found = np.isfinite(first).sum()
        print(f"{strategy:14} optimum in {found:2} of {len(first)} runs; evaluations: {told}")
    for budget in (50, 100, 150):
        tests = {}
        for baseline in baselines:
            other = traces(frame, baseline)
            seeds = own.columns.intersection(other.columns)
            ahead = (other.loc[budget, seeds] - own.loc[budget, seeds]).to_numpy()
            tests[baseline] = (ahead.mean(), len(seeds), wilcoxon(ahead).pvalue)
        adjusted = multipletests([p for *_, p in tests.values()], method="holm")[1]
        print(f"\nafter {budget} evaluations: {leader} is ahead of")
        for (baseline, (ahead, seeds, _)), p in zip(tests.items(), adjusted, strict=True):
            print(f"  {baseline:14} by {ahead:5.3f} points ({seeds} seeds), p = {p:.1e}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "gp-paths-ucb")
