"""What a paper says of the runs of one task: curves, values at a budget, comparisons of pairs.

Runs are paired by their seed, which alone decides the initial design; intervals and tests speak of
other seeds on the same task.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from surrobench.arrays import FloatArray
from surrobench.report.search.resampling import (
    interquartile_mean,
    interquartile_mean_band,
    mean_band,
    share_interval,
)
from surrobench.report.search.traces import Traces
from surrobench.report.statistics import statistics
from surrobench.report.statistics.intervals import mean_interval
from surrobench.report.statistics.pairs import compare_pairs

ALPHA = 0.05


def curve(traces: Traces, axis: str = "spent") -> pd.DataFrame:
    """Scores over the runs of every method along an axis.

    Columns: ``method``, the axis, ``runs``, ``with_incumbent`` (how many had one), ``mean`` with
    its bootstrap-t limits ``mean_low`` and ``mean_high`` and ``iqm`` (interquartile mean) with its
    own, NaN where none holds,
    ``q25``, ``median``, ``q75``, and ``found_optimum``, the share of runs that found it by then.
    Rows begin where half of the runs have an incumbent. Along ``simulated_seconds`` they end where
    the first run of the method does, unless it ended before its budget.
    """
    positions = traces.positions if axis == "spent" else traces.seconds
    rows = traces.before(positions, axis)
    scores, known = traces.scores(rows)
    spent = traces.read("spent", rows)
    found = traces.found[:, None] <= spent
    tables = []
    for method in traces.methods:
        chosen = traces.of(method)
        table = _curve(scores[chosen])
        table.insert(0, "method", method)
        table.insert(1, axis, positions)
        table.insert(2, "runs", int(chosen.sum()))
        table.insert(3, "with_incumbent", known[chosen].sum(axis=0))
        table["found_optimum"] = found[chosen].mean(axis=0)
        keep = table["with_incumbent"] >= table["runs"] / 2
        if axis != "spent" and np.isfinite(last := traces.last_seconds[method]):
            keep &= positions <= last * (1 + 1e-9)
        tables.append(table[keep])
    return pd.concat(tables, ignore_index=True)


def _curve(scores: FloatArray) -> pd.DataFrame:
    low, high = mean_band(scores)
    middle_low, middle_high = interquartile_mean_band(scores)
    quartiles = np.quantile(scores, [0.25, 0.5, 0.75], axis=0)
    return pd.DataFrame(
        {
            "mean": scores.mean(axis=0),
            "mean_low": low,
            "mean_high": high,
            "iqm": interquartile_mean(scores),
            "iqm_low": middle_low,
            "iqm_high": middle_high,
            "q25": quartiles[0],
            "median": quartiles[1],
            "q75": quartiles[2],
        }
    )


def scores_at(traces: Traces, budget: float) -> pd.DataFrame:
    """Scores at a budget, seeds × methods, NaN where a method has no run of a seed."""
    values, _ = traces.scores(traces.before([budget]))
    return traces.runs.assign(score=values[:, 0]).pivot(
        index="seed", columns="method", values="score"
    )


def mean_along(traces: Traces) -> pd.Series:
    """Mean score of each method over its runs and over the whole search."""
    scores, _ = traces.scores(traces.before(traces.positions))
    return pd.Series(scores.mean(axis=1)).groupby(traces.runs["method"]).mean()


def summary(traces: Traces, budget: int, failed: pd.Series) -> pd.DataFrame:
    """One row per method at a budget, with its comparison to the best.

    Columns: ``mean``, ``se``, ``low`` and ``high`` (bootstrap-t), ``iqm``, ``median``, ``seeds``,
    ``planned``, ``failed`` and ``incomplete`` (some runs broke off), ``found_optimum`` (share of
    runs) with Wilson's limits, ``to_optimum`` (median of what runs had spent when they found it;
    infinite if half never did), ``without_incumbent``, ``early`` (runs that had ended before),
    means of ``best_value``, ``front_found``, ``test_value``, ``overhead_seconds`` and
    ``simulated_seconds``, and the
    columns of :func:`~surrobench.report.statistics.statistics.versus_best`, but that all methods
    with the best mean are ``best``.

    Args:
        traces: the runs of a task.
        budget: in full trainings.
        failed: number of broken runs of each method that has any.
    """
    rows = traces.before([budget])
    wide, wide_known = traces.scores(rows)
    scores, known = wide[:, 0], wide_known[:, 0]
    columns = ("best_value", "front_found", "test_value", "overhead_seconds", "simulated_seconds")
    others = {name: traces.read(name, rows)[:, 0] for name in columns}
    found = np.where(traces.found <= budget * (1 + 1e-9), traces.found, np.inf)
    ended = traces.runs["end"].to_numpy() <= budget - 1 + 1e-9
    lines = {}
    for method in traces.methods:
        chosen = traces.of(method)
        lines[method] = {
            **_moments(scores[chosen]),
            **_success(found[chosen]),
            "without_incumbent": int((~known[chosen]).sum()),
            "early": int(ended[chosen].sum()),
        }
        for name, values in others.items():
            interval = mean_interval(values[chosen], skewed=True)
            lines[method] |= {name: interval.mean, f"{name}_ci95": interval.half}
    table = pd.DataFrame.from_dict(lines, orient="index").rename_axis("method")
    table["failed"] = failed.reindex(table.index).fillna(0).astype(int)
    table["planned"] = table["seeds"] + table["failed"]
    table["incomplete"] = table["failed"] > 0
    tested = statistics.versus_best(scores_at(traces, budget), traces.larger_is_better, ALPHA)
    table = table.join(tested)
    leader = table.loc[table["best"], "mean"].max()
    table["best"] = np.isclose(table["mean"], leader, rtol=1e-12, atol=0)
    table["not_worse"] &= ~table["best"]
    rest = table["mean"].where(~table["best"])
    table["second"] = rest == (rest.max() if traces.larger_is_better else rest.min())
    table["second"] &= bool(table["best"].any())  # where all are equal there is no order
    return table


def _moments(scores: FloatArray) -> dict[str, float]:
    interval = mean_interval(scores, skewed=True)
    return {
        "mean": interval.mean,
        "se": interval.se,
        "low": interval.low,
        "high": interval.high,
        "iqm": float(interquartile_mean(scores)),
        "median": float(np.median(scores)),
        "seeds": interval.n,
    }


def _success(found: FloatArray) -> dict[str, float]:
    hits = int(np.isfinite(found).sum())
    low, high = share_interval(hits, found.size)
    return {
        "found_optimum": hits / found.size,
        "found_optimum_low": low,
        "found_optimum_high": high,
        "to_optimum": float(np.median(found)),
    }


def pairwise(traces: Traces, budget: float) -> pd.DataFrame:
    """:func:`~surrobench.report.statistics.pairs.compare_pairs` of the scores at a budget."""
    scores = scores_at(traces, budget)
    return compare_pairs(scores, traces.larger_is_better, ALPHA, skewed=True)
