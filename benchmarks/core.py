"""About a dozen tasks that rank methods as all published tasks do: chosen, and checked.

    surrobench run examples/all-tables.toml --out results/all-tables
    python benchmarks/core.py results/all-tables

**The whole.** Learned predictors are ranked by Kendall tau on every task and train size; ranks are
averaged over the tasks of a table, then over tables, so that 92 pools of one table count as one.

**The choice.** Tasks are added one by one, at most one of a table, each time the one that brings
the mean ranks over the chosen nearest to those over the whole (squared differences, summed over
methods and train sizes: the discrepancy, as CARP-S chooses subsets of tasks); then single tasks are
exchanged as long as that helps. Tasks where a method or a size is missing are not eligible.

**The check.** Variants of one method are a family. For every way to part the families into two
halves, tasks are chosen by the mean ranks of one half alone; reported is Kendall tau between the
order of the other half by mean rank over the chosen tasks and its order over the whole, beside that
of as many tasks drawn at random from different tables.

Writes ``core.csv`` (the chosen tasks), ``core-check.csv`` (a row for each split) and
``core-summary.csv``. Fails if ``@core`` in ``surrobench/tasks/collections.py`` is another choice.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from surrobench.tasks.collections import CORE

SIZE = 12
DRAWS = 100
FLOORS = ("constant", "params", "flops", "layers")
FAMILIES = {"gp": "gp-", "trees": ("random-forest", "xgboost")}
"""Methods that are variants of one another; others are told by their name before the transform."""


def family(method: str) -> str:
    """The family of a method."""
    for name, beginnings in FAMILIES.items():
        if method.startswith(beginnings):
            return name
    return method.split("+")[0]


class Scores:
    """Ranks of methods on tasks.

    Args:
        tau: (task, train size) x method, without gaps.
    """

    def __init__(self, tau: pd.DataFrame) -> None:
        self.tau = tau

    def ranks(self, methods: Sequence[str]) -> pd.DataFrame:
        """Of these methods among themselves: task x (train size, method), gaps where not run."""
        return self.tau[list(methods)].rank(axis=1, ascending=False).unstack("train_size")

    def eligible(self) -> list[str]:
        """Tasks with all train sizes."""
        return self.ranks(self.tau.columns).dropna().index.tolist()


def table_of(task: str) -> str:
    """The table of a task."""
    return task.split("/")[0]


def whole(ranks: pd.DataFrame) -> pd.Series:
    """Mean ranks over tables, of means over their tasks."""
    return ranks.groupby(table_of).mean().mean()


def over(ranks: pd.DataFrame, tasks: Sequence[str]) -> pd.Series:
    """Mean ranks over some tasks."""
    return ranks.loc[list(tasks)].mean()


def choose(ranks: pd.DataFrame, eligible: Sequence[str], size: int) -> list[str]:
    """The tasks of least discrepancy that greedy additions and exchanges find."""
    rows = ranks.loc[list(eligible)].to_numpy()
    target = whole(ranks).to_numpy()
    tables = np.array([table_of(task) for task in eligible])
    chosen: list[int] = []

    def best(kept: list[int]) -> tuple[float, int]:
        sums = rows[kept].sum(axis=0) + rows
        gaps = ((sums / (len(kept) + 1) - target) ** 2).sum(axis=1)
        gaps[np.isin(tables, tables[kept])] = np.inf
        return float(gaps.min()), int(gaps.argmin())

    while len(chosen) < size:
        chosen.append(best(chosen)[1])
    least, improved = ((rows[chosen].mean(axis=0) - target) ** 2).sum(), True
    while improved:
        improved = False
        for place in range(size):
            kept = chosen[:place] + chosen[place + 1 :]
            gap, other = best(kept)
            if gap < least - 1e-12:
                least, chosen, improved = gap, [*kept, other], True
                break
    return [eligible[row] for row in chosen]


def agreement(ranks: pd.DataFrame, target: pd.Series, tasks: Sequence[str]) -> float:
    """Kendall tau of the orders of the methods by mean rank, over some tasks and over the whole."""
    pair = pd.DataFrame({"part": over(ranks, tasks), "whole": target})
    pair = pair.groupby(level="method").mean()
    return float(kendalltau(pair["part"], pair["whole"]).statistic)


def drawn(eligible: Sequence[str], size: int, rng: np.random.Generator) -> list[str]:
    """Tasks at random, of different tables that are drawn at random."""
    by_table: dict[str, list[str]] = {}
    for task in eligible:
        by_table.setdefault(table_of(task), []).append(task)
    tables = rng.permutation(list(by_table))[:size]
    return [str(rng.choice(by_table[table])) for table in tables]


def splits(methods: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    """Every way to choose by one half of the families and look at the other, both ways."""
    families = sorted({family(method) for method in methods})
    found = []
    for half in combinations(families, len(families) // 2):
        inside = [method for method in methods if family(method) in half]
        outside = [method for method in methods if family(method) not in half]
        found += [(inside, outside), (outside, inside)]
    return [pair for pair in found if len(pair[1]) > 2]


def check(scores: Scores, size: int, draws: int) -> pd.DataFrame:
    """A row for each split: the order of the other half by the chosen tasks and by random ones."""
    rng, eligible, rows = np.random.default_rng(0), scores.eligible(), []
    for known, held_out in splits(scores.tau.columns.tolist()):
        tasks = choose(scores.ranks(known), eligible, size)
        others = scores.ranks(held_out)
        target = whole(others)
        found = agreement(others, target, tasks)
        chance = [agreement(others, target, drawn(eligible, size, rng)) for _ in range(draws)]
        rows.append(
            {
                "chosen_by": " ".join(known),
                "held_out": len(held_out),
                "chosen": found,
                "random": float(np.mean(chance)),
                "random_ahead": float(np.mean(np.array(chance) > found)),
            }
        )
    return pd.DataFrame(rows)


def load(folder: Path) -> Scores:
    """Learned predictors on the tasks of a study; a size counts where all of them have a score."""
    cells = pd.read_parquet(folder / "results.parquet")
    cells = cells[~cells["predictor"].isin(FLOORS)]
    tau = cells.pivot_table(
        index=["task", "train_size"], columns="predictor", values="kendall_tau", observed=True
    )
    return Scores(tau.rename_axis(columns="method").dropna())


def main() -> None:
    """Choose, check and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the study")
    parser.add_argument("--size", type=int, default=SIZE, help="number of tasks")
    parser.add_argument("--draws", type=int, default=DRAWS, help="random choices for each split")
    given = parser.parse_args()
    scores = load(given.folder)
    methods = scores.tau.columns.tolist()
    ranks = scores.ranks(methods)
    tasks = choose(ranks, scores.eligible(), given.size)
    pd.DataFrame({"task": sorted(tasks)}).to_csv(given.folder / "core.csv", index=False)
    checked = check(scores, given.size, given.draws)
    checked.to_csv(given.folder / "core-check.csv", index=False, float_format="%.4f")
    found = {
        "tasks_of_the_whole": len(ranks),
        "tables_of_the_whole": len({table_of(task) for task in ranks.index}),
        "eligible": len(scores.eligible()),
        "methods": len(methods),
        "families": len({family(method) for method in methods}),
        "splits": len(checked),
        "chosen": len(tasks),
        "tau_of_all_methods": agreement(ranks, whole(ranks), tasks),
        "tau_held_out": checked["chosen"].mean(),
        "tau_held_out_low": checked["chosen"].quantile(0.025),
        "tau_held_out_high": checked["chosen"].quantile(0.975),
        "tau_random": checked["random"].mean(),
        "random_ahead": checked["random_ahead"].mean(),
    }
    pd.DataFrame([found]).to_csv(
        given.folder / "core-summary.csv", index=False, float_format="%.4f"
    )
    for name, value in found.items():
        print(f"{name:20} {value:.3g}")
    if sorted(CORE) != sorted(tasks):
        lines = "".join(f'    "{task}",\n' for task in sorted(tasks))
        sys.exit(f"@core is another choice; write into collections.py:\nCORE = (\n{lines})")


if __name__ == "__main__":
    main()
