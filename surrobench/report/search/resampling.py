"""Means and interquartile means over runs with bootstrap intervals, for whole curves at once.

Runs are resampled as in :mod:`surrobench.report.bootstrap`: the same numbers give the same
intervals, and curves of equally many runs are resampled alike.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from surrobench.report.bootstrap import (
    RESAMPLES,
    FloatArray,
    counts,
    interquartile_mean,
    limits,
    tail,
)

__all__ = ["interquartile_mean", "interquartile_mean_band", "mean_band", "share_interval"]


def mean_band(values: FloatArray, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Bootstrap limits of the mean over the first axis (``runs × positions``).

    NaN with fewer than two runs.
    """
    runs = values.shape[0]
    if runs < 2:
        return _nothing(values)
    return limits(counts(runs).T @ values / runs, tail(runs, level))


def interquartile_mean_band(
    values: FloatArray, level: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Bootstrap limits of the interquartile mean (``runs × positions``).

    NaN with fewer than two runs.
    """
    runs = values.shape[0]
    if runs < 2:
        return _nothing(values)
    return limits(_resampled(values).T, tail(runs, level))


def share_interval(count: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; NaN of nothing."""
    if total == 0:
        return float("nan"), float("nan")
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


def _nothing(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    missing = np.full(values.shape[1], np.nan)
    return missing, missing
