"""All methods at one train size, best on top."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surrobench.report import escaping
from surrobench.report.figures import panels
from surrobench.report.figures.tags import tag
from surrobench.report.measures import find_measure
from surrobench.report.results import Results
from surrobench.report.style import MUTED, TWO_COLUMNS, Look, paper_style


def ranking(
    frame: pd.DataFrame | Results,
    size: int,
    measure: str = "kendall_tau",
    *,
    width: float = TWO_COLUMNS,
) -> Figure:
    """Mean score of every method at one train size with its 95 % interval over seeds.

    One panel a task; methods in the order of their mean relative rank over the tasks; a vertical
    line marks the best mean of the task. None is drawn where none holds.
    """
    results, score = Results.of(frame), find_measure(measure)
    methods = results.order(score, size)
    summary = results.summary(score)
    looks = panels.looks(results)
    height = 0.62 + panels.ROW * max(len(methods), 3)
    with paper_style():
        columns = max(1, int((width - 1.3) / 1.3))
        figure, grid = panels.panel_grid(len(results.tasks), width, columns, height)
        flat = [(axes, axes is row[0]) for row in grid for axes in row]
        for (axes, first), task in zip(flat, results.tasks, strict=True):
            rows = summary.reindex([(task, size, method) for method in methods])
            _draw(axes, rows.droplevel([0, 1]), looks, score.larger_is_better)
            panels.method_rows(axes, methods, first)
            axes.set_xlabel(score.label)
            axes.set_title(escaping.figure(task, 26))
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, looks: dict[str, Look], larger_is_better: bool) -> None:
    means = rows["mean"].dropna()
    if means.empty:
        return
    best = means.max() if larger_is_better else means.min()
    axes.axvline(best, color=MUTED, linewidth=0.8, zorder=1)
    for place, (method, row) in enumerate(rows.iterrows()):
        style = looks[str(method)]
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
