"""Scores over all tasks and seeds together: performance profiles and aggregates.

Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice", NeurIPS
2021. For scores that are on one scale on all tasks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surrobench.errors import UserError
from surrobench.report.common.style import (
    MUTED,
    ONE_COLUMN,
    TWO_COLUMNS,
    MethodStyle,
    method_style,
    paper_style,
)
from surrobench.report.figures import panels
from surrobench.report.figures.legend import Legend, line_style
from surrobench.report.figures.tags import tag

POINTS = 201
Tables = Mapping[str, pd.DataFrame]


def profiles(tables: Tables, methods: Sequence[str]) -> pd.DataFrame:
    """Share of runs whose score reaches each threshold, averaged over tasks.

    Args:
        tables: of each task, seeds × methods.
        methods: that every task has.

    Returns:
        ``method``, ``threshold`` and ``share``. There are no limits: near 0 and 1, where most
        thresholds of few tasks lie, none that was tried keeps its level.
    """
    values = np.concatenate([table[list(methods)].to_numpy().ravel() for table in tables.values()])
    values = values[np.isfinite(values)]
    grid = np.linspace(values.min(), values.max(), POINTS)
    return pd.concat([_profile(tables, method, grid) for method in methods], ignore_index=True)


def _profile(tables: Tables, method: str, grid: np.ndarray) -> pd.DataFrame:
    strata = [table[method].dropna().to_numpy()[:, None] >= grid for table in tables.values()]
    share = np.mean([stratum.mean(axis=0) for stratum in strata], axis=0)
    return pd.DataFrame({"method": method, "threshold": grid, "share": share})


def performance_profile(
    tables: Tables,
    label: str,
    methods: Sequence[str],
    *,
    styles: Mapping[str, MethodStyle] | None = None,
    width: float = ONE_COLUMN,
) -> Figure:
    """Share of runs whose score reaches a threshold; the higher the better.

    Args:
        tables: of each task, seeds × methods; larger is better.
        label: what the scores are.
        methods: to draw, of those that every task has.
        styles: of the methods; by their names if they are not given.
        width: inches.
    """
    styles = styles or {method: method_style(method) for method in methods}
    lines = profiles(tables, methods)
    with paper_style():
        legend = Legend.of(list(methods), 0, width)
        figure, [[axes]] = panels.panel_grid(1, width, 1, 2.1, False, legend.height)
        for place, method in enumerate(methods):
            line = lines[lines["method"] == method]
            style = {**line_style(styles[method]), "markevery": (10 + 5 * place % 40, 40)}
            (curve,) = axes.plot(line["threshold"], line["share"], **style)
            tag(axes, method, curve)
        axes.set(xlabel=f"threshold of {label}")
        axes.set_ylabel("share of runs at least as good")
        axes.set_ylim(0, 1.02)
        legend.draw(figure, dict(styles))
    return figure


def aggregates(
    table: pd.DataFrame,
    label: str,
    *,
    styles: Mapping[str, MethodStyle] | None = None,
    width: float = TWO_COLUMNS,
) -> Figure:
    """Interquartile mean and mean over all tasks and seeds, with 95 % intervals.

    Args:
        table: ``method``, ``iqm``, ``mean`` and their ``_low`` and ``_high``, as
            :meth:`~surrobench.report.comparing.scores.Scores.aggregates` makes them.
        label: what the scores are.
        styles: of the methods; by their names if they are not given.
        width: inches.

    Raises:
        UserError: if the table is empty.
    """
    if table.empty:
        raise UserError("no method has a score on every task: there is nothing to aggregate.")
    methods = list(table["method"])
    styles = styles or {method: method_style(method) for method in methods}
    with paper_style():
        height = 0.55 + panels.ROW * max(len(methods), 3)
        figure, [row] = panels.panel_grid(2, width, 2, height)
        titles = {"iqm": "interquartile mean", "mean": "mean"}
        for axes, (column, title) in zip(row, titles.items(), strict=True):
            _intervals(axes, table, column, styles)
            panels.method_rows(axes, methods, axes is row[0])
            axes.set(xlabel=f"{title} of {label}")
    return figure


def _intervals(
    axes: Axes, table: pd.DataFrame, column: str, styles: Mapping[str, MethodStyle]
) -> None:
    axes.axvline(table[column].iloc[0], color=MUTED, linewidth=0.8, zorder=1)
    columns = ["method", column, f"{column}_low", f"{column}_high"]
    for place, (method, value, low, high) in enumerate(table[columns].itertuples(index=False)):
        style = styles[method]
        if np.isfinite(low):
            (bar,) = axes.plot([low, high], [place, place], color=style.colour, linewidth=1.1)
            tag(axes, method, bar)
        (dot,) = axes.plot(
            value, place, style.marker, color=style.colour, markerfacecolor=style.face, markersize=4
        )
        tag(axes, method, dot)
