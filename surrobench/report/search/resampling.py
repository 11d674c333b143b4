"""Means and interquartile means over runs with bootstrap intervals, for whole curves at once.

Runs are resampled with a fixed seed that depends on their number alone: the same numbers give the
same intervals, and curves of equally many runs are resampled alike.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import stats

FloatArray = npt.NDArray[np.float64]

RESAMPLES = 1000


def interquartile_mean(values: FloatArray) -> FloatArray:
    """Mean of the middle half over the first axis; a quarter, rounded down, is cut at each end.

    Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice", NeurIPS
    2021.
    """
    return np.asarray(stats.trim_mean(values, 0.25, axis=0), dtype=np.float64)


def mean_band(values: FloatArray, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Percentile bootstrap limits of the mean over the first axis (``runs × positions``).

    NaN with fewer than two runs.
    """
    runs = values.shape[0]
    if runs < 2:
        return _nothing(values)
    return _limits(_counts(runs).T @ values / runs, level)


def interquartile_mean_band(
    values: FloatArray, level: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Percentile bootstrap limits of the interquartile mean (``runs × positions``).

    NaN with fewer than two runs.
    """
    if values.shape[0] < 2:
        return _nothing(values)
    return _limits(_resampled(values).T, level)


def share_interval(count: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; NaN of nothing."""
    if total == 0:
        return float("nan"), float("nan")
    low, high = stats.binomtest(count, total).proportion_ci(0.95, method="wilson")
    return float(low), float(high)


@lru_cache(maxsize=64)
def _counts(runs: int) -> FloatArray:
    """How often each run occurs in each resample (``runs × resamples``)."""
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(runs, np.full(runs, 1 / runs), size=RESAMPLES)
    return np.ascontiguousarray(drawn.T, dtype=np.float64)


def _resampled(values: FloatArray) -> FloatArray:
    """Interquartile means of all resamples (``positions × resamples``).

    With the runs sorted, a resample is a list of counts, and its sorted values are steps that end
    at the cumulative counts. What lies between the two cut quarters is summed by parts.
    """
    runs = values.shape[0]
    cut = int(0.25 * runs)
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    counts = _counts(runs)
    ends = np.zeros((values.shape[1], RESAMPLES))
    total = np.repeat(((runs - cut) * ordered[-1] - cut * ordered[0])[:, None], RESAMPLES, axis=1)
    for rank, step in enumerate(np.diff(ordered, axis=0)):
        ends += counts[order[rank]]
        total -= step[:, None] * np.clip(ends, cut, runs - cut)
    return total / (runs - 2 * cut)


def _limits(estimates: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    low, high = np.quantile(estimates, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return low, high


def _nothing(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    missing = np.full(values.shape[1], np.nan)
    return missing, missing
