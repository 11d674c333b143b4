"""Standings as tables: a score card over all respects, and one table for each of them."""

from __future__ import annotations

import math

import pandas as pd

from surrobench.report.common import escaping
from surrobench.report.common.escaping import one_line
from surrobench.report.page.grid import Cell, Grid, Head, number
from surrobench.report.tables import markdown_table

SHADES = 8


def focus(standings: pd.DataFrame) -> dict[str, float]:
    """Of each kind, the size or budget that most pairs of tasks and methods have; the largest."""
    pairs = standings.assign(pairs=standings["tasks"] * standings["methods"])
    most = pairs.groupby(["kind", "at"])["pairs"].max().reset_index()
    best = most.sort_values(["pairs", "at"]).groupby("kind").last()
    return {str(kind): float(at) for kind, at in best["at"].items()}


def scorecard(standings: pd.DataFrame, at: float) -> Grid:
    """Mean ranks of methods in all respects at one size or budget, best of the first in front.

    Methods that no respect ranks are left out; :func:`unranked` names them.
    """
    here = standings[(standings["at"] == at) & ~standings["method"].isin(unranked(standings, at))]
    axes = list(here["axis"].unique())
    methods = _order(here[here["axis"] == axes[0]], list(here["method"].unique()))
    rows = {(row["axis"], row["method"]): row for _, row in here.iterrows()}
    heads = [Head("method"), *[Head(one_line(axis)) for axis in axes]]
    body = [
        [Cell(one_line(method)), *[_rank(rows.get((axis, method)), True) for axis in axes]]
        for method in methods
    ]
    return Grid("Mean ranks in every respect", heads, body)


def unranked(standings: pd.DataFrame, at: float) -> list[str]:
    """Methods that have too few tasks for a rank at this size or budget."""
    here = standings[standings["at"] == at]
    ranked = here.groupby("method", sort=False)["mean_rank"].count()
    none = [str(method) for method in ranked.index[ranked == 0]]
    return none if len(none) < len(ranked) else []


def axis_table(standings: pd.DataFrame, what: str) -> Grid:
    """Mean ranks of methods (rows) in one respect at every size or budget.

    Args:
        standings: of one respect.
        what: the size or budget is, such as ``n``.
    """
    places = sorted(standings["at"].unique())
    rows = {(row["at"], row["method"]): row for _, row in standings.iterrows()}
    last = standings[standings["at"] == focus(standings)[str(standings["kind"].iloc[0])]]
    methods = _order(last, list(standings["method"].unique()))
    tasks = standings.groupby("at")["tasks"].first()
    heads = [Head("method")]
    for at in places:
        count = int(tasks[at])
        heads.append(Head(f"{what} = {at:,.6g} ({count} task{'' if count == 1 else 's'})"))
    shown = f"{last['at'].iloc[0]:,.6g}"
    heads.append(Head(f"median score at {what} = {shown}"))
    medians = last.set_index("method")["median"]
    body = []
    for method in methods:
        cells = [_rank(rows.get((at, method)), False) for at in places]
        median = number(float(medians.get(method, math.nan)), 3)
        body.append([Cell(one_line(method)), *cells, median])
    return Grid("Mean ranks over tasks", heads, body)


def markdown(grid: Grid) -> str:
    """A grid as a pipe table."""
    heads = [escaping.markdown(head.text) for head in grid.heads]
    rows = [[_markdown(cell) for cell in row] for row in grid.rows]
    frame = pd.DataFrame([row[1:] for row in rows], columns=heads[1:])
    frame.index = pd.Index([row[0] for row in rows], name=heads[0])
    return markdown_table(frame)


def _markdown(cell: Cell) -> str:
    text = escaping.markdown(cell.text)
    return (f"**{text}**" if cell.strong else text) + cell.marks


def _order(here: pd.DataFrame, methods: list[str]) -> list[str]:
    """Methods by mean rank, those without one last."""
    ranks = here.set_index("method")["mean_rank"].to_dict()
    known = {name: rank for name, rank in ranks.items() if not math.isnan(rank)}
    return sorted(methods, key=lambda name: known.get(name, math.inf))


def _rank(row: pd.Series | None, shaded: bool) -> Cell:
    if row is None or math.isnan(row["mean_rank"]):
        return Cell("–")
    share = (row["mean_rank"] - 1) / max(1, row["methods"] - 1)
    css = f"shade{min(SHADES - 1, int((1 - share) * SHADES))}" if shaded else ""
    rank = float(row["mean_rank"])
    marks = ("≈" if row["not_worse"] else "") + ("°" if row["pairwise_not_worse"] else "")
    return Cell(f"{rank:.1f}", rank, bool(row["best"]), marks, css=css)
