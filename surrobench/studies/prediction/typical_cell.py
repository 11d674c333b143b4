"""The cell that stands for a task where one alone is shown."""

from __future__ import annotations

import pandas as pd

from surrobench.base.wording import one_or_many
from surrobench.errors import UserError

MOST_TASKS = 2
"""The first so many tasks of a study have their typical cell shown."""
MOST_SECONDS = 10.0
"""Processor time of a cell that is computed again to be shown."""
_MOST_VALUES = 20
_METHOD = ["predictor", "transform", "encoding"]


def typical_cell(
    rows: pd.DataFrame,
    train_size: int | None = None,
    seed: int | None = None,
    seconds: float = float("inf"),
) -> pd.Series:
    """The row of the best method on average at a train size, with its median seed.

    Args:
        rows: results of one task.
        train_size: the largest if it is None.
        seed: this one, and not that of the median.
        seconds: cells that took more of the processor are left out.

    Raises:
        UserError: if there is none.
    """
    rows = rows[rows["status"] == "ok"] if len(rows) else rows
    if rows.empty:
        raise UserError("no cell with a result has this task and method.")
    for column, wanted in (("train_size", train_size), ("seed", seed)):
        if wanted is not None:
            rows = _picked(rows, column, wanted)
    if seconds < float("inf"):
        rows = rows[rows["cpu_seconds"] <= seconds] if "cpu_seconds" in rows else rows[:0]
    if rows.empty:
        raise UserError(f"every cell took more than {seconds:g} s of computing.")
    rows = rows[rows["train_size"] == rows["train_size"].max()].astype(dict.fromkeys(_METHOD, str))
    means = rows.groupby(_METHOD, sort=False)["kendall_tau"].mean()
    best = rows.set_index(_METHOD).loc[[means.idxmax()]].reset_index()
    ranked = best.sort_values(["kendall_tau", "seed"], kind="stable")
    return ranked.iloc[(len(ranked) - 1) // 2]


def _picked(rows: pd.DataFrame, column: str, wanted: int) -> pd.DataFrame:
    """The rows with this value; where there is none, it is said which there are."""
    picked = rows[rows[column] == wanted]
    if picked.empty:
        there = sorted(rows[column].unique())
        more = f" and {len(there) - _MOST_VALUES} more" if len(there) > _MOST_VALUES else ""
        listed = ", ".join(f"{value}" for value in there[:_MOST_VALUES])
        raise UserError(
            f"no cell with a result has the {column.replace('_', ' ')} {wanted}; there "
            f"{one_or_many(len(there), 'is', 'are')}: {listed}{more}."
        )
    return picked
