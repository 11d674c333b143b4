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
import numpy.typing as npt
from scipy import stats

FloatArray = npt.NDArray[np.float64]
Statistic = Callable[[FloatArray], FloatArray]

RESAMPLES = 2000


def interquartile_mean(values: FloatArray) -> FloatArray:
    """Mean of the middle half over the first axis; a quarter, rounded down, is cut at each end.

    Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice", NeurIPS
    2021.
    """
    return np.asarray(stats.trim_mean(values, 0.25, axis=0), dtype=np.float64)


def tail(runs: int, level: float = 0.95, freedom: int | None = None) -> float:
    """The percentile, as a share, at which an interval of some level has its lower end.

    Args:
        runs: values that are resampled together, at least 2.
        level: of the interval.
        freedom: degrees of freedom of the estimate of variance; ``runs - 1`` by default.
    """
    quantile = stats.t.ppf(0.5 + level / 2, freedom or runs - 1)
    return float(stats.norm.cdf(-quantile * np.sqrt(runs / (runs - 1))))


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


def mean_intervals(values: npt.ArrayLike, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Limits of the mean of each column of ``runs × columns``, whose NaN are left out.

    NaN for a column with fewer than two values.
    """
    array = np.asarray(values, dtype=np.float64)
    low, high = np.full(array.shape[1], np.nan), np.full(array.shape[1], np.nan)
    known = np.isfinite(array).sum(axis=0)
    for runs in np.unique(known[known >= 2]):
        places = np.flatnonzero(known == runs)
        columns = np.column_stack([array[np.isfinite(array[:, i]), i] for i in places])
        means = counts(int(runs)).T @ columns / runs
        low[places], high[places] = limits(means, tail(int(runs), level))
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
        NaN where some stratum has fewer than two values.
    """
    runs = [len(stratum) for stratum in strata]
    if not runs or min(runs) < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(0)
    drawn = [
        stratum[rng.integers(len(stratum), size=(len(stratum), RESAMPLES))] for stratum in strata
    ]
    share = tail(min(runs), level, freedom=sum(runs) - len(runs))
    low, high = limits(statistic(np.concatenate(drawn)), share)
    return float(low), float(high)
