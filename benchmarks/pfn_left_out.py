"""Judges networks that ``benchmarks/pfn_tables.py`` trained, on spaces that they never met.

    python benchmarks/pfn_left_out.py results/pfn runs/pfn-tables
    python benchmarks/pfn_left_out.py results/pfn runs/pfn-choice --choice

The protocol is that of ``benchmarks/pfn.py``: its tasks, draws, sizes and scores, all in one call.
``pfn-tables`` is read from the folder of the fold that a table belongs to, ``pfn-longer`` from
``made-up``; both are compared with ``pfn``. ``pfn-seen`` shows what they would seem to be worth if
nothing were left out: weights of another fold, which were trained on the table that is judged.
``left-out.csv`` and ``.md`` are over all tables, ``left-out-tasks.csv`` has the means over seeds,
with the fold of each task, and ``left-out-training.csv`` the losses of the trainings.

``--choice`` compares settings, one for each folder in ``runs/pfn-choice``, on tasks of two
folds: tasks that ``benchmarks/pfn.py`` does not judge, and other draws (``choice.csv``).
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
import torch
from markdown_table import markdown
from pfn import BASE, OWN, SCORES, SETS, compared, run
from pfn_tables import CHOSEN_ON, FOLDS, fold_of, tasks_of

from surrobench import make_predictor
from surrobench.predictors.pfn.network import HyperparameterNetwork
from surrobench.predictors.pfn.recipe import InContext
from surrobench.predictors.pfn.weights import FILE, read
from surrobench.predictors.protocol import Predictor

ON_TABLES, LONGER, SEEN = "pfn-tables", "pfn-longer", "pfn-seen"
SEEN_BY = {
    "cells of four nodes": "transformers",
    "other cells": "cells of four nodes",
    "transformers": "networks",
    "hyperparameters": "cells of four nodes",
    "networks": "other cells",
}
"""For each fold another one, whose weights were trained on its tables."""
ALLOWED = (BASE, OWN, LONGER, ON_TABLES)
LOG = ["step", "nll", "crps", "target_crps", "cpu_seconds"]
CHOICE_TASKS, CHOICE_SEEDS = 2, range(1000, 1004)


@dataclass(frozen=True)
class Trained(InContext):
    """The in-context predictor with other weights than those of the package.

    Args:
        transform: of the targets.
        file: that holds the weights.
    """

    file: Path = FILE

    def network(self) -> HyperparameterNetwork:
        """What reads the examples."""
        return _network(self.file)


@cache
def _network(file: Path) -> HyperparameterNetwork:
    return read(file)


def left_out(folder: Path, task: str) -> dict[str, Predictor]:
    """What is compared on a task; no weights but those of ``pfn-seen`` have met its space."""
    fold = fold_of(task.partition("/")[0])
    return {
        BASE: make_predictor(BASE),
        OWN: make_predictor(OWN),
        LONGER: Trained(file=weights_in(folder, "made-up")),
        ON_TABLES: Trained(file=weights_in(folder, fold)),
        SEEN: Trained(file=weights_in(folder, SEEN_BY[fold])),
    }


def weights_in(folder: Path, name: str) -> Path:
    """Where a training for a fold, or on ``made-up`` tables, leaves its weights."""
    return folder / name.replace(" ", "-") / "weights.npz"


def judge(results: Path, folder: Path) -> None:
    """All tasks of ``benchmarks/pfn.py``."""
    tasks = [task for of in SETS.values() for task in of]
    cells = run(results / "left-out-cells.csv", tasks, lambda task: left_out(folder, task))
    log = pd.concat(
        pd.read_csv(file, names=LOG).assign(left_out=file.parent.name)
        for file in sorted(folder.glob("*/log.csv"))
    )
    log.to_csv(results / "left-out-training.csv", index=False)
    means = cells.groupby(["task", "train_size", "predictor"])[list(SCORES)].mean().reset_index()
    means.insert(0, "table", means["task"].str.split("/").str[0])
    means.insert(0, "fold", means["table"].map(fold_of))
    means.to_csv(results / "left-out-tasks.csv", index=False, float_format="%.5g")
    rows = compared(cells, (*ALLOWED, SEEN), OWN).drop(columns="milliseconds")
    for column, score, larger in (("crps_rank", "log_crps", False), ("tau_rank", "tau", True)):
        ranks = _mean_ranks(means[means["predictor"].isin(ALLOWED)], score, larger=larger)
        rows[column] = [
            ranks.get((row.train_size, row.predictor), math.nan) for row in rows.itertuples()
        ]
    rows.to_csv(results / "left-out.csv", index=False, float_format="%.5g")
    (results / "left-out.md").write_text(table(rows), encoding="utf-8")
    print(table(rows))


def _mean_ranks(means: pd.DataFrame, score: str, *, larger: bool) -> dict[tuple[int, str], float]:
    """Mean rank over tables, by size and predictor; 1 is the best."""
    of = ["train_size", "table", "predictor"]
    by_table = means.groupby(of)[score].mean().unstack("predictor")
    ranks = by_table.rank(axis=1, ascending=not larger).groupby("train_size").mean().stack()
    return {key: float(rank) for key, rank in ranks.items()}


def table(rows: pd.DataFrame) -> str:
    """The comparison with ``pfn`` as a page shows it."""
    shown = pd.DataFrame(
        {
            "examples": rows["train_size"],
            "weights": [f"`{name}`" for name in rows["predictor"]],
            "CRPS, ratio to `pfn`": [
                "1"
                if row.predictor == OWN
                else f"{row.crps_ratio:.3f} ({row.crps_low:.3f}–{row.crps_high:.3f})"
                for row in rows.itertuples()
            ],
            "τ, difference": [
                "0"
                if row.predictor == OWN
                else f"{row.tau_gain:+.4f} ({row.tau_low:+.4f} to {row.tau_high:+.4f})"
                for row in rows.itertuples()
            ],
            "mean rank by CRPS, τ": [
                "–" if row.predictor == SEEN else f"{row.crps_rank:.2f}, {row.tau_rank:.2f}"
                for row in rows.itertuples()
            ],
            "90 % intervals cover": [f"{100 * share:.1f} %" for share in rows["coverage_90"]],
        }
    )
    return markdown(shown, {column: column for column in shown})


def choose(results: Path, folder: Path) -> None:
    """Settings on tasks that are not judged, of the fold that none of them has seen."""
    judged = {task for of in SETS.values() for task in of}
    tables = [table for fold in CHOSEN_ON for space in FOLDS[fold] for table in space]
    tasks = [
        task
        for table in tables
        for task in [task for task in tasks_of(table) if task not in judged][:CHOICE_TASKS]
    ]
    settings = sorted(path.name for path in folder.iterdir())

    def recipes(task: str) -> dict[str, Predictor]:
        fold = fold_of(task.partition("/")[0])
        own: dict[str, Predictor] = {OWN: make_predictor(OWN)}
        for setting in settings:
            file = weights_in(folder / setting, fold)
            at = file if file.exists() else weights_in(folder / setting, "made-up")
            own[setting] = Trained(file=at)
        return own

    cells = run(results / "choice-cells.csv", tasks, recipes, CHOICE_SEEDS)
    cells["fold"] = cells["task"].str.split("/").str[0].map(fold_of)
    of = {fold: cells[cells["fold"] == fold] for fold in CHOSEN_ON} | {"both": cells}
    rows = pd.concat(
        compared(own, (OWN, *settings), OWN).assign(fold=fold) for fold, own in of.items()
    ).drop(columns="milliseconds")
    rows.to_csv(results / "choice.csv", index=False, float_format="%.5g")
    shown = ["crps_ratio", "tau", "tau_gain", "coverage_90"]
    print(rows.groupby(["fold", "predictor"])[shown].mean())


def main() -> None:
    """Judge, or choose."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("folder", type=Path, help="of the trainings")
    parser.add_argument("--choice", action="store_true", help="compare settings on one fold")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.results.mkdir(parents=True, exist_ok=True)
    (choose if given.choice else judge)(given.results, given.folder)


if __name__ == "__main__":
    main()
