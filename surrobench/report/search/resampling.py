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
    return _limits(np.column_stack([_resampled(column) for column in values.T]), level)


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
    """Interquartile means of all resamples at one position.

    With the runs sorted, a resample is a list of counts, and its sorted values are steps that end
    at the cumulative counts. What lies between the two cut quarters is summed by parts.
    """
    runs = values.size
    cut = int(0.25 * runs)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    ends = np.cumsum(_counts(runs)[order[:-1]], axis=0)
    np.clip(ends, cut, runs - cut, out=ends)
    total = (runs - cut) * ordered[-1] - cut * ordered[0] - np.diff(ordered) @ ends
    return np.asarray(total / (runs - 2 * cut), dtype=np.float64)


def _limits(estimates: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    low, high = np.quantile(estimates, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return low, high


def _nothing(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    missing = np.full(values.shape[1], np.nan)
    return missing, missing
