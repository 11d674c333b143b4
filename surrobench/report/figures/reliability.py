"""Nominal against observed coverage: the reliability diagram of predictive intervals."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.report.common import escaping
from surrobench.report.common.measures import MEASURES
from surrobench.report.common.style import INK, TWO_COLUMNS, MethodStyle, paper_style
from surrobench.report.figures import panels
from surrobench.report.figures.legend import Legend, line_style
from surrobench.report.figures.tags import tag
from surrobench.report.results import Results

LEVELS = (50, 90, 95)


def reliability(
    frame: pd.DataFrame | Results,
    size: int,
    *,
    highlight: int | Sequence[str] = 8,
    width: float = TWO_COLUMNS,
) -> Figure:
    """Share of truths inside the central intervals against the level that they state.

    One panel a task that has intervals at this size; means over seeds. Below the diagonal a method
    is overconfident. The best calibrated methods of each family are drawn (``highlight`` in all, or
    those it names), without predictors of constants, whose intervals say nothing of a single
    architecture.

    Raises:
        UserError: if no coverage was recorded at this train size.
    """
    results = Results.of(frame)
    columns = [f"coverage_{level}" for level in LEVELS]
    if not results.has("calibration_error", *columns):
        raise UserError("the results hold no coverage of predictive intervals.")
    error = MEASURES["calibration_error"]
    if isinstance(highlight, int):
        order = results.order(error, size)
        order = [m for m in order if m not in results.constant_methods(always=True)]
        chosen = [m for m in panels.highlights(results, error, highlight + 1) if m in order]
    else:
        chosen = [method for method in highlight if method in results.methods]
    styles = panels.styles(results)
    shares = {level: results.means(MEASURES[f"coverage_{level}"], size) for level in LEVELS}
    with paper_style():
        legend = Legend.of(chosen, 0, width)
        tasks = panels.with_scores(shares[50])
        if not tasks:
            raise UserError(f"no interval is known with {counted(size, 'training example')}.")
        figure, grid = panels.panel_grid(
            len(tasks), width, max(1, int(width / 2.2)), 2.0, True, legend.height
        )
        for row in grid:
            row[0].set_ylabel("observed coverage (%)")
        for axes, task in zip([a for row in grid for a in row], tasks, strict=True):
            _panel(axes, shares, task, chosen, styles)
        legend.draw(figure, styles)
    return figure


def _panel(
    axes: Axes,
    shares: dict[int, pd.DataFrame],
    task: str,
    chosen: list[str],
    styles: dict[str, MethodStyle],
) -> None:
    axes.plot([45, 100], [45, 100], color=INK, linewidth=0.7, zorder=1)
    for method in chosen:
        values = [100 * shares[level].loc[[method], task].to_numpy()[0] for level in LEVELS]
        (line,) = axes.plot(LEVELS, values, **line_style(styles[method]))
        tag(axes, method, line)
    axes.set_xticks(LEVELS)
    axes.set_xlabel("nominal coverage (%)")
    axes.set_title(escaping.figure(task))
