"""Mean ranks of methods over tasks with tests of their differences, in every respect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from surrobench.report.common.measures import MEASURES, Measure
from surrobench.report.results import Results
from surrobench.report.search.results import SearchResults
from surrobench.report.statistics.clusters import LEAST_TABLES, by_table, number_of_tables
from surrobench.report.statistics.intervals import mean_intervals
from surrobench.report.statistics.rank_tests import mean_rank_test
from surrobench.report.statistics.sign_flips import compare_with_best

ALPHA = 0.05
COLUMNS = (
    "kind",
    "axis",
    "measure",
    "at",
    "method",
    "mean_rank",
    "mean_rank_low",
    "mean_rank_high",
    "best",
    "not_worse",
    "p_against_best",
    "pairwise_not_worse",
    "median",
    "own_tasks",
    "tasks",
    "tables",
    "methods",
    "friedman_p",
    "critical_difference",
)


@dataclass(frozen=True)
class Axis:
    """One respect in which methods are compared.

    Attributes:
        name: short, for the head of a column.
        title: for a heading.
        measure: what is ranked.
    """

    name: str
    title: str
    measure: Measure


AXES = (
    Axis("ranking", "Ranking of unseen architectures", MEASURES["kendall_tau"]),
    Axis("top-10 regret", "Regret of the ten best predicted", MEASURES["regret_at_10"]),
    Axis("calibration", "Calibration of the intervals", MEASURES["calibration_error"]),
    Axis("CRPS", "Whole predictive distribution (CRPS)", MEASURES["crps"]),
    Axis("fit cost", "Time to fit", MEASURES["fit_seconds"]),
    Axis("query cost", "Time to answer", MEASURES["query_seconds_per_arch"]),
)


def prediction_standings(results: Results) -> pd.DataFrame:
    """Standings at every train size in every respect that was recorded.

    Ranks within a task are averaged over the compared tasks of a table, then over tables: tasks of
    one table share its architectures and count once together, in ranks, tests and intervals.

    Columns: ``kind``, ``axis``, ``measure``, ``at`` (train size), ``method``, ``mean_rank`` (1 is
    best; NaN for a method that is not compared) with 95 % limits for other tables
    ``mean_rank_low`` and ``mean_rank_high`` (Student; NaN for fewer than
    :data:`~surrobench.report.statistics.clusters.LEAST_TABLES`), ``best``, ``not_worse`` (within
    the critical difference; False where there is no test), ``p_against_best``
    (:func:`~surrobench.report.statistics.sign_flips.compare_with_best` over tables, adjusted for
    all methods) and ``pairwise_not_worse`` (the same at 5 %; False where so few tables could not
    have told any difference), ``median`` score over the method's tasks, ``own_tasks`` (number of
    these), ``tasks``, ``tables`` and ``methods`` that are compared, ``friedman_p`` and
    ``critical_difference``.
    """
    tables = [
        _standings(
            results.means(axis.measure, size).T.drop(index=results.repeated, errors="ignore"),
            axis.measure,
        ).assign(kind="prediction", axis=axis.name, measure=axis.measure.column, at=size)
        for axis in AXES
        if results.has(axis.measure.column)
        for size in results.sizes
    ]
    return _together(tables)


def search_standings(results: SearchResults) -> pd.DataFrame:
    """Standings of strategies at every budget: regret or hypervolume, and their own seconds.

    Where there are both, own seconds are told apart: other methods spent them on other work.
    """
    tables = []
    parts = [part for part in results.by_measure() if part.traces]
    for part in parts:
        work = f" ({part.measure.label})" if len(parts) > 1 else ""
        for budget in part.budgets:
            for axis, measure, scores in _search_scores(part, budget, work):
                table = _standings(scores, measure)
                tables.append(
                    table.assign(kind="search", axis=axis, measure=measure.column, at=budget)
                )
    return _together(tables)


def _search_scores(
    part: SearchResults, budget: int, work: str
) -> Iterator[tuple[str, Measure, pd.DataFrame]]:
    """Respects with their scores at a budget, tasks × methods."""
    yield f"search: {part.measure.label}", part.measure, part.means(budget).T
    wide = part.comparison(budget)["overhead_seconds"].unstack("task").T
    if wide.notna().any(axis=None):
        own = Measure("overhead_seconds", "own time (s)", False, False)
        yield f"search: own time{work}", own, wide


def _together(tables: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [table for table in tables if len(table)]
    if not filled:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(filled, ignore_index=True)[list(COLUMNS)]


def _standings(scores: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """Rank the methods of ``scores`` (tasks × methods, NaN where there is none)."""
    known = scores.where(np.isfinite(scores)).dropna(axis=1, how="all").dropna(how="all")
    block = compared(known)
    table = pd.DataFrame({"median": known.median(), "own_tasks": known.notna().sum()})
    tables = number_of_tables(map(str, block.index))
    table = table.rename_axis("method").assign(
        tasks=block.shape[0], tables=tables, methods=block.shape[1]
    )
    if block.empty:
        return table.assign(
            mean_rank=np.nan, mean_rank_low=np.nan, mean_rank_high=np.nan, best=False,
            not_worse=False, friedman_p=np.nan, critical_difference=np.nan, p_against_best=np.nan,
            pairwise_not_worse=False,
        ).reset_index()  # fmt: skip
    ranks = by_table(block.rank(axis=1, ascending=not measure.larger_is_better))
    test = mean_rank_test(ranks if tables >= LEAST_TABLES else ranks.head(1), ALPHA)
    mean = ranks.mean()
    table["mean_rank"] = mean.reindex(table.index)
    low, high = _limits(ranks)
    table["mean_rank_low"], table["mean_rank_high"] = low, high
    behind = table["mean_rank"] - mean.min()
    table["best"] = behind == 0
    table["not_worse"] = (behind < test.critical_difference) & ~table["best"]
    table["friedman_p"], table["critical_difference"] = test.p, test.critical_difference
    paired = _against_best(block, mean, measure)
    table["p_against_best"] = paired["p"].reindex(table.index)
    table["pairwise_not_worse"] = paired["not_worse"].reindex(table.index).eq(True)
    return table.sort_values("mean_rank", kind="stable").reset_index()


def _limits(ranks: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Of mean ranks over tables; NaN for too few tables."""
    values = ranks if len(ranks) >= LEAST_TABLES else ranks.head(1)
    low, high = mean_intervals(values.to_numpy(dtype=float))
    return pd.Series(low, index=ranks.columns), pd.Series(high, index=ranks.columns)


