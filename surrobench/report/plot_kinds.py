"""Which kinds of figures some results support, of those that can be asked for by name."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from surrobench.errors import UserError
from surrobench.report.comparing.scores import Scores
from surrobench.report.costs import costs
from surrobench.report.pipeline.results import PipelineResults
from surrobench.report.plots import AnyResults
from surrobench.report.results import Results
from surrobench.report.search.final import final_scores
from surrobench.report.search.front_panels import fronts_of
from surrobench.report.search.results import SearchResults

_BANDS = ("coverage_50", "coverage_90", "coverage_95", "calibration_error", "sharpness")


def plot_kinds(results: AnyResults, measure: str | None = None) -> list[str]:
    """The kinds that :func:`~surrobench.report.plots.draw` can draw of these results.

    Args:
        results: of any kind of study.
        measure: the column of scores that is asked for (prediction studies).
    """
    if isinstance(results, SearchResults):
        return list(_of_searches(results)) if results.traces else []
    if isinstance(results, PipelineResults):
        return [] if results.rows.empty else ["picks", "predicted"]
    return list(_of_predictions(results, measure))


def _of_predictions(results: Results, asked: str | None) -> Iterator[str]:
    measure = results.primary(asked)
    if measure is None:
        return
    yield from ("curves", "ranking", "heat-map")
    if len(costs(results, measure)):
        yield "three-axes"
    if results.has(*_BANDS):
        yield from ("calibration", "reliability")
    scores = Scores.of(results, measure, results.focus_sizes(measure)[-1]).known
    yield from _comparisons(scores)
    if measure.unitless and len(scores.order) > 1 and len(scores.aggregates()):
        yield "aggregates"
        if measure.larger_is_better:
            yield "profile"


def _of_searches(results: SearchResults) -> Iterator[str]:
    yield from ("curves", "iqm-curves", "quantiles", "targets")
    if results.ever_found:
        yield "success"
    if any(trace.seconds_known for trace in results.traces.values()):
        yield "by-time"
    if fronts_of(results):
        yield "fronts"
    try:
        scores = final_scores(results)[0]
    except UserError:
        return
    yield from _comparisons(scores)


def _comparisons(scores: Scores) -> Iterator[str]:
    if len(scores.order) < 2 or not scores.tables:
        return
    board = scores.board.table
    if len(board) > 1:
        yield "board"
        if board["seconds"].notna().sum() > 1:
            yield "pareto"
    if np.isfinite(scores.ranks.critical_difference):
        yield "critical-difference"
    if (scores.pairs["outcome"] != "").any():
        yield "outcomes"
