"""How a search proceeds: a score of every method against what was spent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surrobench.report import escaping
from surrobench.report.figures import panels
from surrobench.report.figures.legend import Legend, line_style
from surrobench.report.search.looks import Cast
from surrobench.report.search.results import SearchResults
from surrobench.report.search.scales import RegretScale, percent, staggered, time_unit
from surrobench.report.style import MUTED, TWO_COLUMNS, paper_style

BANDS = {
    "mean": ("mean_low", "mean_high"),
    "iqm": ("iqm_low", "iqm_high"),
    "median": ("q25", "q75"),
    "at_optimum": None,
}
"""Columns that can be drawn, with those that bound their bands."""
_NAMES = {"mean": "mean", "iqm": "interquartile mean", "median": "median"}


def against_expense(
    frame: pd.DataFrame | SearchResults,
    statistic: str = "mean",
    *,
    axis: str = "spent",
    cast: Cast | None = None,
    page: int = 0,
    width: float = TWO_COLUMNS,
) -> Figure:
    """A statistic over runs along the search, one panel a task.

    Args:
        frame: evaluations of a search.
        statistic: ``mean`` or ``iqm`` of the score with 95 % bootstrap bands, ``median`` with
            quartiles, or ``at_optimum``, the share of runs that have found the optimum.
        axis: ``spent`` (full trainings) or ``simulated_seconds``.
        cast: pages and looks of the methods, if they were chosen for more tasks than these.
        page: which page of methods is coloured; the others are grey.
        width: inches.
    """
    results = SearchResults.of(frame)
    cast = cast or Cast.of(results)
    tasks = [task for task in results.traces if axis == "spent" or _timed(results, task)]
    chosen = [m for m in cast.pages[page] if m in results.order]
    with paper_style():
        legend = Legend.of(chosen, len(results.order) - len(chosen), width)
        figure, grid = panels.panel_grid(
            len(tasks), width, max(1, int(width / 2.2)), 2.0, False, legend.height
        )
        flat = [(axes, axes is row[0]) for row in grid for axes in row]
        for (axes, first), task in zip(flat, tasks, strict=True):
            _panel(axes, results, task, statistic, axis, chosen, cast)
            axes.set_title(escaping.figure(task))
            if first:
                axes.set_ylabel(_label(results, task, statistic))
        legend.draw(figure, cast.looks)
    return figure


def _timed(results: SearchResults, task: str) -> bool:
    return results.traces[task].seconds_known


def _panel(
    axes: Axes,
    results: SearchResults,
    task: str,
    statistic: str,
    axis: str,
    chosen: Sequence[str],
    cast: Cast,
) -> None:
    table = results.curves(task, axis)
    unit, name = _x_unit(results, task, axis)
    limit = results.traces[task].budget if axis == "spent" else float(table[axis].max()) / unit
    columns = [statistic, *(BANDS[statistic] or ())]
    coloured = table.loc[table["method"].isin(list(chosen)), columns]
    regret = statistic != "at_optimum" and not results.measures[task].larger_is_better
    scale = RegretScale.of(table[statistic], coloured) if regret else None
    lines = dict(iter(table.groupby("method")))
    for method in [m for m in lines if m not in chosen]:
        own = lines[method]
        drawn = own[statistic] if scale is None else scale.clip(own[statistic])
        axes.plot(own[axis] / unit, drawn, color=MUTED, linewidth=0.6, zorder=1)
    present = [m for m in chosen if m in lines]
    for depth, method in enumerate(reversed(present)):
        _line(axes, lines[method], axis, unit, statistic, scale)
        line = axes.lines[-1]
        line.update({k: v for k, v in _style(cast, method).items()})
        line.set_zorder(3 + 0.01 * depth)
        line.set_markevery(staggered(len(lines[method]), depth, len(present)))
        _band(axes, lines[method], axis, unit, statistic, scale, cast.looks[method].colour)
    axes.set_xlabel(name)
    axes.set_xlim(0, limit * 1.01)
    if scale is not None:
        scale.apply(axes)
    elif statistic == "at_optimum":
        percent(axes)
