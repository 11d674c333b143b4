"""Figures of a run that need its tasks, or a cell computed again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from surrobench.cli.console import tell
from surrobench.errors import UserError
from surrobench.report.figures import (
    Drawing,
    architectures,
    learning_curves,
    predicted_against_true,
    proxies_against_truth,
)
from surrobench.studies.task_lookup import find_task
from surrobench.tasks import load_task

if TYPE_CHECKING:
    from surrobench.tasks.task import TableTask


@dataclass(frozen=True)
class Asked:
    """Which runs, which rows of their results, and what to show of them."""

    runs: list[Path]
    frame: pd.DataFrame
    train_size: int | None
    seed: int | None
    top: int
    width: float

    @property
    def rows(self) -> pd.DataFrame:
        """The rows of the first task."""
        return self.frame[self.frame["task"] == self.frame["task"].iloc[0]]

    @property
    def task(self) -> TableTask:
        """The first task of the rows.

        Raises:
            UserError: if it cannot be loaded, with the reason.
        """
        folders = [run if run.is_dir() else run.parent for run in self.runs]
        return load_task(*find_task(str(self.frame["task"].iloc[0]), folders))


def _predictions(asked: Asked) -> Figure:
    """Predicted against true values of one cell, which is computed again."""
    from surrobench.studies.cell_lookup import cell_of
    from surrobench.studies.prediction import predictions

    rows = asked.frame[asked.frame["status"] == "ok"]
    if asked.train_size is not None:
        rows = rows[rows["train_size"] == asked.train_size]
    if asked.seed is not None:
        rows = rows[rows["seed"] == asked.seed]
    if rows.empty:
        raise UserError("no cell with a result has this task, method, train size and seed.")
    largest = rows[rows["train_size"] == rows["train_size"].max()]
    ranked = largest.sort_values("kendall_tau", ascending=False, kind="stable")
    cell = cell_of(asked.runs, {str(name): ranked.iloc[0][name] for name in ranked})
    title = f"{cell.task}\n{cell.predictor}, {cell.train_size:,} examples, seed {cell.seed}"
    tell(f"Computing {cell.method()} on {cell.task} again.", style="dim")
    table = pd.DataFrame(predictions(cell))
    return predicted_against_true(table, top=asked.top, title=title, width=asked.width)


def _proxies(asked: Asked) -> Figure:
    """Measured columns of the (first) task against its values."""
    task = asked.task
    columns = pd.DataFrame({**task.measured, "truth": task.truth})
    return proxies_against_truth(columns, title=task.name, width=asked.width)


def _architectures(asked: Asked) -> Figure:
    """The best architectures that the runs of a search found, drawn with their numbers."""
    task = asked.task
    drawings = []
    best = _best(asked.rows, asked.top)
    for number, (text, value, methods) in enumerate(best, start=1):
        arch = task.space.parse(text)
        place = task.index.get(arch)
        lines = [f"{value:.2f} {task.unit}", f"found by {methods}"]
        if place is not None:
            rank = int((task.truth > task.truth[place]).sum()) + 1
            lines.insert(1, f"rank {rank:,} of {len(task):,}; mean {task.truth[place]:.2f}")
            lines += [
                f"{name} {task.measured[name][place]:,.5g}"
                for name in ("params", "flops")
                if name in task.measured
            ]
        drawings.append(Drawing(task.space.graph(arch), f"no. {number}", tuple(lines)))
    return architectures(drawings, width=asked.width)


def _best(frame: pd.DataFrame, count: int) -> list[tuple[str, float, str]]:
    """Architecture, best value and how many runs of how many methods trained it."""
    rows = frame[frame["value"].notna() & (frame["arch"].astype(str) != "")]
    if "epochs" in rows and rows["epochs"].notna().any():
        rows = rows[rows["epochs"].isna() | (rows["epochs"] == rows["epochs"].max())]
    if rows.empty:
        raise UserError("no run of this task trained an architecture to the end.")
    rows = rows.assign(arch=rows["arch"].astype(str), strategy=rows["strategy"].astype(str))
    groups = rows.groupby("arch")
    table = groups.agg(value=("value", "mean"), methods=("strategy", "nunique"))
    table = table.sort_values("value", ascending=False, kind="stable").head(count)
    total = rows["strategy"].nunique()
    return [
        (str(arch), float(row["value"]), f"{int(row['methods'])} of {total} methods")
        for arch, row in table.iterrows()
    ]


def _learning(asked: Asked) -> Figure:
    """Values of the best architectures of a search after each known number of epochs."""
    task = asked.task
    if len(task.fidelities) < 2:
        raise UserError(f"{task.name} keeps no values during training.")
    rows = []
    for text, _, _ in _best(asked.rows, asked.top):
        place = task.index.get(task.space.parse(text))
        for run, curve in enumerate(task.values[place] if place is not None else ()):
            for epoch, value in zip(task.fidelities, curve, strict=True):
                rows.append((text, f"value ({task.unit})", epoch, value, run))
    table = pd.DataFrame(rows, columns=["name", "metric", "epoch", "value", "seed"])
    return learning_curves(table, width=asked.width)


Recomputed = Callable[[Asked], Figure]
PREDICTION_RECOMPUTED: dict[str, Recomputed] = {"predictions": _predictions, "proxies": _proxies}
SEARCH_RECOMPUTED: dict[str, Recomputed] = {
    "architectures": _architectures,
    "learning-curves": _learning,
    "proxies": _proxies,
}
