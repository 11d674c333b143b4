"""Exhibits of a run that need its tasks, or a cell computed again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.report.common.exhibit import Exhibit
from surrobench.report.figures import (
    architectures,
    learning_curves,
    predicted_against_true,
    proxies_against_truth,
)
from surrobench.report.figures.learning import LEAST_OF_A_CURVE
from surrobench.report.figures.proxies import proxy_correlations
from surrobench.report.figures.trainings import from_trainings
from surrobench.reporting.best_found import best_architectures, drawings
from surrobench.reporting.lookup import cell_of, find_task, folders_of
from surrobench.studies.prediction.kept_predictions import read_predictions
from surrobench.studies.prediction.typical_cell import typical_cell
from surrobench.tasks import load_task

if TYPE_CHECKING:
    from surrobench.tasks.task import TableTask


@dataclass(frozen=True)
class Asked:
    """One task, the rows of results that belong to it, and what to show of them.

    Attributes:
        name: of the task, as the results have it or as a study names it.
        runs: where the rows come from; the study files in there say where cards are.
        rows: of this task; none if only the task itself is asked about.
        train_size: of a cell; the largest if it is None.
        seed: of a cell; the one whose score is the median if it is None.
        top: how many architectures to draw or to mark.
        width: inches.
        seconds: cells that took longer are not computed again.
    """

    name: str
    runs: list[Path]
    rows: pd.DataFrame
    train_size: int | None = None
    seed: int | None = None
    top: int = 8
    width: float = 6.75
    seconds: float = float("inf")

    @cached_property
    def task(self) -> TableTask:
        """The task.

        Raises:
            UserError: if it cannot be loaded, with the reason.
        """
        return load_task(*find_task(self.name, folders_of(self.runs)))


def _predictions(asked: Asked) -> Exhibit:
    """Predicted against true values of one cell, which the run has kept or is computed again."""
    rows = asked.rows
    cell = typical_cell(rows, asked.train_size, asked.seed, asked.seconds)
    kept = read_predictions(folders_of(asked.runs), str(cell["key"])) if "key" in cell else None
    table = _computed(asked, cell) if kept is None else kept
    examples, seed = counted(cell["train_size"], "example"), cell["seed"]
    title = f"{cell['task']}\n{cell['predictor']}, {examples}, seed {seed}"
    how = "seed" if asked.seed is not None else "seed with the median Kendall τ"
    caption = (
        f"Predicted against true values of the {counted(len(table), 'test architecture')} of "
        f"{asked.name}: {cell['predictor']} [{cell['encoding']}] after "
        f"{counted(cell['train_size'], 'training example')} ({how}, {seed}). Marked "
        f"are the {asked.top} best predicted, with their 95 % intervals, and the {asked.top} best."
    )
    figure = predicted_against_true(table, top=asked.top, title=title, width=asked.width)
    return Exhibit("predictions", caption, table, figure)


def _computed(asked: Asked, row: pd.Series) -> pd.DataFrame:
    """The predictions of the cell of a row of results."""
    from surrobench.studies.prediction.cell import predictions

    return pd.DataFrame(predictions(cell_of(asked.runs, {str(n): v for n, v in row.items()})))


def _proxies(asked: Asked) -> Exhibit:
    """Measured columns of the task against its values."""
    task = asked.task
    columns = pd.DataFrame({**task.measured, "truth": task.truth})
    caption = (
        f"Label-free measures of {task.name} against its values: Kendall τ over all "
        f"{counted(len(task), 'architecture')} and over the best tenth of them."
    )
    figure = proxies_against_truth(columns, title=task.name, width=asked.width)
    return Exhibit("proxies", caption, proxy_correlations(columns), figure)


def _architectures(asked: Asked) -> Exhibit:
    """The best architectures, drawn with their numbers."""
    task = asked.task
    table = best_architectures(task, asked.rows, asked.top)
    what = "that any run found" if len(asked.rows) else "of the table"
    caption = f"The {counted(len(table), 'best architecture')} of {task.name} {what}."
    operations = [choice for decision in task.space.variables for choice in decision.choices]
    figure = architectures(drawings(task, table), operations=operations, width=asked.width)
    return Exhibit("architectures", caption, table, figure)


def _learning(asked: Asked) -> Exhibit:
    """What was recorded of the best architectures after each known number of epochs."""
    task = asked.task
    if len(task.fidelities) < 2:
        raise UserError(f"{task.name} keeps no values during training.")
    best = best_architectures(task, asked.rows, asked.top)
    frames = []
    for number, arch in zip(best["number"], best["arch"], strict=True):
        place = task.index.get(task.space.parse(arch))
        if place is not None:
            frames.append(_curves(task, place).assign(name=f"no. {number}", arch=arch))
    table = pd.concat(frames, ignore_index=True)
    epochs = sorted(table["epoch"].unique())
    few = len(epochs) < LEAST_OF_A_CURVE
    what = f"Values after {' and '.join(map(str, epochs))} epochs" if few else "Learning curves"
    caption = f"{what} of the {counted(len(best), 'best architecture')} of {task.name}"
    several = table["seed"].nunique() > 1
    caption += ": means over trainings ± one standard deviation between them." if several else "."
    if few:
        caption += " The table keeps no others: points, not curves."
    return Exhibit("learning-curves", caption, table, learning_curves(table, width=asked.width))


def _curves(task: TableTask, place: int) -> pd.DataFrame:
    """Long curves of one architecture: all that the card names, or else the values themselves."""
    recorded = {name: values[place] for name, values in task.curves.items()}
    recorded = recorded or {f"value ({task.unit})": task.values[place]}
    seeds, epochs = next(iter(recorded.values())).shape
    frame = pd.DataFrame(
        {
            "name": "",
            "seed": [seed for seed in range(seeds) for _ in range(epochs)],
            "epoch": list(task.fidelities) * seeds,
            **{name: values.ravel() for name, values in recorded.items()},
        }
    )
    return from_trainings(frame)


Recomputed = Callable[[Asked], Exhibit]
TASK_PLOTS: dict[str, Recomputed] = {
    "proxies": _proxies,
    "architectures": _architectures,
    "learning-curves": _learning,
}
"""What needs no run, only a task."""
PREDICTION_RECOMPUTED: dict[str, Recomputed] = {"predictions": _predictions, **TASK_PLOTS}
SEARCH_RECOMPUTED: dict[str, Recomputed] = TASK_PLOTS
