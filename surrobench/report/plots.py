"""Every figure of a finished run by name, for whoever wants just one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from surrobench.base.wording import counted
from surrobench.errors import UserError, did_you_mean
from surrobench.report import figures
from surrobench.report.common.measures import Measure
from surrobench.report.common.style import TWO_COLUMNS
from surrobench.report.comparing.scores import Scores
from surrobench.report.figures import panels
from surrobench.report.pipeline.figures import picks_of_all, predicted_against_full
from surrobench.report.pipeline.results import PipelineResults
from surrobench.report.results import Results
from surrobench.report.search.curves import against_expense
from surrobench.report.search.final import final_scores
from surrobench.report.search.front_panels import draw_fronts, fronts_of
from surrobench.report.search.profiles import draw_profile
from surrobench.report.search.results import SearchResults
from surrobench.report.statistics.sign_flips import WHY_OPEN

AnyResults = Results | SearchResults | PipelineResults


@dataclass(frozen=True)
class PlotOptions:
    """What a figure may be told; whatever is not given is chosen from the results.

    Attributes:
        measure: a column of scores (prediction studies).
        size: number of training examples (prediction studies).
        width: inches.
        seed: of the cells (pipelines); the first if None.
    """

    measure: str | None = None
    size: int | None = None
    width: float = TWO_COLUMNS
    seed: int | None = None


def draw(kind: str, results: AnyResults, options: PlotOptions) -> Figure:
    """Draw one kind of figure.

    Raises:
        UserError: for a kind that these results do not have, or that they do not support.
    """
    if isinstance(results, SearchResults):
        _known(kind, SEARCH_PLOTS)
        if not results.traces:
            raise UserError("no run of this search came to its end: there is nothing to draw.")
        return SEARCH_PLOTS[kind](results, options)
    if isinstance(results, PipelineResults):
        _known(kind, PIPELINE_PLOTS)
        return PIPELINE_PLOTS[kind](results, options)
    _known(kind, PREDICTION_PLOTS)
    measure = results.primary(options.measure)
    if measure is None:
        raise UserError("no cell has a result: there is nothing to draw.")
    return PREDICTION_PLOTS[kind](_Asked(results, measure, options))


def _known(kind: str, kinds: dict[str, Callable[..., Figure]]) -> None:
    if kind not in kinds:
        raise UserError(f"unknown kind of figure {kind!r}. " + did_you_mean(kind, kinds))


@dataclass(frozen=True)
class _Asked:
    """A prediction study with what was asked of it."""

    results: Results
    measure: Measure
    options: PlotOptions

    @property
    def size(self) -> int:
        size = self.options.size
        if size is None:
            return self.results.focus_sizes(self.measure)[-1]
        if size not in self.results.sizes:
            known = ", ".join(map(str, self.results.sizes))
            raise UserError(f"no cell has {counted(size, 'training example')}; there are: {known}.")
        return size

    @property
    def scores(self) -> Scores:
        scores = Scores.of(self.results, self.measure, self.size).known
        if len(scores.order) < 2:
            raise UserError("a comparison needs two methods with results.")
        return scores

    @property
    def together(self) -> Scores:
        """Scores that may be put together over tasks."""
        if not self.measure.unitless:
            raise UserError(
                f"{self.measure.label} is in units of each task and cannot be put together over "
                "tasks; choose another with --measure, kendall_tau for example."
            )
        return self.scores


def _profile(asked: _Asked) -> Figure:
    scores, measure = asked.together, asked.measure
    if not measure.larger_is_better:
        raise UserError(f"a performance profile needs a score, and {measure.label} is an error.")
    everywhere = set(scores.aggregates()["method"]) if len(scores.tables) else set()
    chosen = [m for m in panels.highlights(asked.results, measure) if m in everywhere]
    if not chosen:
        raise UserError("no method has a score on every task.")
    return figures.performance_profile(
        scores.tables,
        measure.label,
        chosen,
        styles=scores.styles,
        width=asked.options.width,
    )


def _outcomes(scores: Scores, pairs: pd.DataFrame, width: float) -> Figure:
    if not (pairs["outcome"] != "").any():
        raise UserError(f"no pair of methods could be told apart or called equal: {WHY_OPEN}.")
    return figures.outcome_matrix(pairs, scores.order, width=width)


def _ranks(scores: Scores, width: float) -> Figure:
    _, what = scores.blocks
    return figures.critical_difference(
        scores.ranks, styles=scores.styles, blocks=what or "blocks", width=width
    )


def _board(scores: Scores, width: float) -> Figure:
    return figures.board_figure(scores.board.table, styles=scores.styles, width=width)


def _pareto(scores: Scores, width: float) -> Figure:
    return figures.pareto(scores.board.table, scores.seconds_of, styles=scores.styles, width=width)


PREDICTION_PLOTS: dict[str, Callable[[_Asked], Figure]] = {
    "curves": lambda a: figures.against_train_size(
        a.results, a.measure.column, width=a.options.width
    ),
    "ranking": lambda a: figures.ranking(
        a.results, a.size, a.measure.column, width=a.options.width
    ),
    "heat-map": lambda a: figures.heat_map(
        a.results, a.size, a.measure.column, width=a.options.width
    ),
    "three-axes": lambda a: figures.three_axes(a.results, a.measure.column, width=a.options.width),
    "calibration": lambda a: figures.coverage(a.results, a.size, width=a.options.width),
    "reliability": lambda a: figures.reliability(a.results, a.size, width=a.options.width),
    "board": lambda a: _board(a.scores, a.options.width),
    "pareto": lambda a: _pareto(a.scores, a.options.width),
    "critical-difference": lambda a: _ranks(a.scores, a.options.width),
    "outcomes": lambda a: _outcomes(a.scores, a.scores.pairs, a.options.width),
    "aggregates": lambda a: figures.aggregates(
        a.together.aggregates(),
        a.measure.label,
        styles=a.together.styles,
        width=a.options.width,
    ),
    "profile": _profile,
}


def _picks(results: PipelineResults, options: PlotOptions) -> Figure:
    return picks_of_all(results, _first_task(results), width=options.width)


def _predicted(results: PipelineResults, options: PlotOptions) -> Figure:
    task, seed = _first_task(results), options.seed
    known = sorted(set(results.rows.loc[results.rows["task"] == task, "seed"]))
    if seed is not None and seed not in known:
        raise UserError(f"no cell has the seed {seed}; there are: {', '.join(map(str, known))}.")
    return predicted_against_full(
        results, task, known[0] if seed is None else seed, width=options.width
    )


def _first_task(results: PipelineResults) -> str:
    if results.rows.empty:
        raise UserError("no cell has a result: there is nothing to draw.")
    return str(results.rows["task"].iloc[0])


PIPELINE_PLOTS: dict[str, Callable[[PipelineResults, PlotOptions], Figure]] = {
    "picks": _picks,
    "predicted": _predicted,
}


def _curve(statistic: str, axis: str = "spent") -> Callable[[SearchResults, PlotOptions], Figure]:
    def plot(results: SearchResults, options: PlotOptions) -> Figure:
        if axis != "spent":
            timed = [task for task, trace in results.traces.items() if trace.seconds_known]
            if not timed:
                raise UserError("the seconds of training are not known on any task.")
            results = results.select(timed)
        return against_expense(results, statistic, axis=axis, width=options.width)

    return plot


def _fronts(results: SearchResults, options: PlotOptions) -> Figure:
    if not fronts_of(results):
        raise UserError("no task of this search has several objectives.")
    return draw_fronts(results, width=options.width)


SEARCH_PLOTS: dict[str, Callable[[SearchResults, PlotOptions], Figure]] = {
    "curves": _curve("mean"),
    "iqm-curves": _curve("iqm"),
    "quantiles": _curve("median"),
    "success": _curve("found_optimum"),
    "by-time": _curve("mean", "simulated_seconds"),
    "targets": lambda results, options: draw_profile(results, width=options.width),
    "fronts": _fronts,
    "board": lambda results, options: _board(final_scores(results)[0], options.width),
    "pareto": lambda results, options: _pareto(final_scores(results)[0], options.width),
    "critical-difference": lambda results, options: _ranks(final_scores(results)[0], options.width),
    "outcomes": lambda results, options: _outcomes(*final_scores(results), options.width),
}
