"""Mean ranks of methods over tasks with tests of their differences, in every respect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from surrobench.report.measures import MEASURES, Measure
from surrobench.report.rank_tests import rank_test
from surrobench.report.results import Results
from surrobench.report.search.results import SearchResults
from surrobench.report.statistics import can_reject, holm, signed_ranks

ALPHA = 0.05
COLUMNS = (
    "kind",
    "axis",
    "measure",
    "at",
    "method",
    "mean_rank",
    "best",
    "not_worse",
    "p_wilcoxon",
    "pairwise_not_worse",
    "median",
    "own_tasks",
    "tasks",
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

    Columns: ``kind``, ``axis``, ``measure``, ``at`` (train size), ``method``, ``mean_rank`` over
    the compared tasks (1 is best; NaN for a method that is not compared), ``best``, ``not_worse``
    (Nemenyi, 5 %; False where there is no test), ``p_wilcoxon`` (against the best, paired over the
    compared tasks, Holm-adjusted) and ``pairwise_not_worse`` (the same at 5 %; False where so few
    tasks could not have told any difference), ``median`` score over the method's tasks,
    ``own_tasks`` (number of these), ``tasks`` and ``methods`` that are compared, ``friedman_p`` and
    ``critical_difference``.
    """
    tables = [
        _standings(results.means(axis.measure, size).T, axis.measure).assign(
            kind="prediction", axis=axis.name, measure=axis.measure.column, at=size
        )
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
    table = table.rename_axis("method").assign(tasks=block.shape[0], methods=block.shape[1])
    if block.empty:
        return table.assign(
            mean_rank=np.nan, best=False, not_worse=False, friedman_p=np.nan,
            critical_difference=np.nan, p_wilcoxon=np.nan, pairwise_not_worse=False,
        ).reset_index()  # fmt: skip
    test = rank_test(block, measure.larger_is_better, ALPHA)
    table["mean_rank"] = test.ranks.reindex(table.index)
    behind = table["mean_rank"] - test.ranks.min()
    table["best"] = behind == 0
    surely = test.p < ALPHA and np.isfinite(test.critical_difference)
    tie = behind < test.critical_difference if surely else behind.notna() & (test.p >= ALPHA)
    table["not_worse"] = tie & ~table["best"]
    table["friedman_p"], table["critical_difference"] = test.p, test.critical_difference
    paired = _against_best(block, str(test.ranks.index[0]), measure)
    table["p_wilcoxon"] = paired["p"].reindex(table.index)
    table["pairwise_not_worse"] = paired["not_worse"].reindex(table.index).eq(True)
    return table.sort_values("mean_rank", kind="stable").reset_index()


def _against_best(block: pd.DataFrame, best: str, measure: Measure) -> pd.DataFrame:
    """Wilcoxon's signed-rank test of every method against the best-ranked, adjusted by Holm.

    Scores with a unit are divided by the standard deviation over methods of their task: signed
    ranks compare the sizes of differences between tasks.
    """
    scores = block if measure.larger_is_better else -block
    if not measure.unitless:
        spread = block.std(axis=1)
        scores = scores[spread > 0].div(spread[spread > 0], axis=0)
    differences = scores[[best]].to_numpy() - scores.to_numpy()
    p = signed_ranks(differences)
    p[list(scores.columns).index(best)] = np.nan
    testable = can_reject(len(scores), int(np.isfinite(p).sum()), ALPHA)
    adjusted = holm(p)
    columns = {"p": adjusted, "not_worse": testable & (adjusted >= ALPHA)}
    return pd.DataFrame(columns, index=scores.columns)


def compared(scores: pd.DataFrame) -> pd.DataFrame:
    """The largest complete part of ``scores`` (tasks × methods) by a fixed rule.

    Methods are kept by how many tasks they have a number on, and tasks if all of these methods have
    one; of the limits, the one whose part has most cells is taken, and of equals the strictest.
    """
    counts = scores.notna().sum()
    parts = [scores.loc[:, counts >= least].dropna() for least in sorted(set(counts))]
    return max(reversed(parts), key=lambda part: part.size, default=scores)
