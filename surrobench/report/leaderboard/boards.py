"""The boards of a leaderboard: Elo, win rate and improvability, a table counting once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from surrobench.report.common.escaping import one_line
from surrobench.report.common.measures import Measure
from surrobench.report.comparing.board import Board, board_of
from surrobench.report.comparing.boards import notes_of
from surrobench.report.leaderboard.standings import AXES, compared
from surrobench.report.page.document import Item
from surrobench.report.page.grid import Cell, Grid, Head
from surrobench.report.results import Results
from surrobench.report.search.results import SearchResults


def prediction_boards(results: Results, at: float) -> Iterator[Item]:
    """By the first respect that was recorded, at one training size."""
    for axis in AXES:
        if results.has(axis.measure.column):
            means = results.means(axis.measure, int(at)).T
            means = means.drop(index=results.repeated, errors="ignore")
            yield from _items("prediction", means, axis.measure, f"with {at:,.6g} examples")
            return


def search_boards(results: SearchResults, at: float) -> Iterator[Item]:
    """By every measure that has this budget."""
    for part in results.by_measure():
        if part.traces and int(at) in part.budgets:
            where = f"after {at:,.6g} trainings"
            yield from _items("search", part.means(int(at)).T, part.measure, where)


def _items(kind: str, means: pd.DataFrame, measure: Measure, where: str) -> Iterator[Item]:
    known = means.where(np.isfinite(means)).dropna(axis=1, how="all").dropna(how="all")
    block = compared(known)
    if block.empty or block.shape[1] < 2:  # no rows: no two methods have a task in common
        return
    board = board_of(block, measure, by_table=True)
    title = f"Board: {measure.label} {where}"
    anchor = f"{kind}-board-{measure.column}"
    yield Item(anchor, title, notes_of(board), anchor, grid=_grid(board, title))


def _grid(board: Board, title: str) -> Grid:
    heads = [Head("method"), Head("Elo")]
    if board.has_intervals:
        heads += [Head("low"), Head("high")]
    heads += [Head("win rate (%)"), Head("improvability (%)"), Head("mean rank")]
    rows = []
    for _, row in board.table.iterrows():
        cells = [Cell(one_line(row["method"])), _number(row["elo"], 0)]
        if board.has_intervals:
            cells += [_number(row["elo_low"], 0), _number(row["elo_high"], 0)]
        cells += [_number(100 * row["win_rate"], 1), _number(100 * row["improvability"], 1)]
        rows.append([*cells, _number(row["mean_rank"], 1)])
    return Grid(title, heads, rows)


def _number(value: float, decimals: int) -> Cell:
    return Cell(f"{value:.{decimals}f}", value) if np.isfinite(value) else Cell("–")
