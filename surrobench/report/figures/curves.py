"""A score against the number of training examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surrobench.report.common import escaping
from surrobench.report.common.measures import find_measure
from surrobench.report.common.style import MUTED, TWO_COLUMNS, MethodStyle, paper_style
from surrobench.report.figures import panels
from surrobench.report.figures.legend import Legend, line_style
from surrobench.report.figures.tags import tag
from surrobench.report.results import Results, at


def against_train_size(
    frame: pd.DataFrame | Results,
    measure: str = "kendall_tau",
    *,
    highlight: int | Sequence[str] = 8,
    width: float = TWO_COLUMNS,
) -> Figure:
    """Mean score against train size, one panel a task, with 95 % bands over seeds.

    There is no band where no interval of the mean holds, as with one seed. With many
    methods the best of each family and the best overall (``highlight`` in all, or the methods
    that it names) are coloured and the others are grey. A predictor of constants may
    lie below the y axis.
    """
    results, score = Results.of(frame), find_measure(measure)
    if isinstance(highlight, int):
        highlight = panels.highlights(results, score, highlight)
    chosen = [method for method in highlight if method in results.methods]
    styles = panels.styles(results)
    summary = results.summary(score)
    with paper_style():
        legend = Legend.of(chosen, len(results.methods) - len(chosen), width)
        figure, grid = panels.panel_grid(
            len(results.tasks), width, max(1, int(width / 2.2)), 2.0, score.unitless, legend.height
        )
        for row in grid:
            row[0].set_ylabel(score.label)
        flat = [axes for row in grid for axes in row]
        for axes, task in zip(flat, results.tasks, strict=True):
            here = at(summary, "task", task).dropna(subset=["mean"])
            _draw(axes, here, chosen, styles)
            panels.size_axis(axes, results.sizes)
            axes.set_title(escaping.figure(task))
        if score.unitless:
            _limit(flat[0], summary, chosen, results.constant_methods(always=True))
        legend.draw(figure, styles)
    return figure


def _draw(
    axes: Axes, summary: pd.DataFrame, chosen: list[str], styles: dict[str, MethodStyle]
) -> None:
    """Lines of one task: the others in grey below, the best on top."""
    present = summary.index.get_level_values("method").unique()
    for method in [m for m in present if m not in chosen]:
        line = at(summary, "method", method).sort_index()
        marker = "." if len(line) == 1 else None
        grey: dict[str, Any] = {"color": MUTED, "linewidth": 0.8, "marker": marker, "zorder": 1}
        tag(axes, str(method), *axes.plot(line.index, line["mean"], **grey))
    for depth, method in enumerate(m for m in reversed(chosen) if m in present):
        line, style = at(summary, "method", method).sort_index(), styles[method]
        shown = axes.plot(line.index, line["mean"], zorder=3 + 0.01 * depth, **line_style(style))
        if len(line) == 1:
            sides = [line["mean"] - line["low"], line["high"] - line["mean"]]
            bar = axes.errorbar(line.index, line["mean"], sides, color=style.colour, linewidth=0.8)
            tag(axes, method, *bar.get_children())
        band = line.dropna()
        fill = axes.fill_between(
            band.index, band["low"], band["high"], color=style.colour, alpha=0.16, linewidth=0
        )
        tag(axes, method, *shown, fill)


def _limit(axes: Axes, summary: pd.DataFrame, chosen: list[str], flat: list[str]) -> None:
    """Fit the y axis to bands in colour and lines in grey, but for ``flat`` lines far below."""
    method = summary.index.get_level_values("method")
    coloured = summary.loc[method.isin(chosen), ["mean", "low", "high"]].to_numpy()
    grey = summary.loc[~method.isin(flat), "mean"].to_numpy()
    values = np.concatenate([coloured.ravel(), grey])
    values = values[np.isfinite(values)]
    if values.size and np.ptp(values) > 0:
        margin = 0.04 * float(np.ptp(values))
        axes.set_ylim(values.min() - margin, values.max() + margin)
