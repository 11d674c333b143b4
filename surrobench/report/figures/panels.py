"""What the figures share: grids of panels, rows of methods, and the looks of methods."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from surrobench.report.common import escaping
from surrobench.report.common.measures import Measure
from surrobench.report.common.style import MethodStyle, method_style
from surrobench.report.results import Results

_LETTER = 0.062
"""Inches of a letter of a title."""
ROW = 0.135
"""Height in inches of one method in figures that list methods as rows."""


def styles(results: Results) -> dict[str, MethodStyle]:
    """The look of every method; the encoding counts where methods are told apart by it."""
    return {
        method: method_style(predictor, transform, encoding if " · " in method else "")
        for method, predictor, transform, encoding in results.identities.itertuples()
    }


def highlights(results: Results, measure: Measure, count: int = 8) -> list[str]:
    """Methods to draw in colour: the best of every family, then the best of the rest.

    All of them if there are hardly more than ``count``. Judged at the largest train size that
    most methods have; best first.
    """
    order = results.order(measure, results.focus_sizes(measure)[0])
    order += [method for method in results.methods if method not in order]
    if len(order) <= count + 2:
        return order
    families = {method: item.family for method, item in styles(results).items()}
    leaders = {families[method]: method for method in reversed(order)}
    chosen = [method for method in order if leaders[families[method]] == method][:count]
    chosen += [method for method in order if method not in chosen][: count - len(chosen)]
    return [method for method in order if method in chosen]


def panel_grid(
    count: int,
    width: float,
    most_columns: int,
    panel_height: float,
    share_y: bool = False,
    below: float = 0.0,
    *,
    share_rows: bool = False,
) -> tuple[Figure, list[list[Axes]]]:
    """A figure with ``count`` panels, returned row by row; unneeded places stay empty.

    Sizes are in inches; ``below`` is the room for a legend. With ``share_rows`` the second panel of
    each row has the y axis of the first.
    """
    rows = math.ceil(count / most_columns)
    columns = math.ceil(count / rows)
    figure = Figure(figsize=(width, rows * panel_height + below), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=share_y)
    panels = [list(row) for row in grid]
    for row in panels if share_rows else []:
        row[1].sharey(row[0])
        row[1].tick_params(axis="y", labelleft=False)
    while sum(map(len, panels)) > count:
        panels[-1].pop().remove()
    return figure, panels


def with_scores(means: pd.DataFrame) -> list[str]:
    """Tasks for which any method has a number (all, if there is none): the others would be empty.

    Args:
        means: methods × tasks.
    """
    known = [str(task) for task in means if np.isfinite(means[task].to_numpy(float)).any()]
    return known or [str(task) for task in means]


def titles(names: Sequence[str], inches: float) -> list[str]:
    """Names as titles of panels that are so wide, short enough to leave each other alone."""
    return escaping.names(names, max(12, int(inches / _LETTER)))


def method_rows(axes: Axes, methods: Sequence[str], named: bool) -> None:
    """Turn the y axis into one row for each method, the first on top."""
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.set_yticks(range(len(methods)))
    axes.set_yticklabels(escaping.names(methods))
    axes.tick_params(axis="y", length=0, labelleft=named)
    axes.spines["left"].set_visible(False)


def size_axis(axes: Axes, sizes: Sequence[int]) -> None:
    """A logarithmic x axis with ticks at the train sizes, thinned where they would collide."""
    axes.set_xlabel("training examples")
    low, high = min(sizes), max(sizes)
    if low < 1:  # a zero-shot predictor learns from nothing; a linear axis can show that
        return
    axes.set_xscale("log")
    span = math.log(high / low) or 1.0
    axes.set_xlim(low * math.exp(-0.06 * span), high * math.exp(0.06 * span))
    shown = [low]
    for size in sizes:
        if math.log(size / shown[-1]) > 0.09 * span:
            shown.append(size)
    axes.set_xticks(shown, [f"{size:,}" for size in shown])
    axes.xaxis.set_minor_locator(NullLocator())


def legend_columns(labels: Sequence[str], width: float) -> int:
    """How many legend columns with such labels, each as wide as its longest, fit that width."""
    for columns in range(len(labels), 1, -1):
        parts = np.array_split(np.array([len(label) for label in labels]), columns)
        if sum(0.45 + 0.052 * int(part.max()) for part in parts) <= width - 0.1:
            return columns
    return 1


def two_lines(text: str, height: float) -> str:
    """The name of a y axis, broken near its middle if it is longer than its panel is high."""
    spaces = [place for place, letter in enumerate(text) if letter == " "]
    if 0.05 * len(text) <= height or not spaces or "\n" in text:
        return text
    middle = min(spaces, key=lambda place: abs(place - len(text) / 2))
    return text[:middle] + "\n" + text[middle + 1 :]
