"""Quality against seconds: which methods nothing cheaper equals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surrobench.errors import UserError
from surrobench.report.common import escaping
from surrobench.report.common.style import (
    INK,
    MUTED,
    ONE_COLUMN,
    TWO_COLUMNS,
    MethodStyle,
    method_style,
    paper_style,
)
from surrobench.report.figures import panels
from surrobench.report.figures.legend import Legend
from surrobench.report.figures.log_axis import log_axis
from surrobench.report.figures.tags import tag


def pareto(
    board: pd.DataFrame,
    seconds: str = "seconds",
    *,
    styles: Mapping[str, MethodStyle] | None = None,
    width: float = ONE_COLUMN,
) -> Figure:
    """Elo against seconds; a line joins the methods that no other is better than in both.

    Args:
        board: ``method``, ``elo``, ``elo_low``, ``elo_high``, ``seconds`` and ``on_front``, as in
            :class:`~surrobench.report.comparing.board.Board`.
        seconds: what these are.
        styles: of the methods; by their names if they are not given.
        width: inches.

    Raises:
        UserError: if the seconds of fewer than two methods are known.
    """
    known = board[board["seconds"].notna() & board["elo"].notna()]
    if len(known) < 2:
        raise UserError("the seconds of fewer than two methods are known: there is no front.")
    methods = [str(name) for name in known["method"]]
    styles = styles or {method: method_style(method) for method in methods}
    with paper_style():
        legend = Legend.of(methods, 0, width)
        figure, [[axes]] = panels.panel_grid(1, width, 1, 2.3, False, legend.height)
        _front(axes, known[known["on_front"]])
        for _, row in known.iterrows():
            style = styles[str(row["method"])]
            if np.isfinite(row["elo_low"]):
                line = axes.vlines(
                    row["seconds"],
                    row["elo_low"],
                    row["elo_high"],
                    color=style.colour,
                    linewidth=0.7,
                )
                tag(axes, str(row["method"]), line)
            (dot,) = axes.plot(
                row["seconds"],
                row["elo"],
                style.marker,
                color=style.colour,
                markerfacecolor=style.face,
                markersize=5,
                zorder=3,
            )
            tag(axes, str(row["method"]), dot)
        names = escaping.names(methods)  # several methods may share a marker
        for name, (_, row) in zip(names, known.iterrows(), strict=True):
            if row["on_front"]:
                place: dict[str, Any] = {"xytext": (3, 3), "textcoords": "offset points"}
                tag(
                    axes,
                    str(row["method"]),
                    axes.annotate(name, (row["seconds"], row["elo"]), fontsize=5.5, **place),
                )
        axes.set_xscale("log")
        log_axis(axes.xaxis)
        axes.set(xlabel=seconds, ylabel="Elo")
        legend.draw(figure, dict(styles))
    return figure


def _front(axes: Axes, front: pd.DataFrame) -> None:
    """A staircase: up to the seconds of the next better method nothing is better."""
    ordered = front.sort_values("seconds")
    axes.step(ordered["seconds"], ordered["elo"], where="post", color=INK, linewidth=0.8, zorder=1)


def board_figure(
    board: pd.DataFrame,
    *,
    styles: Mapping[str, MethodStyle] | None = None,
    width: float = TWO_COLUMNS,
) -> Figure:
    """Elo with its intervals, win rate and improvability, a row a method, best first.

    Args:
        board: as :class:`~surrobench.report.comparing.board.Board` has it; improvability is left
            out if no method has one.
        styles: of the methods; by their names if they are not given.
        width: inches.

    Raises:
        UserError: for fewer than two methods.
    """
    if len(board) < 2:
        raise UserError("a board needs two methods that have all tasks.")
    methods = [str(name) for name in board["method"]]
    styles = styles or {method: method_style(method) for method in methods}
    columns = {"elo": ("Elo", 1.0), "win_rate": ("win rate (%)", 100.0)}
    if board["improvability"].notna().any():
        columns["improvability"] = ("improvability (%)", 100.0)
    with paper_style():
        height = 0.55 + panels.ROW * max(len(methods), 3)
        figure, [row] = panels.panel_grid(len(columns), width, len(columns), height)
        for axes, (column, (label, scale)) in zip(row, columns.items(), strict=True):
            axes.axvline(scale * board[column].iloc[0], color=MUTED, linewidth=0.8, zorder=1)
            for place, (_, values) in enumerate(board.iterrows()):
                style, method = styles[str(values["method"])], str(values["method"])
                if column == "elo" and np.isfinite(values["elo_low"]):
                    (bar,) = axes.plot(
                        [values["elo_low"], values["elo_high"]],
                        [place, place],
                        color=style.colour,
                        linewidth=1.1,
                    )
                    tag(axes, method, bar)
                (dot,) = axes.plot(
                    scale * values[column],
                    place,
                    style.marker,
                    color=style.colour,
                    markerfacecolor=style.face,
                    markersize=4,
                )
                tag(axes, method, dot)
            panels.method_rows(axes, methods, axes is row[0])
            axes.set(xlabel=label)
    return figure
