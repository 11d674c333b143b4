"""Intervals of means that keep their level, and none where nothing does.

Student's interval of a mean holds with few values if these are about symmetric, as correlations
over seeds are. Regrets and seconds are not: near zero many are equal and a few are large, and the
same interval covers the mean in 44 to 88 % of all cases with three runs. They have a bootstrap-t
interval where there are enough runs for it and no interval elsewhere; with 20 runs it covers a
log-normal mean (deviation 1) in 91 % of all cases. ``results/statistics`` holds the simulated
coverage. Values are runs on the same task: no interval of this module speaks of other tasks, except
those that are given one value a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from surrobench.arrays import FloatArray
from surrobench.report.statistics import bootstrap

LEAST_PLAIN = 3
"""With fewer values than this nothing has an interval: the simulation begins there."""
LEAST_SKEWED = 50
"""Fewer skewed values than this have no interval."""
LEAST_APART = 10
"""So many of them must differ from the commonest value, which for regrets is zero."""

LEAST_TRIMMED = 5
COVERAGE = "simulated coverage 92 to 97 %"
"""What every interval of a report has in ``results/statistics``."""
METHOD = {
    False: f"Student, from three seeds on, {COVERAGE}",
    True: f"bootstrap-t, from {LEAST_SKEWED} seeds on of which {LEAST_APART} differ, {COVERAGE}",
}
"""What an interval is, for captions; the key says whether values are skewed."""


@dataclass(frozen=True)
class Interval:
    """A mean with its standard error and confidence limits; NaN where they are not defined."""

    mean: float
    se: float
    low: float
    high: float
    n: int

    @property
    def half(self) -> float:
        """Half the width."""
        return (self.high - self.low) / 2


def half_width(se: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95) -> FloatArray:
    """Half the width of Student's t interval of a mean; NaN for fewer than two values."""
    count = np.asarray(n, dtype=np.float64)
    freedom = np.where(count >= 2, count - 1, np.nan)
    quantile = special.stdtrit(freedom, 0.5 + level / 2)
    return np.asarray(quantile * np.asarray(se, dtype=np.float64), dtype=np.float64)


def mean_interval(values: npt.ArrayLike, skewed: bool = False, level: float = 0.95) -> Interval:
    """Mean of the finite ``values`` with the limits of :func:`mean_intervals`."""
    array = np.asarray(values, dtype=np.float64)
    array = array[np.isfinite(array)]
    n = array.size
    mean = float(array.mean()) if n else float("nan")
    se = float(array.std(ddof=1) / np.sqrt(n)) if n >= 2 else float("nan")
    low, high = mean_intervals(array[:, None], skewed, level)
    return Interval(mean, se, float(low[0]), float(high[0]), n)


def mean_intervals(
    values: npt.ArrayLike, skewed: bool = False, level: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Limits of the mean of each column of ``runs × columns``, whose NaN are left out.

    Args:
        values: runs × columns.
        skewed: whether the values are of a kind that has a long tail or many zeros (regrets,
            seconds): bootstrap-t instead of Student, and with :data:`LEAST_SKEWED` runs or more.
        level: of the intervals.

    Returns:
        NaN where no interval would keep its level, see :func:`holds`.
    """
    array = np.asarray(values, dtype=np.float64)
    array = np.where(np.isfinite(array), array, np.nan)
    low, high = np.full(array.shape[1], np.nan), np.full(array.shape[1], np.nan)
    kept, known = holds(array, skewed), np.isfinite(array).sum(axis=0)
    for runs in np.unique(known[kept]):
        places = np.flatnonzero(kept & (known == runs))
        columns = np.sort(array[:, places], axis=0)[:runs]
        if skewed:
            low[places], high[places] = bootstrap.studentised_intervals(columns, level)
        else:
            mean = columns.mean(axis=0)
            half = half_width(columns.std(axis=0, ddof=1) / np.sqrt(runs), runs, level)
            low[places], high[places] = mean - half, mean + half
    return low, high


def stratified_mean_interval(
    strata: Sequence[FloatArray], level: float = 0.95
) -> tuple[float, float]:
    """Student's limits of the mean of all values together, which vary within strata only.

    The variances of the strata differ, so that the degrees of freedom are Welch's. NaN where a
    stratum has fewer than :data:`LEAST_PLAIN` values or none varies.
    """
    sizes = np.array([len(stratum) for stratum in strata], dtype=np.float64)
    if not len(strata) or sizes.min() < LEAST_PLAIN:
        return float("nan"), float("nan")
    deviations = np.array([np.var(stratum, ddof=1) for stratum in strata])
    parts = (sizes / sizes.sum()) ** 2 * deviations / sizes
    if not parts.sum() > 0:
        return float("nan"), float("nan")
    freedom = parts.sum() ** 2 / (parts**2 / (sizes - 1)).sum()
    half = float(half_width(np.sqrt(parts.sum()), freedom + 1, level))
    mean = float(np.concatenate(strata).mean())
    return mean - half, mean + half


def trimmed_mean_interval(values: FloatArray, level: float = 0.95) -> tuple[float, float]:
    """Limits of the interquartile mean of independent values, by their winsorised variance.

    Tukey and McLaughlin, Sankhyā 1963. NaN for fewer than five values.
    """
    n = len(values)
    if n < LEAST_TRIMMED:
        return float("nan"), float("nan")
    cut = n // 4
    kept, ordered = n - 2 * cut, np.sort(values)
    winsorised = np.clip(values, ordered[cut], ordered[n - cut - 1])
    error = np.sqrt(winsorised.var(ddof=1) * (n - 1) / (kept * (kept - 1)))
    middle = float(bootstrap.interquartile_mean(values))
    half = float(half_width(error, kept, level))
    return middle - half, middle + half


def holds(values: FloatArray, skewed: bool, least: int = LEAST_SKEWED) -> npt.NDArray[np.bool_]:
    """Which columns (``runs × columns``, NaN left out) have values that an interval can rest on.

    At least :data:`LEAST_PLAIN`, of which no more than half are equal; of skewed ones at least
    ``least``, of which at least :data:`LEAST_APART` differ from the commonest value.
    """
    known = np.isfinite(values).sum(axis=0)
    apart = known - _commonest(values)
    enough = (known >= LEAST_PLAIN) & (2 * apart >= known)
    return enough & (known >= least) & (apart >= LEAST_APART) if skewed else enough


def _commonest(values: FloatArray) -> npt.NDArray[np.int64]:
    """How often the commonest value of each column occurs."""
    ordered = np.sort(values, axis=0)
    longest, current = np.zeros((2, values.shape[1]), dtype=np.int64)
    for place, row in enumerate(ordered):
        same = row == ordered[place - 1] if place else np.zeros(row.shape, dtype=bool)
        current = np.where(same, current + 1, 1) * np.isfinite(row)
        longest = np.maximum(longest, current)
    return longest
