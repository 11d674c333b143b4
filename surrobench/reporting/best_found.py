"""The best architectures of a search, or of a table, with their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.report.figures import Drawing

if TYPE_CHECKING:
    from surrobench.tasks.task import TableTask

_COSTS = ("params", "flops")


def best_architectures(task: TableTask, rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """The best architectures that a search trained in full, or without rows of one, of the table.

    Returns:
        ``number`` from 1, ``arch``, ``value`` (mean over trainings of the search), ``methods``
        that trained it (of ``of_methods``), and where the table knows them ``rank``, ``mean``,
        ``params`` and ``flops``; best first.

    Raises:
        UserError: if no run trained an architecture to the end.
    """
    if "strategy" in rows:
        table = _found(rows, count)
    else:
        best = np.argsort(-task.truth, kind="stable")[:count]
        archs = [task.space.to_string(tuple(task.archs[place].tolist())) for place in best]
        table = pd.DataFrame({"arch": archs, "value": task.truth[best]})
    table.insert(0, "number", range(1, len(table) + 1))
    places = [task.index.get(task.space.parse(arch)) for arch in table["arch"]]
    known = {"rank": _ranks(task, places), "mean": _looked_up(task.truth, places)}
    known |= {n: _looked_up(task.measured[n], places) for n in _COSTS if n in task.measured}
    return table.assign(**known)


def _found(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    rows = rows[rows["value"].notna() & (rows["arch"].astype(str) != "")]
    if "epochs" in rows and rows["epochs"].notna().any():
        rows = rows[rows["epochs"].isna() | (rows["epochs"] == rows["epochs"].max())]
    if rows.empty:
        raise UserError("no run of this task trained an architecture to the end.")
    rows = rows.assign(arch=rows["arch"].astype(str), strategy=rows["strategy"].astype(str))
    groups = rows.groupby("arch")
    table = groups.agg(value=("value", "mean"), methods=("strategy", "nunique"))
    table = table.sort_values("value", ascending=False, kind="stable").head(count)
    return table.reset_index().assign(of_methods=rows["strategy"].nunique())


def _ranks(task: TableTask, places: list[int | None]) -> list[float]:
    return [
        np.nan if place is None else float((task.truth > task.truth[place]).sum()) + 1
        for place in places
    ]


def _looked_up(values: np.ndarray, places: list[int | None]) -> list[float]:
    return [np.nan if place is None else float(values[place]) for place in places]


def drawings(task: TableTask, table: pd.DataFrame) -> list[Drawing]:
    """The architectures of :func:`best_architectures` with lines of text."""
    return [
        Drawing(
            task.space.graph(task.space.parse(str(row["arch"]))),
            f"no. {row['number']}",
            tuple(_lines(task, row)),
        )
        for _, row in table.iterrows()
    ]


def _lines(task: TableTask, row: pd.Series) -> list[str]:
    lines = [f"{row['value']:.2f} {task.unit}"]
    if pd.notna(row["rank"]):
        mean = f"; mean {row['mean']:.2f}" if "methods" in row else ""
        lines.append(f"rank {row['rank']:,.0f} of {len(task):,}{mean}")
    if "methods" in row:
        lines.append(f"found by {row['methods']} of {counted(row['of_methods'], 'method')}")
    lines += [f"{name} {_amount(row[name])}" for name in _COSTS if pd.notna(row.get(name))]
    return lines


def _amount(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
