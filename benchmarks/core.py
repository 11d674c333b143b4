"""About a dozen tasks that rank methods as all published tasks do: chosen, and checked.

    surrobench run examples/all-tables.toml --out results/all-tables
    python benchmarks/core.py results/all-tables

**The whole.** Learned predictors are ranked by Kendall tau (mean over seeds) on every task and
train size; ranks are averaged over the tasks of a table, then over tables, so that 92 pools of one
table count as one.

**The choice.** A task is a point whose coordinates are the ranks of the methods at every train
size. Tasks are added one by one, at most one of a table, each time the one that brings the chosen
points nearest to the distribution of all (tables weigh equally) in energy distance (Székely &
Rizzo, "Energy statistics", 2013; points so chosen are support points, Mak & Joseph 2018); then
single tasks are exchanged as long as that helps. CARP-S (Benjamins et al. 2025) chooses its subsets
of tasks by another discrepancy in the same space. Tasks where a method or a size is missing are not
eligible.

**The check.** Variants of one method are a family. For every way to part the families into two
halves, tasks are chosen by the ranks of one half alone; reported is Kendall tau between the order
of the other half by mean rank over the chosen tasks and its order over the whole, beside that of as
many tasks drawn at random from different tables.

**What is kept.** ``@core`` was chosen once and stays, since studies name it: the rows of one table
have changed since (its operations were read in another order), and with them the choice that this
command makes, which is reported beside it.

Writes ``core.csv`` (the tasks of ``@core``, those of today's choice, or both), ``core-check.csv``
(a row for each split) and ``core-summary.csv``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import kendalltau, rankdata

from surrobench.arrays import FloatArray
from surrobench.tasks.collections import CORE

SIZE = 12
DRAWS = 200
FLOORS = ("constant", "params", "flops", "layers")
FAMILIES = {"gp": ("gp-",), "trees": ("random-forest", "xgboost")}
"""Methods that are variants of one another; others are told by their name before the transform."""


def family(method: str) -> str:
    """The family of a method."""
    for name, beginnings in FAMILIES.items():
        if method.startswith(beginnings):
            return name
    return method.split("+")[0]


def table_of(task: str) -> str:
    """The table of a task."""
    return task.split("/")[0]


class Scores:
    """Kendall tau of methods on the tasks that have all methods and train sizes.

    Args:
        tau: (task, train size) x method, without gaps.
    """

    def __init__(self, tau: pd.DataFrame) -> None:
        self.methods = tau.columns.tolist()
        wide = tau.unstack("train_size").dropna()
        self.tasks: list[str] = wide.index.tolist()
        self.tables = np.array([table_of(task) for task in self.tasks])
        self._tau = np.stack([wide[method].to_numpy() for method in self.methods], axis=2)

    @property
    def weights(self) -> FloatArray:
        """Of each task, so that tables weigh equally; they sum to 1."""
        _, place, counts = np.unique(self.tables, return_inverse=True, return_counts=True)
        weights: FloatArray = 1.0 / counts[place] / len(counts)
        return weights

    def ranks(self, methods: Sequence[str]) -> FloatArray:
        """Of these methods among themselves, ``tasks x train sizes x methods``; 1 is the best."""
        columns = [self.methods.index(method) for method in methods]
        ranks: FloatArray = rankdata(-self._tau[:, :, columns], axis=2)
        return ranks

    def choose(self, methods: Sequence[str], size: int) -> list[int]:
        """Rows of the tasks nearest to the whole in energy distance that exchanges find."""
        points = self.ranks(methods).reshape(len(self.tasks), -1)
        apart = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
        to_whole = apart @ self.weights

        def costs(kept: list[int]) -> FloatArray:
            """Energy distance, up to a constant, with each task beside those that are kept."""
            n = len(kept) + 1
            cross = (to_whole[kept].sum() + to_whole) / n
            inner = (apart[np.ix_(kept, kept)].sum() + 2 * apart[:, kept].sum(axis=1)) / n**2
            cost: FloatArray = 2 * cross - inner
            cost[np.isin(self.tables, self.tables[kept])] = np.inf
            return cost

        chosen: list[int] = []
        while len(chosen) < size:
            cost = costs(chosen)
            chosen.append(int(cost.argmin()))
        least, place = float(cost.min()), 0
        while place < size:
            kept = chosen[:place] + chosen[place + 1 :]
            cost = costs(kept)
            place += 1
            if cost.min() < least - 1e-12:
                least, chosen, place = float(cost.min()), [*kept, int(cost.argmin())], 0
        return chosen

    def drawn(self, size: int, rng: np.random.Generator) -> list[int]:
        """Rows of tasks at random, of different tables that are drawn at random."""
        tables = rng.permutation(np.unique(self.tables))[:size]
        return [int(rng.choice(np.flatnonzero(self.tables == table))) for table in tables]

    def agreement(self, methods: Sequence[str], rows: Sequence[int]) -> float:
        """Kendall tau of the orders of methods by mean rank, over some tasks and over the whole."""
        ranks = self.ranks(methods)
        part = ranks[list(rows)].mean(axis=(0, 1))
        whole = np.tensordot(self.weights, ranks, axes=1).mean(axis=0)
        return float(kendalltau(part.round(9), whole.round(9)).statistic)


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
    rng, rows = np.random.default_rng(0), []
    for known, held_out in splits(scores.methods):
        found = scores.agreement(held_out, scores.choose(known, size))
        chance = [scores.agreement(held_out, scores.drawn(size, rng)) for _ in range(draws)]
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
    """The learned predictors of a study."""
    cells = pd.read_parquet(folder / "results.parquet")
    cells = cells[~cells["predictor"].isin(FLOORS)]
    tau = cells.pivot_table(
        index=["task", "train_size"], columns="predictor", values="kendall_tau", observed=True
    )
    return Scores(tau.dropna())


def main() -> None:
    """Choose, check and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the study")
    parser.add_argument("--size", type=int, default=SIZE, help="number of tasks")
    parser.add_argument("--draws", type=int, default=DRAWS, help="random choices for each split")
    given = parser.parse_args()
    scores = load(given.folder)
    rows = scores.choose(scores.methods, given.size)
    tasks = sorted(scores.tasks[row] for row in rows)
    either = pd.DataFrame({"task": sorted({*CORE, *tasks})})
    either["kept"], either["chosen_today"] = either["task"].isin(CORE), either["task"].isin(tasks)
    either.to_csv(given.folder / "core.csv", index=False)
    kept = [list(scores.tasks).index(task) for task in CORE]
    checked = check(scores, given.size, given.draws)
    checked.to_csv(given.folder / "core-check.csv", index=False, float_format="%.4f")
    found = {
        "tasks": len(scores.tasks),
        "tables": len(np.unique(scores.tables)),
        "methods": len(scores.methods),
        "families": len({family(method) for method in scores.methods}),
        "splits": len(checked),
        "chosen": len(tasks),
        "in_both": len({*CORE} & {*tasks}),
        "tau_of_kept": scores.agreement(scores.methods, kept),
        "tau_of_chosen": scores.agreement(scores.methods, rows),
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


if __name__ == "__main__":
    main()
