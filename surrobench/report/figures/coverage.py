"""Calibration: how often the truth lies inside the stated intervals, and how wide they are."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.report.common.measures import MEASURES
from surrobench.report.common.style import MUTED, TWO_COLUMNS, paper_style
from surrobench.report.figures import panels
from surrobench.report.results import Results

LEVELS = {50: ("#9ecae1", "o"), 90: ("#3182bd", "s"), 95: ("#08306b", "D")}
"""Nominal levels in percent with the colour and the marker that stand for them."""


def coverage(frame: pd.DataFrame | Results, size: int, *, width: float = TWO_COLUMNS) -> Figure:
    """Observed coverage of the 50, 90 and 95 % intervals of every method, beside its sharpness.

    One pair of panels a task that has intervals at this size. On the left, each marker should lie
    on the vertical line of its own level: left of it the method is overconfident, right of it too
    cautious. On the right, the mean predictive standard deviation: among calibrated methods the
    smaller is the better. Means over seeds; methods in the order of their calibration error.
    """
    results = Results.of(frame)
    methods = results.order(MEASURES["calibration_error"], size)
    observed = {level: results.means(MEASURES[f"coverage_{level}"], size) for level in LEVELS}
    sharpness = results.means(MEASURES["sharpness"], size)
    height = 0.62 + panels.ROW * max(len(methods), 3)
    with paper_style():
        tasks = panels.with_scores(observed[50])
        if not tasks:
            raise UserError(f"no interval is known with {counted(size, 'training example')}.")
        pairs = max(1, int((width - 1.2) / 1.75))
        figure, grid = _pairs(len(tasks), width, pairs, height)
        flat = [(pair, pair is row[0]) for row in grid for pair in row]
        titles = panels.titles(tasks, (width - 1.2) / len(grid[0]))
        for ((left, right), first), task, title in zip(flat, tasks, titles, strict=True):
            shares = {level: observed[level].loc[methods, task] for level in LEVELS}
            _coverage(left, shares)
            _sharpness(right, sharpness.loc[methods, task])
            panels.method_rows(left, methods, first)
            panels.method_rows(right, methods, False)
            left.set_title(title, loc="left")
        _legend(figure)
    return figure


def _pairs(
    count: int, width: float, most: int, height: float
) -> tuple[Figure, list[list[tuple[Axes, Axes]]]]:
    """A grid of panels, each a wide one with a narrow one to its right."""
    rows = -(-count // most)
    columns = -(-count // rows)
    figure = Figure(figsize=(width, rows * height + 0.2), layout="constrained")
    grid = figure.subplots(rows, 2 * columns, squeeze=False, width_ratios=[2.4, 1] * columns)
    pairs = [[(row[2 * i], row[2 * i + 1]) for i in range(columns)] for row in grid]
    while sum(map(len, pairs)) > count:
        for axes in pairs[-1].pop():
            axes.remove()
    return figure, pairs


def _coverage(axes: Axes, shares: dict[int, pd.Series]) -> None:
    places = range(len(shares[50]))
    table = pd.DataFrame(shares) * 100
    axes.hlines(places, table.min(axis=1), table.max(axis=1), color=MUTED, linewidth=0.8, zorder=1)
    for level, (colour, marker) in LEVELS.items():
        axes.axvline(level, color=colour, linewidth=0.9, zorder=1)
        axes.plot(table[level], places, marker, color=colour, markersize=3, zorder=3)
    lowest = min(40.0, float(table.min().min()) - 4)
    axes.set_xlim(max(lowest, -3), 103)
    axes.set_xticks([level for level in (0, 25, 50, 75, 90) if level > lowest])
    axes.set_xlabel("coverage (%)")


def _sharpness(axes: Axes, values: pd.Series) -> None:
    axes.barh(range(len(values)), values, height=0.55, color="#b9bfc6")
    axes.xaxis.set_major_locator(MaxNLocator(2, min_n_ticks=2))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlim(left=0)
    axes.set_xlabel("mean s.d.")


def _legend(figure: Figure) -> None:
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=3, linewidth=0.9)
        for colour, marker in LEVELS.values()
    ]
    labels = [f"{level} % interval" for level in LEVELS]
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
