"""Tests of paired scores by flipping signs, which know of all comparisons made at once.

If methods do not differ, the vector of a block's scores around their common level is as likely as
its mirror image, so that the differences of all pairs of methods may change sign together, block by
block. The greatest statistic over all comparisons, under all such flips, gives p-values that are
adjusted for the number of comparisons, for the dependence between them and, where methods are held
against the best, for the best having been chosen from the same scores.

Westfall and Young, "Resampling-based multiple testing", 1993; Romano and Wolf, "Exact and
approximate stepdown methods for multiple hypothesis testing", JASA 2005. The statistic of a pair is
the sum of its differences over the root of the sum of their squares, which rises with Student's t.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from surrobench.arrays import BoolArray, FloatArray

EXACT = 12
"""Up to so many blocks all flips are gone through; beyond, as many are drawn at random."""
FLIPS = 2**EXACT
LEAST_LEVEL = 0.03
"""A test of 5 % whose level is below this says nothing where it does not reject."""
LEAST_APART = 0.5
"""Of common blocks, for the median comparison: where fewer differ, as regrets do that are zero in
most runs, the test is far more cautious than its level (``results/statistics``)."""
_CLOSE = 1e-9
_EQUAL = 1e-12
"""Scores that differ by less, relative to the largest, are equal up to rounding."""
_TOGETHER = 256


@dataclass(frozen=True)
class Family:
    """Verdicts on a family of comparisons.

    Attributes:
        p: of each comparison alone; NaN without a pair.
        adjusted: for all comparisons; NaN likewise.
        level: probability of a false rejection in the family if nothing differs, at most alpha.
        sound: whether the test has about its nominal level: :data:`LEAST_LEVEL` or more, and the
            methods differ in most blocks (:data:`LEAST_APART`).
        conclusive: comparisons whose not being rejected means something: the test is sound and
            could have rejected this one, or all differences are zero.
    """

    p: FloatArray
    adjusted: FloatArray
    level: float
    sound: bool
    conclusive: BoolArray


def least_blocks(alpha: float = 0.05) -> int:
    """The fewest blocks with which a two-sided test by sign flips can reject at ``alpha``.

    A flip and its mirror image are equally extreme, so that the least p-value is ``2 / 2**blocks``.
    """
    return next(blocks for blocks in range(1, 64) if 2.0 ** (1 - blocks) <= alpha)


_ENOUGH = {6: "six"}[least_blocks()]
WHY_OPEN = (
    f"too few common seeds ({_ENOUGH} can be enough), differences so uneven "
    "over seeds that one sign on all of them would not be significant, or scores that are equal on "
    "most seeds"
)
"""When a comparison is not :attr:`~Family.conclusive`: the level of the test, what its statistic
can reach where one method is ahead on every block, and :data:`LEAST_APART`."""


@lru_cache(maxsize=64)
def signs(blocks: int) -> FloatArray:
    """Flips of the signs of ``blocks`` blocks (``flips × blocks``); the first leaves all as is."""
    if blocks <= EXACT:
        bits = (np.arange(2**blocks)[:, None] >> np.arange(blocks)) & 1
        return np.asarray(1.0 - 2.0 * bits)
    drawn = np.random.default_rng(0).choice([-1.0, 1.0], size=(FLIPS, blocks))
    drawn[0] = 1.0
    return drawn


def compare_all(scores: npt.ArrayLike, alpha: float = 0.05) -> Family:
    """Two-sided step-down test of all pairs of methods.

    Args:
        scores: blocks × methods, NaN where there is none.
        alpha: level of the family.

    Returns:
        One entry per pair, in the order of :func:`itertools.combinations`.
    """
    finite = _finite(scores)
    first, second = np.triu_indices(finite.shape[1], 1)
    differences = finite[:, first] - finite[:, second]
    return _step_down(_without_noise(differences, finite), np.isfinite(differences), alpha)


def compare_pairs(differences: npt.ArrayLike, alpha: float = 0.05) -> Family:
    """Two-sided step-down test of paired differences, as :func:`compare_all` tests its pairs.

    Args:
        differences: blocks × comparisons, without rounding noise; NaN where there is no pair.
        alpha: level of the family.

    Returns:
        One entry per comparison.
    """
    array = np.asarray(differences, dtype=np.float64)
    array = array[np.isfinite(array).any(axis=1)]
    known = np.isfinite(array)
    return _step_down(np.where(known, array, 0.0), known, alpha)


def _step_down(values: FloatArray, known: BoolArray, alpha: float) -> Family:
    """The greatest statistic among all comparisons that are no further apart than each one."""
    flips, scale = signs(len(values)), _scale(values)
    observed = np.abs(values.sum(axis=0)) / scale
    order = np.argsort(observed, kind="stable")
    p, adjusted = np.ones(len(order)), np.ones(len(order))
    running = np.zeros(len(flips))
    for start in range(0, len(order), _TOGETHER):
        part = order[start : start + _TOGETHER]
        outcomes = np.abs(flips @ values[:, part]) / scale[part]
        p[part] = (outcomes >= observed[part] - _CLOSE).mean(axis=0)
        outcomes[:, 0] = np.maximum(outcomes[:, 0], running)
        np.maximum.accumulate(outcomes, axis=1, out=outcomes)
        running = outcomes[:, -1]
        adjusted[part] = (outcomes >= observed[part] - _CLOSE).mean(axis=0)
    adjusted[order[::-1]] = np.maximum.accumulate(adjusted[order[::-1]])
    return _family(p, adjusted, known, values, running, alpha)


def compare_with_best(scores: npt.ArrayLike, best: int, alpha: float = 0.05) -> Family:
    """Whether each method is worse than the one with the best mean, which is chosen again.

    In every flip the best is that of the flipped scores, so that the choice is part of the test.

    Args:
        scores: blocks × methods, larger being better; NaN where there is none.
        best: place of the method with the best mean.
        alpha: level of the family.

    Returns:
        One entry per method; nothing is said of the best itself.
    """
    finite = _finite(scores)
    flips = signs(len(finite))
    counts = np.maximum(np.isfinite(finite).sum(axis=0), 1)
    level = np.nansum(finite, axis=1) / np.maximum(np.isfinite(finite).sum(axis=1), 1)
    means = flips @ np.nan_to_num(finite - level[:, None]) / counts
    means[:, ~np.isfinite(finite).any(axis=0)] = -np.inf
    leaders = means.argmax(axis=1)
    leaders[0] = best
    greatest = np.empty(len(flips))
    for leader in np.unique(leaders):
        chosen = leaders == leader
        values = _without_noise(finite[:, [leader]] - finite, finite)
        greatest[chosen] = (flips[chosen] @ values / _scale(values)).max(axis=1)
    differences = finite[:, [best]] - finite
    differences[:, best] = np.nan
    values = _without_noise(differences, finite)
    outcomes = flips @ values / _scale(values)
    p = (np.abs(outcomes) >= np.abs(outcomes[0]) - _CLOSE).mean(axis=0)
    adjusted = np.maximum((greatest[:, None] >= outcomes[0] - _CLOSE).mean(axis=0), p)
    return _family(p, adjusted, np.isfinite(differences), values, greatest, alpha)


def _finite(scores: npt.ArrayLike) -> FloatArray:
    """Blocks with a pair; NaN where there is no score."""
    array = np.asarray(scores, dtype=np.float64)
    known = np.isfinite(array)
    return np.where(known, array, np.nan)[known.sum(axis=1) >= 2]


def _without_noise(differences: FloatArray, scores: FloatArray) -> FloatArray:
    """Differences with zeros for what is unknown or rounding."""
    size = float(np.nanmax(np.abs(scores), initial=0.0))
    return np.where(np.abs(differences) > _EQUAL * size, differences, 0.0)


def _scale(values: FloatArray) -> FloatArray:
    scale = np.sqrt((values**2).sum(axis=0))
    return np.where(scale > 0, scale, 1.0)


def _family(
    p: FloatArray,
    adjusted: FloatArray,
    known: BoolArray,
    values: FloatArray,
    greatest: FloatArray,
    alpha: float,
) -> Family:
    """What the greatest statistic of every flip leaves to be found."""
    limit = -np.partition(-greatest, int(alpha * greatest.size))[int(alpha * greatest.size)]
    least = 2.0 ** (1 - len(values))  # what the p-value of a single pair can be
    level = float((greatest > limit + _CLOSE).mean()) if least < alpha else 0.0
    most = np.abs(values).sum(axis=0) / _scale(values)
    equal, pairs = ~values.any(axis=0), known.sum(axis=0)
    apart = (values != 0).sum(axis=0)[pairs > 0] / pairs[pairs > 0]
    sound = level >= LEAST_LEVEL and apart.size > 0 and float(np.median(apart)) >= LEAST_APART
    reachable = (most > limit + _CLOSE) & sound
    reachable |= equal & (2.0 ** (1 - pairs) < alpha)
    p, adjusted = (np.where(pairs > 0, found, np.nan) for found in (p, adjusted))
    return Family(p, adjusted, level, sound, reachable & (pairs > 0))
