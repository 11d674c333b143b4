"""All methods at one train size, best on top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.report.common.measures import find_measure
from surrobench.report.common.style import MUTED, TWO_COLUMNS, MethodStyle, paper_style
from surrobench.report.figures import panels
from surrobench.report.figures.tags import tag
from surrobench.report.results import Results

_FAR = 0.5
"""Of the span of the others."""


def ranking(
    frame: pd.DataFrame | Results,
    size: int,
    measure: str = "kendall_tau",
    *,
    width: float = TWO_COLUMNS,
) -> Figure:
    """Mean score of every method at one train size with its 95 % interval over seeds.

    One panel a task that has a result of this size; methods in the order of their mean relative
    rank over the tasks; a vertical line marks the best mean of the task. No interval is drawn where
    none holds. A predictor of constants that lies far from all others stands at the edge as a
    number, so that these stay apart.
    """
    results, score = Results.of(frame), find_measure(measure)
    methods = results.order(score, size)
    summary = results.summary(score)
    if not methods:
        raise UserError(f"no method has a result with {counted(size, 'training example')}.")
    styles, flat_ones = panels.styles(results), results.constant_methods(always=True)
    height = 0.62 + panels.ROW * max(len(methods), 3)
    with paper_style():
        tasks = panels.with_scores(results.means(score, size))
        columns = max(1, int((width - 1.3) / 1.3))
        figure, grid = panels.panel_grid(len(tasks), width, columns, height)
        flat = [(axes, axes is row[0]) for row in grid for axes in row]
        titles = panels.titles(tasks, (width - 1.3) / len(grid[0]))
        for (axes, first), task, title in zip(flat, tasks, titles, strict=True):
            rows = summary.reindex([(task, size, method) for method in methods])
            rows = rows.droplevel([0, 1])
            far = _far(rows, flat_ones)
            _draw(axes, rows, far, styles, score.larger_is_better)
            panels.method_rows(axes, methods, first)
            axes.set_xlabel(score.label)
            axes.set_title(title)
    return figure


def _far(rows: pd.DataFrame, flat: Sequence[str]) -> list[str]:
    """Predictors of constants that lie further from the others than these from each other."""
    others = rows.loc[~rows.index.isin(flat), ["mean", "low", "high"]].to_numpy(float)
    others = others[np.isfinite(others)]
    if not others.size:
        return []
    low, high = float(others.min()), float(others.max())
    return [
        method
        for method in flat
        if method in rows.index
        and max(low - rows["mean"][method], rows["mean"][method] - high) > _FAR * (high - low) > 0
    ]


def _at_the_edge(
    axes: Axes, rows: pd.DataFrame, far: list[str], styles: dict[str, MethodStyle]
) -> None:
    """The numbers of what lies outside the axis, where an arrow points at it."""
    for method in far:
        mean, place = float(rows["mean"][method]), list(rows.index).index(method)
        left = mean < rows["mean"].median()
        text = f"\u25c2 {mean:.2g}" if left else f"{mean:.2g} \u25b8"
        style: dict[str, Any] = {
            "color": styles[method].colour,
            "fontsize": 5.5,
            "va": "center",
        }
        style |= {"transform": axes.get_yaxis_transform(), "ha": "left" if left else "right"}
        tag(axes, method, axes.text(0.0 if left else 1.0, place, text, **style))


def _draw(
    axes: Axes,
    rows: pd.DataFrame,
    far: list[str],
    styles: dict[str, MethodStyle],
    larger_is_better: bool,
) -> None:
    means = rows["mean"].dropna()
    if means.empty:
        return
    best = means.max() if larger_is_better else means.min()
    axes.axvline(best, color=MUTED, linewidth=0.8, zorder=1)
    for place, (method, row) in enumerate(rows.iterrows()):
        style = styles[str(method)]
        if method in far:
            continue
        if pd.notna(row["low"]):
            ends = [row["low"], row["high"]]
            bar = axes.plot(ends, [place, place], color=style.colour, linewidth=1.1)
            tag(axes, str(method), *bar)
        dot = axes.plot(
            row["mean"],
            place,
            marker=style.marker,
            color=style.colour,
            markerfacecolor=style.face,
            markersize=4,
            linestyle="none",
        )
        tag(axes, str(method), *dot)
    _at_the_edge(axes, rows, far, styles)
