"""How a search proceeds: a score of every method against what was spent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surrobench.arrays import FloatArray
from surrobench.report.common import escaping
from surrobench.report.common.style import MUTED, TWO_COLUMNS, MethodStyle, paper_style
from surrobench.report.figures import panels
from surrobench.report.figures.legend import Legend, line_style
from surrobench.report.figures.tags import tag
from surrobench.report.search.method_styles import SearchStyles
from surrobench.report.search.results import SearchResults
from surrobench.report.search.scales import RegretScale, percent, staggered, time_unit

BANDS = {
    "mean": ("mean_low", "mean_high"),
    "iqm": ("iqm_low", "iqm_high"),
    "median": ("q25", "q75"),
    "found_optimum": None,
}
"""Columns that can be drawn, with those that bound their bands."""
MOST_BANDS = 3
"""Quartiles of many methods cover each other, so that only those of the best are drawn."""
_STEPS = "steps-post"
_HEIGHT = 2.0
_PLOT = _HEIGHT - 0.5
"""Inches of a panel, with and without its title and what stands below."""
_NAMES = {"mean": "mean", "iqm": "interquartile mean", "median": "median"}


def against_expense(
    frame: pd.DataFrame | SearchResults,
    statistic: str = "mean",
    *,
    axis: str = "spent",
    paged: SearchStyles | None = None,
    page: int = 0,
    width: float = TWO_COLUMNS,
) -> Figure:
    """A statistic over runs along the search, one panel a task.

    Args:
        frame: evaluations of a search.
        statistic: ``mean`` or ``iqm`` of the score with 95 % bootstrap bands (none where none
            holds), ``median`` with the quartiles of the best :data:`MOST_BANDS`, or
            ``found_optimum``, the share of runs that have found the optimum.
        axis: ``spent`` (full trainings) or ``simulated_seconds``.
        paged: pages and styles of the methods, if they were chosen for more tasks than these.
        page: which page of methods is coloured; the others are grey.
        width: inches.
    """
    results = SearchResults.of(frame)
    paged = paged or SearchStyles.of(results)
    tasks = [t for t in results.traces if axis == "spent" or results.traces[t].seconds_known]
    chosen = [method for method in paged.pages[page] if method in results.order]
    with paper_style():
        legend = Legend.of(chosen, len(results.order) - len(chosen), width)
        figure, grid = panels.panel_grid(
            len(tasks), width, max(1, int(width / 2.2)), _HEIGHT, False, legend.height
        )
        flat = [(axes, axes is row[0]) for row in grid for axes in row]
        judged = len({results.label(task) for task in tasks}) > 1
        for (axes, first), task in zip(flat, tasks, strict=True):
            _draw(axes, results, task, statistic, axis, paged, page)
            axes.set_title(escaping.figure(task))
            if first or judged:
                axes.set_ylabel(_label(results, task, statistic))
        legend.draw(figure, paged.styles)
    return figure


@dataclass(frozen=True)
class _Panel:
    """One task: how the numbers of a curve become places in its panel."""

    axes: Axes
    statistic: str
    axis: str
    unit: float
    scale: RegretScale | None

    def grey(self, line: pd.DataFrame) -> None:
        """A line that gives context only."""
        x, y = self._places(line, self.statistic)
        grey = self.axes.plot(x, y, color=MUTED, linewidth=0.6, drawstyle=_STEPS, zorder=1)
        tag(self.axes, str(line["method"].iloc[0]), *grey)

    def coloured(
        self, line: pd.DataFrame, method_style: MethodStyle, place: int, lines: int
    ) -> None:
        """A line with its band; the first places lie on top."""
        x, y = self._places(line, self.statistic)
        marks = staggered(len(line), place, lines)
        style = {**line_style(method_style), "drawstyle": _STEPS, "markevery": marks}
        method = str(line["method"].iloc[0])
        tag(self.axes, method, *self.axes.plot(x, y, zorder=4 - 0.01 * place, **style))
        bounds = BANDS[self.statistic]
        if bounds and (self.statistic != "median" or place < MOST_BANDS):
            (_, low), (_, high) = (self._places(line, bound) for bound in bounds)
            styles: dict[str, Any] = {
                "color": method_style.colour,
                "step": "post",
                "alpha": 0.1,
                "lw": 0,
            }
            tag(self.axes, method, self.axes.fill_between(x, low, high, **styles))

    def _places(self, line: pd.DataFrame, column: str) -> tuple[FloatArray, FloatArray]:
        values = line[column].to_numpy()
        x = line[self.axis].to_numpy() / self.unit
        return x, values if self.scale is None else self.scale.clip(values)


def _draw(
    axes: Axes,
    results: SearchResults,
    task: str,
    statistic: str,
    axis: str,
    paged: SearchStyles,
    page: int,
) -> None:
    table = results.curves(task, axis)
    lines = {str(method): line for method, line in table.groupby("method")}
    chosen = [method for method in paged.pages[page] if method in lines]
    scale = _scale(results, task, statistic, table, chosen)
    most = float(table[axis].max()) if len(table) else 1.0
    unit, name = (1.0, "full trainings") if axis == "spent" else time_unit(most)
    panel = _Panel(axes, statistic, axis, unit, scale)
    for method in [method for method in lines if method not in chosen]:
        panel.grey(lines[method])
    for place, method in enumerate(chosen):
        panel.coloured(lines[method], paged.styles[method], place, len(chosen))
    plain = axis == "spent" and bool(results.traces[task].runs["single_fidelity"].all())
    axes.set_xlabel("evaluations" if plain else name if axis == "spent" else f"training ({name})")
    axes.set_xlim(0, most / unit * 1.01)
    if scale is not None:
        scale.apply(axes)
    elif statistic == "found_optimum":
        percent(axes)


def _scale(
    results: SearchResults, task: str, statistic: str, table: pd.DataFrame, chosen: list[str]
) -> RegretScale | None:
    """Of regrets; None for shares and hypervolumes, which are drawn as they are."""
    if statistic == "found_optimum" or results.measures[task].larger_is_better:
        return None
    columns = [statistic, *(BANDS[statistic] or ())]
    return RegretScale.of(table[statistic], table.loc[table["method"].isin(chosen), columns])


def _label(results: SearchResults, task: str, statistic: str) -> str:
    if statistic == "found_optimum":
        return panels.two_lines("runs that found the optimum (%)", _PLOT)
    unit = results.unit(task)
    # The judge gets a line of its own: a panel is hardly as high as the whole name is long.
    name, judge = results.measures[task].label, results.label(task)
    told = judge.removeprefix(name).strip()
    text = f"{_NAMES[statistic]} {name}" + (f" ({escaping.figure(unit, 16)})" if unit else "")
    return f"{text}\n{told}" if told else panels.two_lines(text, _PLOT)
