"""Bootstrap intervals that keep their level with few runs.

A percentile interval of n values is too narrow: it estimates the variance by a division by n and
knows nothing of Student's t. Its percentiles are therefore moved outwards so that the interval of
the mean of normal values is about Student's (Hesterberg, "What teachers should know about the
bootstrap", The American Statistician 2015). With five runs or fewer the range of the values is the
widest interval there is: it covers the mean of a symmetric distribution in ``1 - 2 / 2**n`` of all
cases. All draws come from a fixed seed: the same numbers give the same intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from scipy import special

from surrobench.arrays import FloatArray

Statistic = Callable[[FloatArray], FloatArray]

RESAMPLES = 2000
LEAST_RUNS = 10
"""With fewer values in a stratum its resamples vary too little."""
_TOGETHER = 256
"""Columns resampled at once: to keep all resamples takes memory."""
_LEAST_VARIANCE = 1e-12
"""Relative to that of the values; a resample may hold one value only."""


def interquartile_mean(values: FloatArray) -> FloatArray:
    """Mean of the middle half over the first axis; a quarter, rounded down, is cut at each end.

    Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice", NeurIPS
    2021.
    """
    from scipy import stats  # takes a second to import

    return np.asarray(stats.trim_mean(values, 0.25, axis=0), dtype=np.float64)


def tail(runs: int, level: float = 0.95, freedom: int | None = None) -> float:
    """The percentile, as a share, at which an interval of some level has its lower end.

    Args:
        runs: values that are resampled together, at least 2.
        level: of the interval.
        freedom: degrees of freedom of the estimate of variance; ``runs - 1`` by default.
    """
    quantile = special.stdtrit(freedom or runs - 1, 0.5 + level / 2)
    return float(special.ndtr(-quantile * np.sqrt(runs / (runs - 1))))


@lru_cache(maxsize=64)
def counts(runs: int) -> FloatArray:
    """How often each run occurs in each resample (``runs × resamples``)."""
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(runs, np.full(runs, 1 / runs), size=RESAMPLES)
    return np.ascontiguousarray(drawn.T, dtype=np.float64)


def limits(estimates: FloatArray, share: float) -> tuple[FloatArray, FloatArray]:
    """Quantiles over the first axis at ``share`` and ``1 - share``."""
    low, high = np.quantile(estimates, [share, 1 - share], axis=0)
    return low, high


def studentised_intervals(values: FloatArray, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Bootstrap-t limits of the mean of each column of ``runs × columns``.

    Every resample gives a t statistic with its own standard error, and their quantiles take the
    place of Student's: the interval follows the skewness of the values (Efron and Tibshirani, "An
    introduction to the bootstrap", 1993, chapter 12; Hall, Annals of Statistics 1988).
    """
    runs = len(values)
    drawn = counts(runs).T
    low, high = np.empty(values.shape[1]), np.empty(values.shape[1])
    for start in range(0, values.shape[1], _TOGETHER):
        part = slice(start, start + _TOGETHER)
        mean, deviation = values[:, part].mean(axis=0), values[:, part].std(axis=0)
        scale = np.where(deviation > 0, deviation, 1.0)
        centred = (values[:, part] - mean) / scale
        means = drawn @ centred / runs
        variances = drawn @ centred**2 / runs - means**2
        lower, upper = limits(
            means / np.sqrt(np.maximum(variances, _LEAST_VARIANCE)), 0.5 - level / 2
        )
        low[part], high[part] = mean - upper * deviation, mean - lower * deviation
    return low, high


def stratified_interval(
    strata: Sequence[FloatArray], statistic: Statistic = interquartile_mean, level: float = 0.95
) -> tuple[float, float]:
    """Limits of a statistic of all values together; runs are resampled within each stratum.

    This is the stratified bootstrap of Agarwal et al. (2021) with the moved percentiles of this
    module. The strata are tasks: the interval speaks of other seeds on the same tasks.

    Args:
        strata: the scores of each task, one-dimensional.
        statistic: over the first axis of ``values × resamples``.
        level: of the interval.

    Returns:
        NaN where some stratum has fewer than :data:`LEAST_RUNS` values.
    """
    runs = [len(stratum) for stratum in strata]
    if not runs or min(runs) < LEAST_RUNS:
        return float("nan"), float("nan")
    rng = np.random.default_rng(0)
    drawn = [
        stratum[rng.integers(len(stratum), size=(len(stratum), RESAMPLES))] for stratum in strata
    ]
    share = tail(min(runs), level, freedom=sum(runs) - len(runs))
    low, high = limits(statistic(np.concatenate(drawn)), share)
    return float(low), float(high)
