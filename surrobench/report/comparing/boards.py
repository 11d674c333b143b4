"""The board as exhibits: a table, its figure, and quality against seconds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from surrobench.base.wording import counted
from surrobench.report.common import escaping
from surrobench.report.common.cells import (
    HTML,
    LATEX,
    LATEX_COMMANDS,
    MARKDOWN,
    MARKUPS,
    Markup,
    number,
)
from surrobench.report.common.exhibit import Exhibit
from surrobench.report.comparing.board import LEAST_BLOCKS, Board
from surrobench.report.comparing.scores import Scores
from surrobench.report.figures.pareto import board_figure, pareto
from surrobench.report.tables import float_tex, html_table, markdown_table


def boards(scores: Scores) -> Iterator[Exhibit]:
    """Table and figures; nothing for fewer than two methods that have all tasks."""
    board = scores.board
    if len(board.table) < 2:
        return
    yield board_table(scores)
    data = board.table
    caption = (
        f"Elo, win rate and improvability by {scores.measure.label} {scores.where}: {_said(board)}"
    )
    figure = board_figure(data, styles=scores.styles)
    yield Exhibit(f"{scores.stem}-board{scores.suffix}-figure", caption, data, figure)
    if data["seconds"].notna().sum() > 1:
        caption = (
            f"Quality against seconds: Elo by {scores.measure.label} {scores.where} against "
            f"{scores.seconds_of} (geometric mean over tasks). The line joins the methods that no "
            "other is better than in both."
        )
        figure = pareto(data, scores.seconds_of, styles=scores.styles)
        yield Exhibit(f"{scores.stem}-pareto{scores.suffix}", caption, data, figure)


def board_table(scores: Scores) -> Exhibit:
    """The board as a table to read, in the order of Elo."""
    board = scores.board
    caption = f"Board by {scores.measure.label} {scores.where}."
    notes = notes_of(board)
    name = f"{scores.stem}-board{scores.suffix}"
    cells = {markup: cells_of(board, markup) for markup in MARKUPS}
    full = f"{caption} {notes}"
    tex = cells[LATEX].reset_index(names="method")
    return Exhibit(
        name,
        caption,
        board.table,
        tex=LATEX_COMMANDS + float_tex(tex, 1, escaping.latex(full), name),
        markdown=f"{escaping.markdown(full)}\n\n{markdown_table(cells[MARKDOWN])}",
        html=html_table(cells[HTML]),
        notes=notes,
    )


def notes_of(board: Board) -> str:
    """What the columns mean, for what the board holds."""
    text = (
        f"Elo: Bradley and Terry's model of who beats whom over {_over(board)} (ties half; 400 "
        "points are odds of ten to one; the mean of the methods is 1000; every pair has one more "
        f"tie, of a weight of two in {counted(len(board.table), 'method')}, so that whoever always "
        "wins stays finite)"
    )
    text += (
        f", with 95 % intervals for other {board.what.partition(' ')[0]} (bootstrap)"
        if board.has_intervals
        else f"; no interval, for which it takes {LEAST_BLOCKS} tables, or seeds of one task"
    )
    text += "; win rate: share of comparisons won"
    if board.table["improvability"].notna().any():
        text += (
            "; improvability: by which share its error would shrink if it were that of the best of "
            "the task (TabArena, arXiv:2506.16791), mean over tasks"
        )
    text += "; rank: mean over the same (1 is best)."
    if board.left_out:
        text += f" Left out for want of a score: {', '.join(board.left_out)}."
    return text


def _over(board: Board) -> str:
    blocks = int(board.table["blocks"].iloc[0])
    noun, _, where = board.what.partition(" ")
    return f"{counted(blocks, noun.removesuffix('s'))} {where}".strip()


def _said(board: Board) -> str:
    with_intervals = ", Elo with 95 % intervals (bootstrap)" if board.has_intervals else ""
    return f"over {_over(board)}, best first{with_intervals}."


def cells_of(board: Board, markup: Markup) -> pd.DataFrame:
    """Cells of the board in some markup; columns without a number are left out."""
    table = board.table
    cells = pd.DataFrame({"Elo": table["elo"].map(lambda v: number(v, 0))})
    if board.has_intervals:
        ends = zip(table["elo_low"], table["elo_high"], strict=True)
        cells["95 %"] = [f"{number(low, 0)} to {number(high, 0)}" for low, high in ends]
    cells["win rate (%)"] = (100 * table["win_rate"]).map(lambda v: number(v, 1))
    if table["improvability"].notna().any():
        cells["improvability (%)"] = (100 * table["improvability"]).map(lambda v: number(v, 1))
    cells["rank"] = table["mean_rank"].map(lambda v: number(v, 1))
    if table["seconds"].notna().any():
        front = table["on_front"]
        text = [_seconds(value) for value in table["seconds"]]
        marked = zip(text, front, strict=True)
        cells["seconds"] = [markup.bold.format(t) if best else t for t, best in marked]
    cells.columns = pd.Index([markup.text(name) for name in cells])
    cells.index = pd.Index([markup.text(method) for method in table["method"]], name="method")
    return cells.replace("–", "--") if markup is LATEX else cells


def _seconds(value: float) -> str:
    return "–" if not np.isfinite(value) else f"{value:.2g}" if value < 100 else f"{value:,.0f}"
