"""The fronts that methods attained, beside the true one. Larger is better on both axes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surrobench.arrays import FloatArray
from surrobench.report.common import escaping
from surrobench.report.common.style import INK, MUTED, TWO_COLUMNS, paper_style
from surrobench.report.figures import panels
from surrobench.report.figures.legend import Legend, line_style
from surrobench.report.figures.tags import tag
from surrobench.report.search.fronts import attained
from surrobench.report.search.method_styles import SearchStyles
from surrobench.report.search.results import SearchResults

_WHISKER = 3.0


def fronts_of(results: SearchResults) -> dict[str, pd.DataFrame]:
    """:func:`~surrobench.report.search.fronts.attained` for each task with two objectives."""
    return {
        task: attained(traces, pair)
        for task, traces in results.traces.items()
        if (pair := results.fronts.pair(traces.rows)) is not None
    }


def draw_fronts(
    frame: pd.DataFrame | SearchResults,
    *,
    paged: SearchStyles | None = None,
    width: float = TWO_COLUMNS,
) -> Figure:
    """Fronts of the median runs of the methods on the first page, one panel a task.

    The line is the border of what a front dominates. The true front is drawn where it is known.
    Points far below the others in one objective are left outside the axes, and each method's
    hypervolume stands beside its name.
    """
    results = SearchResults.of(frame)
    paged, tables = paged or SearchStyles.of(results), fronts_of(results)
    chosen = [method for method in paged.pages[0] if method in results.order]
    with paper_style():
        legend = Legend.of(chosen, 0, width)
        figure, grid = panels.panel_grid(
            len(tables), width, max(1, int(width / 2.2)), 2.2, False, legend.height
        )
        flat = [axes for row in grid for axes in row]
        for axes, (task, table) in zip(flat, tables.items(), strict=True):
            first, second = str(table.columns[2]), str(table.columns[3])
            true = results.fronts.points(task, (first, second))
            _true(axes, true)
            for place, method in enumerate(m for m in chosen if m in set(table["method"])):
                own = table.loc[table["method"] == method, [first, second]].to_numpy(float)
                style = line_style(paged.styles[method]) | {
                    "linewidth": 0.8,
                    "markersize": 3.2,
                }
                style |= {"drawstyle": "steps-pre", "zorder": 4 - 0.01 * place}
                tag(axes, method, *axes.plot(*own.T, **style))
            _focus(axes, np.concatenate([true, table[[first, second]].to_numpy(float)]))
            _scores(axes, table, chosen, results)
            axes.set_title(escaping.figure(task))
            axes.set_xlabel(escaping.figure(_plain(first)))
            axes.set_ylabel(escaping.figure(_plain(second)))
        legend.draw(figure, paged.styles)
    return figure


def _true(axes: Axes, points: FloatArray) -> None:
    if len(points):
        x, y = points[:, 0], points[:, 1]
        axes.fill_between(x, y, y.min(), step="pre", color=MUTED, alpha=0.25, linewidth=0)
        axes.plot(x, y, color=INK, drawstyle="steps-pre", linewidth=0.9, zorder=2)
        axes.plot(x, y, ".", color=INK, markersize=2.5, zorder=2)


def _focus(axes: Axes, points: FloatArray) -> None:
    """Leave out what lies far below the quartiles, as a box plot's whiskers do."""
    axes.set_xlim(_limits(points[:, 0]))
    axes.set_ylim(_limits(points[:, 1]))


def _limits(values: FloatArray) -> tuple[float, float] | None:
    """Ends of an axis; None, which leaves it as it is, where all values are one."""
    low, high = np.percentile(values, [25.0, 75.0])
    kept = values[values >= low - _WHISKER * (high - low)]
    least, most = float(kept.min()), float(kept.max())
    margin = 0.05 * (most - least)
    return (least - margin, most + margin) if margin > 0 else None


def _scores(axes: Axes, table: pd.DataFrame, chosen: list[str], results: SearchResults) -> None:
    """The hypervolumes of the fronts that are drawn, in the corner that fronts leave free."""
    scores = table.groupby("method")["score"].first()
    lines = [f"{method}  {scores[method]:.3f}" for method in chosen if method in scores]
    text = "\n".join(escaping.figure(line) for line in (results.measure.label, *lines))
    axes.text(
        0.03, 0.03, text, transform=axes.transAxes, fontsize=5, va="bottom", color=INK, zorder=5
    )


def _plain(column: str) -> str:
    """The name of an objective without the prefix of its column."""
    for mark in ("objective_", "objectives_", "objective:", "objectives:"):
        column = column.removeprefix(mark)
    return column
