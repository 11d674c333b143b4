"""One curve per method for all tasks: the share of targets reached by a given expense.

The targets of a task are regrets, equally spaced on a logarithmic axis from what runs typically
have after their first evaluation to the smallest that any run was left with, and the optimum
itself (Hansen et al., "COCO: performance assessment", 2016).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from surrobench.arrays import FloatArray
from surrobench.report.common.style import MUTED, ONE_COLUMN, paper_style
from surrobench.report.figures import panels
from surrobench.report.figures.legend import Legend, line_style
from surrobench.report.figures.tags import tag
from surrobench.report.search.method_styles import SearchStyles
from surrobench.report.search.results import SearchResults
from surrobench.report.search.scales import DEEPEST, percent, staggered
from surrobench.report.search.traces import TOLERANCE, Traces

TARGETS = 50


def profile(results: SearchResults) -> pd.DataFrame:
    """Mean share of targets reached, positions (full trainings) × methods, best method first.

    Runs of a method are averaged, then tasks; methods that lack a task are left out. Positions go
    up to the smallest budget of a task.
    """
    traces = list(results.traces.values())
    if not traces:
        return pd.DataFrame()
    positions = min(traces, key=lambda trace: trace.budget).positions
    shares = [_shares(trace, positions) for trace in traces]
    common = [m for m in results.order if all(m in share.columns for share in shares)]
    mean = np.mean([share[common].to_numpy() for share in shares], axis=0)
    table = pd.DataFrame(mean, index=pd.Index(positions, name="spent"), columns=common)
    return table[table.mean().sort_values(ascending=False, kind="stable").index]


def _shares(traces: Traces, positions: FloatArray) -> pd.DataFrame:
    gaps = np.maximum(traces.gap(traces.scores(traces.before(positions))[0]), 0.0)
    targets = _targets(gaps)
    reached = 1 - np.searchsorted(targets, gaps * (1 - TOLERANCE)) / targets.size
    means = pd.DataFrame(reached).groupby(traces.runs["method"].to_numpy()).mean()
    return pd.DataFrame(means.to_numpy().T, index=positions, columns=means.index)


def _targets(gaps: FloatArray) -> FloatArray:
    """Ascending, the optimum first."""
    start, left = float(np.median(gaps[:, 0])), gaps[:, -1]
    if not start > 0:
        return np.array([TOLERANCE])
    positive = left[left > TOLERANCE]
    least = max(float(positive.min()) if positive.size else 0.0, start * DEEPEST)
    steps = np.geomspace(min(least, start), start, TARGETS)
    return np.concatenate([[TOLERANCE * min(1.0, steps[0])], steps])


def draw_profile(
    frame: pd.DataFrame | SearchResults,
    *,
    paged: SearchStyles | None = None,
    width: float = ONE_COLUMN,
) -> Figure:
    """Share of targets reached against full trainings; one panel for all tasks together."""
    results = SearchResults.of(frame)
    paged, table = paged or SearchStyles.of(results), profile(results)
    chosen = [method for method in table if method in paged.pages[0]]
    with paper_style():
        legend = Legend.of(chosen, table.shape[1] - len(chosen), width)
        figure, [[axes]] = panels.panel_grid(1, width, 1, 2.2, False, legend.height)
        others = [method for method in table if method not in chosen]
        axes.plot(table.index, table[others], color=MUTED, linewidth=0.6, zorder=1)
        for place, method in enumerate(chosen):
            marks = staggered(len(table), place, len(chosen))
            style = {**line_style(paged.styles[method]), "markevery": marks}
            line = axes.plot(table.index, table[method], zorder=4 - 0.01 * place, **style)
            tag(axes, method, *line)
        axes.set_xlim(0, float(table.index.max()) * 1.01)
        axes.set_xlabel("full trainings")
        axes.set_ylabel("targets reached (%)")
        percent(axes)
        legend.draw(figure, paged.styles)
    return figure
