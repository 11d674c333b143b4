"""How large a difference is, beside whether it is there; and how many seeds would show it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from surrobench.arrays import FloatArray

MOST_SEEDS = 10_000
"""More seeds than this are not worth a number."""


def probability_of_improvement(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Probability that a run of the first scores higher than a run of the second.

    Ties count half: the Mann-Whitney statistic over the number of pairs of runs, as Agarwal et al.
    (NeurIPS 2021) define it for one task. NaN without a run on either side.
    """
    x, y = _finite(first), _finite(second)
    if not x.size or not y.size:
        return float("nan")
    return float(np.mean((x[:, None] > y) + 0.5 * (x[:, None] == y)))


def paired_effect(differences: npt.ArrayLike) -> float:
    """Standardised mean of paired differences, Hedges' correction applied.

    Cohen's d of differences (mean over standard deviation) times ``1 - 3 / (4 (n - 1) - 1)``.
    Infinite where all differences are equal but not zero, NaN for fewer than three pairs.
    """
    values = _finite(differences)
    if values.size < 3:
        return float("nan")
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    if deviation <= 1e-12 * max(abs(mean), 1e-300):
        return 0.0 if mean == 0 else float(np.copysign(np.inf, mean))
    return mean / deviation * (1 - 3 / (4 * (values.size - 1) - 1))


def rank_biserial(differences: npt.ArrayLike) -> float:
    """Matched-pairs rank-biserial correlation: from -1 (all worse) to 1 (all better).

    The difference of the two rank sums of Wilcoxon's test over their total (Kerby, 2014); 0 if all
    differences are zero, NaN without a pair.
    """
    values = _finite(differences)
    if not values.size:
        return float("nan")
    values = values[values != 0]
    from scipy import stats  # takes a second to import

    ranks = stats.rankdata(np.abs(values))
    return float((np.sign(values) * ranks).sum() / ranks.sum()) if values.size else 0.0


def seeds_needed(effect: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """Common seeds with which the paired test by sign flips of two methods finds such an effect.

    The size of a paired t test (statsmodels), which it equals with many seeds (Hoeffding, 1952),
    and at least so many that flips can be significant at all. It trusts an effect that was
    estimated from the same few seeds, and no correction for several comparisons is in it.

    Args:
        effect: standardised mean difference, as of :func:`paired_effect`; two digits of it count.
        alpha: two-sided level.
        power: probability of finding the effect.

    Returns:
        A whole number; infinite beyond :data:`MOST_SEEDS`, NaN for an unknown effect.
    """
    if np.isnan(effect):
        return float("nan")
    least = int(np.floor(1 - np.log2(alpha))) + 1
    size = float(f"{abs(effect):.2g}")
    if size > 10:
        return float(least)
    seeds = _t_test_size(size, alpha, power) if size > 0 else np.inf
    return float(max(least, seeds)) if seeds <= MOST_SEEDS else float("inf")


@lru_cache(maxsize=4096)
def _t_test_size(effect: float, alpha: float, power: float) -> float:
    """Smallest number of pairs with which a paired t test has the power, by bisection."""
    from statsmodels.stats.power import TTestPower

    def lacks(pairs: int) -> bool:  # not a number where the power is as good as 1
        return bool(TTestPower().power(effect, pairs, alpha) < power)

    low, high = 1, MOST_SEEDS
    if lacks(high):
        return float("inf")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if lacks(middle) else (low, middle)
    return float(high)


def _finite(values: npt.ArrayLike) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    return array[np.isfinite(array)]
