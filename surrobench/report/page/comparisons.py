"""Comparisons as tables of a page: methods × tasks with means, intervals and marks."""

from __future__ import annotations

import math

import pandas as pd

from surrobench.report.common.cells import mean_and_half
from surrobench.report.common.escaping import one_line
from surrobench.report.page.grid import Cell, Grid, Head, number

_NEEDED = {"task", "method", "mean", "low", "high", "best", "not_worse", "incomplete", "seeds"}


def is_comparison(data: pd.DataFrame) -> bool:
    """Whether the rows compare methods with the best of each task, once for every pair."""
    return set(data) >= _NEEDED and not data.duplicated(["task", "method"]).any()


def comparison_grid(data: pd.DataFrame, label: str) -> Grid:
    """Methods × tasks, in the order of their mean ranks (of their order if there are none)."""
    tasks = [str(task) for task in data["task"].unique()]
    rows = {(str(row["task"]), str(row["method"])): row for _, row in data.iterrows()}
    ranks = _ranks(data) if len(tasks) > 1 else {}
    methods = [str(method) for method in data["method"].unique()]
    if ranks:
        methods.sort(key=lambda name: ranks.get(name, math.inf))
    else:
        behind = data["mean"] - data["task"].map(data[data["best"]].groupby("task")["mean"].first())
        gaps = behind.abs().groupby(data["method"]).mean().fillna(math.inf)
        methods.sort(key=lambda name: float(gaps[name]))
    heads = [Head("method"), *[Head(one_line(task)) for task in tasks]]
    body = []
    for method in methods:
        cells = [Cell(one_line(method)), *[_cell(rows.get((task, method))) for task in tasks]]
        if ranks:
            cells.append(number(round(ranks.get(method, math.nan), 1)))
        body.append(cells)
    return Grid(label, [*heads, Head("mean rank")] if ranks else heads, body)


def _ranks(data: pd.DataFrame) -> dict[str, float]:
    """Mean ranks by method, where they are known."""
    if "mean_rank" not in data:
        return {}
    known = data.dropna(subset=["mean_rank"]).groupby("method")["mean_rank"].first()
    return {str(method): float(rank) for method, rank in known.items()}


def _cell(row: pd.Series | None) -> Cell:
    if row is None or not row["seeds"] > 0:
        return Cell("–")
    mean, half = mean_and_half(row, 3)
    marks = ("≈" if row["not_worse"] else "") + ("?" if row.get("untested") else "")
    marks += "†" if row["incomplete"] else ""
    return Cell(mean, float(row["mean"]), bool(row["best"]), marks, half)
