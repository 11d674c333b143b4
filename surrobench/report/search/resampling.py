"""Means and interquartile means over runs with bootstrap intervals, for whole curves at once.

Runs are resampled as in :mod:`surrobench.report.statistics.bootstrap`: the same numbers give the
same intervals, and curves of equally many runs are resampled alike. Regrets pile up at zero once
runs find the optimum, so that bands exist only where
:func:`surrobench.report.statistics.intervals.holds` for skewed values; interquartile means need
fewer runs for that than means, which follow the tail.
"""

from __future__ import annotations

import numpy as np

from surrobench.arrays import FloatArray
from surrobench.report.statistics.bootstrap import (
    RESAMPLES,
    counts,
    interquartile_mean,
    limits,
    tail,
)
from surrobench.report.statistics.intervals import holds, mean_intervals

__all__ = ["interquartile_mean", "interquartile_mean_band", "mean_band", "share_interval"]

LEAST_RUNS = 10
"""Fewer runs have no interval of a share."""
LEAST_MIDDLE = 20
"""Fewer runs have no interval of their interquartile mean."""


def mean_band(values: FloatArray, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Bootstrap-t limits of the mean over the first axis (``runs × positions``).

    NaN where none holds.
    """
    return mean_intervals(values, skewed=True, level=level)


def interquartile_mean_band(
    values: FloatArray, level: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Bootstrap limits of the interquartile mean (``runs × positions``).

    NaN where none holds: fewer than :data:`LEAST_MIDDLE` runs, or too many equal ones.
    """
    runs, positions = values.shape
    low, high = np.full(positions, np.nan), np.full(positions, np.nan)
    kept = holds(values, skewed=True, least=LEAST_MIDDLE)
    if kept.any():
        share = tail(runs, level)
        low[kept], high[kept] = limits(_resampled(values[:, kept]).T, share)
    return low, high


def share_interval(count: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; NaN of fewer than :data:`LEAST_RUNS`.

    Its coverage is 95 % on average over true shares; for a single one it jumps up and down with
    the few counts that there are.
    """
    if total < LEAST_RUNS:
        return float("nan"), float("nan")
    from scipy import stats  # takes a second to import

    low, high = stats.binomtest(count, total).proportion_ci(0.95, method="wilson")
    return float(low), float(high)


def _resampled(values: FloatArray) -> FloatArray:
    """Interquartile means of all resamples (``positions × resamples``).

    With the runs sorted, a resample is a list of counts, and its sorted values are steps that end
    at the cumulative counts. What lies between the two cut quarters is summed by parts.
    """
    runs = values.shape[0]
    cut = int(0.25 * runs)
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    drawn = counts(runs)
    ends = np.zeros((values.shape[1], RESAMPLES))
    total = np.repeat(((runs - cut) * ordered[-1] - cut * ordered[0])[:, None], RESAMPLES, axis=1)
    for rank, step in enumerate(np.diff(ordered, axis=0)):
        ends += drawn[order[rank]]
        total -= step[:, None] * np.clip(ends, cut, runs - cut)
    return total / (runs - 2 * cut)
