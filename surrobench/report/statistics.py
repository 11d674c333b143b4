"""The statistics of a comparison, as small pure functions.

Scores are paired: at one task, train size and seed all methods saw the same training and test
architectures. The random draw is the seed, so intervals and tests speak of other draws of the
training set on the same task, not of other tasks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

FloatArray = npt.NDArray[np.float64]

_FEW = 13
"""Up to so many pairs with ties, all outcomes are gone through (scipy's limit for this)."""
_TOGETHER = 32
"""Columns tested at once: to go through all outcomes takes memory."""


@dataclass(frozen=True)
class Interval:
    """A mean with its standard error and confidence limits; NaN where they are not defined."""

    mean: float
    se: float
    low: float
    high: float
    n: int


def half_width(se: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95) -> FloatArray:
    """Half the width of Student's t interval of a mean; NaN for fewer than two values."""
    count = np.asarray(n, dtype=np.float64)
    freedom = np.where(count >= 2, count - 1, np.nan)
    quantile = stats.t.ppf(0.5 + level / 2, freedom)
    return np.asarray(quantile * np.asarray(se, dtype=np.float64), dtype=np.float64)


def mean_interval(values: npt.ArrayLike, level: float = 0.95) -> Interval:
    """Mean of the finite ``values`` with Student's t interval; no interval from one value."""
    array = np.asarray(values, dtype=np.float64)
    array = array[np.isfinite(array)]
    n = array.size
    mean = float(array.mean()) if n else float("nan")
    se = float(array.std(ddof=1) / np.sqrt(n)) if n >= 2 else float("nan")
    half = float(half_width(se, n, level))
    return Interval(mean, se, mean - half, mean + half, n)


def signed_rank(differences: npt.ArrayLike) -> float:
    """Two-sided p-value of Wilcoxon's signed-rank test of paired differences (NaN: no pair).

    1 if all are zero, NaN without a pair.
    """
    return float(signed_ranks(np.asarray(differences, dtype=np.float64)[:, None])[0])


def signed_ranks(differences: npt.ArrayLike) -> FloatArray:
    """:func:`signed_rank` of every column, far faster than one by one.

    Columns are tested together that have equally many pairs and agree in whether there are ties
    or zeros, on which scipy's choice of method depends.
    """
    array = np.asarray(differences, dtype=np.float64)
    p = np.full(array.shape[1], np.nan)
    groups: dict[tuple[int, bool], list[int]] = {}
    for place, column in enumerate(array.T):
        sizes = np.abs(column[np.isfinite(column)])
        if sizes.any():
            tied = not sizes.all() or np.unique(sizes).size < sizes.size
            groups.setdefault((sizes.size, bool(tied)), []).append(place)
        elif sizes.size:
            p[place] = 1.0
    for (_, tied), places in groups.items():
        for start in range(0, len(places), _TOGETHER):
            part = places[start : start + _TOGETHER]
            rows = np.array([column[np.isfinite(column)] for column in array.T[part]])
            few = tied and rows.shape[1] <= _FEW
            p[part] = _exact_with_ties(rows) if few else stats.wilcoxon(rows, axis=1).pvalue
    return p


def _exact_with_ties(rows: FloatArray) -> FloatArray:
    """P-values of a few pairs with ties or zeros by all outcomes, as scipy's own choice is."""
    sizes = np.where(rows == 0, np.nan, np.abs(rows))
    ranks = np.nan_to_num(stats.rankdata(sizes, axis=1, nan_policy="omit"))

    def positive(signed: FloatArray, axis: int) -> FloatArray:
        return np.maximum(signed, 0.0).sum(axis=axis)

    outcome = stats.permutation_test(
        (np.sign(rows) * ranks,), positive, permutation_type="samples", vectorized=True, axis=1
    )
    return np.asarray(outcome.pvalue, dtype=np.float64)


def holm(p_values: npt.ArrayLike) -> FloatArray:
    """P-values adjusted for multiple comparisons by Holm's step-down method; NaN stays NaN.

    Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statistics 1979.
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def can_reject(pairs: int, comparisons: int, alpha: float = 0.05) -> bool:
    """Whether Wilcoxon with Holm can find any difference at all with so few pairs.

    The smallest two-sided exact p-value of ``pairs`` pairs is ``2 / 2**pairs``.
    """
    return 2.0 ** (1 - pairs) * comparisons < alpha


def versus_best(
    scores: pd.DataFrame, larger_is_better: bool = True, alpha: float = 0.05
) -> pd.DataFrame:
    """Compare every method with the best one over their common seeds.

    Args:
        scores: seeds × methods, NaN where a method has no score.
        larger_is_better: which mean is the best.
        alpha: level of the family of comparisons.

    Returns:
        One row per method: ``best``; ``second``, the best mean of the others; ``p``, Holm-adjusted
        over the comparisons of this call (NaN for the best); ``pairs``, common seeds with the
        best; ``not_worse``, not significantly different from the best. ``not_worse`` is False
        where the test could not have found any difference with that many pairs, so that too few
        seeds never look like a draw. Where all of several methods have one mean, none is the best.
    """
    values = scores.to_numpy(dtype=np.float64)
    count = scores.shape[1]
    best, second = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    p, pairs = np.full(count, np.nan), np.zeros(count, dtype=int)
    means = scores.mean().to_numpy()
    if np.isfinite(means).any() and not _all_equal(means):
        leader = int(np.nanargmax(means) if larger_is_better else np.nanargmin(means))
        best[leader] = True
        second = _leaders(np.where(best, np.nan, means), larger_is_better)
        differences = values[:, [leader]] - values
        pairs = np.where(best, 0, np.isfinite(differences).sum(axis=0))
        p = signed_ranks(differences)
        p[leader] = np.nan
    comparisons = int(np.isfinite(p).sum())
    adjusted = holm(p)
    testable = np.array([can_reject(int(n), comparisons, alpha) for n in pairs], dtype=bool)
    not_worse = testable & (adjusted >= alpha)
    columns = {
        "best": best,
        "second": second,
        "p": adjusted,
        "pairs": pairs,
        "not_worse": not_worse,
    }
    return pd.DataFrame(columns, index=scores.columns)


def _all_equal(means: FloatArray) -> bool:
    """Whether there are several means and nothing tells them apart."""
    known = means[np.isfinite(means)]
    return known.size > 1 and bool(np.ptp(known) <= 1e-12 * np.abs(known).max())


def _leaders(means: FloatArray, larger_is_better: bool) -> npt.NDArray[np.bool_]:
    """Which means equal the best of them; none where all are unknown."""
    if np.isnan(means).all():
        return np.zeros(means.shape, dtype=bool)
    return means == (np.nanmax(means) if larger_is_better else np.nanmin(means))


def mean_ranks(means: pd.DataFrame, larger_is_better: bool = True) -> pd.Series:
    """Mean rank of each method over tasks (1 is best, ties share the average).

    Args:
        means: methods × tasks.
        larger_is_better: which end gets rank 1.

    Returns:
        One value per method. A method without a score on some task has none (NaN), and the others
        are ranked among themselves: ranks over different sets of tasks do not compare.
    """
    complete = means.dropna()
    ranks = complete.rank(ascending=not larger_is_better).mean(axis=1)
    return ranks.reindex(means.index)
