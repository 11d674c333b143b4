"""A score against initialisation and query time, and who wins within which limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from surrobench.errors import UserError
from surrobench.report.common import escaping
from surrobench.report.common.measures import find_measure
from surrobench.report.common.style import MUTED, TWO_COLUMNS, MethodStyle, paper_style
from surrobench.report.costs import costs, winners
from surrobench.report.figures import panels
from surrobench.report.figures.legend import Legend, line_style
from surrobench.report.figures.log_axis import log_axis
from surrobench.report.figures.tags import tag
from surrobench.report.results import Results

_WIDE = 4.5
"""Inches from which three panels stand side by side."""
_LETTERS = 0.024
_LINES = 0.075
"""Shares of a map that a letter and a line of a name in it take."""
_LEAST_DEPTH = 0.06


def three_axes(
    frame: pd.DataFrame | Results,
    measure: str = "kendall_tau",
    *,
    highlight: int | Sequence[str] = 8,
    width: float = TWO_COLUMNS,
) -> Figure:
    """The comparison of White et al. (NeurIPS 2021), one row of panels a task.

    Left: mean score against the seconds of initialisation (training the examples, where the task
    states it, and fitting); a line joins the train sizes of a method. Middle: against the seconds
    that one query takes. Right: the method with the best mean score among those that keep both
    limits; nothing can be afforded where it is white. In one column they stand below each other.
    Hatching stands for a hollow marker, dots for a dashed line. Predictors of constants are left
    out.

    Raises:
        UserError: if no cell has a score and both times.
    """
    results, score = Results.of(frame), find_measure(measure)
    table = costs(results, score)
    if table.empty:
        raise UserError("no cell has a score with its fit and query times.")
    if isinstance(highlight, int):
        highlight = panels.highlights(results, score, highlight)
    styles = panels.styles(results)
    tasks = [task for task in results.tasks if task in set(table["task"])]
    maps = {t: winners(table[table["task"] == t], score.larger_is_better) for t in tasks}
    best = _ever(maps)
    chosen = [m for m in results.methods if m in {*highlight, *best}]
    with paper_style():
        legend = Legend.of(chosen, len(results.methods) - len(chosen), width)
        wide = width > _WIDE
        figure, grid = panels.panel_grid(
            3 * len(tasks), width, 3 if wide else 1, 1.9, below=legend.height, share_rows=wide
        )
        flat = [axes for row in grid for axes in row]
        for place, task in enumerate(tasks):
            left, middle, right = flat[3 * place : 3 * place + 3]
            here = table[table["task"] == task]
            what = "training and fitting (s)" if here["trained"].all() else "fitting (s)"
            _lines(left, here, "initialisation", chosen, styles)
            _lines(middle, here, "query", chosen, styles)
            _map(right, maps[task], styles)
            left.set(xlabel=what, ylabel=score.label)
            middle.set(xlabel="query of one architecture (s)", ylabel="" if wide else score.label)
            right.set(xlabel=what, ylabel="query (s)")
            left.set_title(escaping.figure(task), loc="left")
            right.set_title("best within both limits", loc="left")
        legend.draw(figure, styles)
    return figure


def _ever(maps: dict[str, pd.DataFrame]) -> list[str]:
    names = pd.unique(np.concatenate([grid.to_numpy().ravel() for grid in maps.values()]))
    return [str(name) for name in names if name]


def _lines(
    axes: Axes,
    table: pd.DataFrame,
    column: str,
    chosen: list[str],
    styles: dict[str, MethodStyle],
) -> None:
    for method, rows in table.groupby("method", sort=False):
        name, line = str(method), rows.sort_values("train_size")
        style: dict[str, Any] = {"color": MUTED, "linewidth": 0.7, "zorder": 1}
        if name in chosen:
            style = {**line_style(styles[name]), "zorder": 3, "linewidth": 0.9}
        if column == "query":  # train sizes hardly change it: points say more than lines
            style |= {"linestyle": "none", "marker": style.get("marker", ".")}
        (artist,) = axes.plot(line[column], line["score"], **style)
        tag(axes, name, artist)
    axes.set_xscale("log")
    log_axis(axes.xaxis)


def _map(axes: Axes, grid: pd.DataFrame, styles: dict[str, MethodStyle]) -> None:
    cells = grid.to_numpy()
    with mpl.rc_context({"hatch.linewidth": 0.6, "hatch.color": "white"}):
        for name in _ever({"": grid}):
            inside = (cells == name).astype(float).T
            axes.contourf(
                grid.index,
                grid.columns,
                inside,
                levels=[0.5, 1.5],
                colors=[styles[name].colour],
                hatches=[_hatch(styles[name])],
            )
            tag(axes, name, axes.collections[-1])
    _labels(axes, grid, styles)
    axes.set(xscale="log", yscale="log")
    log_axis(axes.xaxis)
    log_axis(axes.yaxis)
    axes.grid(False)


def _labels(axes: Axes, grid: pd.DataFrame, styles: dict[str, MethodStyle]) -> None:
    """The names of methods where their regions are widest, if there is room for them."""
    places = sorted((_deepest(grid, name) for name in _ever({"": grid})), reverse=True)
    taken: list[tuple[float, float, float, float]] = []
    for depth, name, row, column in places:
        if depth < _LEAST_DEPTH:
            continue
        lines = [escaping.figure(part, 24) for part in name.split("+")]
        half, tall = 0.5 * _LETTERS * max(map(len, lines)), 0.5 * _LINES * len(lines)
        x = min(max(row, half), 1 - half)
        if any(abs(x - a) < half + b and abs(column - c) < tall + d for a, b, c, d in taken):
            continue
        taken.append((x, half, column, tall))
        text = axes.text(
            _at(grid.index, x),
            _at(grid.columns, column),
            "\n+".join(lines),
            fontsize=4.5,
            color="white",
            ha="center",
            va="center",
        )
        text.set_path_effects([Stroke(linewidth=2.2, foreground=styles[name].colour), Normal()])
        tag(axes, name, text)


def _deepest(grid: pd.DataFrame, name: str) -> tuple[float, str, float, float]:
    """How wide the region of a method is at its widest, and where that is, as shares of a map."""
    inside = np.pad((grid == name).to_numpy(), 1)
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(inside)[1:-1, 1:-1]
    row, column = divmod(int(depth.argmax()), depth.shape[1])
    return depth.max() / len(grid), name, row / len(grid), column / grid.shape[1]


def _at(values: pd.Index, share: float) -> float:
    return float(values[min(round(share * len(values)), len(values) - 1)])


def _hatch(method_style: MethodStyle) -> str:
    """Methods that share a colour differ by their hatching, as lines do by marker and dash."""
    return ("////" if method_style.hollow else "") + (
        "...." if method_style.dash != "solid" else ""
    )