def _against_best(block: pd.DataFrame, ranks: pd.Series, measure: Measure) -> pd.DataFrame:
    """Every method against the best, by signs of score differences flipped table by table.

    Scores with a unit are divided by the standard deviation over methods of their task, so that
    tasks can be put together. The best has the best mean score of these, and the lower mean rank
    where several have.
    """
    scores = block if measure.larger_is_better else -block
    if not measure.unitless:
        spread = block.std(axis=1)
        scores = scores[spread > 0].div(spread[spread > 0], axis=0)
    values = by_table(scores)[ranks.sort_values(kind="stable").index]
    if values.empty:
        return pd.DataFrame({"p": np.nan, "not_worse": False}, index=block.columns)
    best = int(values.mean().to_numpy().argmax())
    found = compare_with_best(values.to_numpy(dtype=float), best, ALPHA)
    columns = {"p": found.adjusted, "not_worse": found.conclusive & (found.adjusted >= ALPHA)}
    return pd.DataFrame(columns, index=values.columns)


def compared(scores: pd.DataFrame) -> pd.DataFrame:
    """The largest complete part of ``scores`` (tasks × methods) by a fixed rule.

    Methods are kept by how many tasks they have a number on, and tasks if all of these methods have
    one; of the limits, the one whose part has most cells is taken, and of equals the strictest.
    """
    counts = scores.notna().sum()
    parts = [scores.loc[:, counts >= least].dropna() for least in sorted(set(counts))]
    return max(reversed(parts), key=lambda part: part.size, default=scores)
