"""Which methods are the best of a task, and their mean ranks over tasks.

Scores are paired: at one task, train size and seed all methods saw the same training and test
architectures. The random draw is the seed, so tests speak of other draws of the training set on the
same task, not of other tasks.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from surrobench.arrays import FloatArray
from surrobench.report.statistics import sign_flips


def versus_best(
    scores: pd.DataFrame, larger_is_better: bool = True, alpha: float = 0.05, marked: bool = True
) -> pd.DataFrame:
    """Compare every method with the best one over their common seeds.

    Args:
        scores: seeds × methods, NaN where a method has no score.
        larger_is_better: which mean is the best.
        alpha: level of the family of comparisons.
        marked: whether a test may be made (:class:`~surrobench.report.common.measures.Measure`).

    Returns:
        One row per method: ``best``; ``second``, the best mean of the others; ``p`` of
        :func:`~surrobench.report.statistics.sign_flips.compare_with_best`, adjusted for all methods
        and for the choice of the best (NaN for the best); ``pairs``, common seeds with the best;
        ``not_worse``, not significantly different from the best. ``not_worse`` is False where the
        test could not have found any difference with that many pairs, so that too few seeds never
        look like a draw. Where all of several methods have one mean, none is the best.
    """
    values = scores.to_numpy(dtype=np.float64)
    count = scores.shape[1]
    best, second, not_worse = np.zeros((3, count), dtype=bool)
    p, pairs = np.full(count, np.nan), np.zeros(count, dtype=int)
    means = scores.mean().to_numpy()
    if np.isfinite(means).any() and not _all_equal(means):
        leader = int(np.nanargmax(means) if larger_is_better else np.nanargmin(means))
        best[leader] = True
        second = _leaders(np.where(best, np.nan, means), larger_is_better)
        with np.errstate(invalid="ignore"):  # two infinite scores: their difference is unknown
            pairs = np.where(best, 0, np.isfinite(values[:, [leader]] - values).sum(axis=0))
        if marked:
            signed = values if larger_is_better else -values
            found = sign_flips.compare_with_best(signed, leader, alpha)
            p, not_worse = found.adjusted, found.conclusive & (found.adjusted >= alpha)
    columns = {"best": best, "second": second, "p": p, "pairs": pairs, "not_worse": not_worse}
    return pd.DataFrame(columns, index=scores.columns)


def untested(table: pd.DataFrame) -> pd.Series:
    """Which rows of a comparison a test tells nothing of, although it does of others.

    Args:
        table: columns of :func:`versus_best` and ``seeds``, of everything that is shown together.

    Returns:
        True for what has a score and is neither the best nor significantly worse nor ``not_worse``;
        all False if no test tells anything, which then is said of all at once.
    """
    told = table["not_worse"] | (table["p"] < 0.05)
    open_rows = ~(told | table["best"]) & (table["seeds"] > 0)
    return open_rows & bool(told.any())


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
