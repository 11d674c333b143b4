"""Whether methods differ in rank over many blocks: Friedman's test, and Nemenyi's after it.

Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 2006. The published
limits hold for many blocks; here the distributions of both statistics come from permutations of
the ranks within blocks, which is what they approximate, so that the tests keep their level with
few blocks and with ties.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from surrobench.arrays import FloatArray

PERMUTATIONS = 10_000
LEAST_LEVEL = 0.03
"""A test of 5 % whose level is below this joins methods for want of blocks, and is not made."""
_TOGETHER = 1_000
_CLOSE = 1e-9


@dataclass(frozen=True)
class RankTest:
    """The ranks of methods over blocks, and which of them differ.

    Attributes:
        ranks: mean rank of each method, 1 is best, best first.
        blocks: number of blocks (tables, or seeds) that all methods have.
        statistic: Friedman's chi-squared.
        p: its p-value; NaN where there is nothing to test.
        critical_difference: least significant difference of mean ranks at 5 %; NaN likewise.
        pairs: p-values of the differences, adjusted for all pairs, methods × methods; NaN likewise.
    """

    ranks: pd.Series
    blocks: int
    statistic: float
    p: float
    critical_difference: float
    pairs: pd.DataFrame


def rank_test(scores: pd.DataFrame, larger_is_better: bool = True, alpha: float = 0.05) -> RankTest:
    """Rank methods within each block and test whether their mean ranks differ.

    Args:
        scores: blocks × methods. Methods that lack a block are left out.
        larger_is_better: which end gets rank 1.
        alpha: level of the critical difference.

    Returns:
        The ranks, without a test where :func:`mean_rank_test` makes none.
    """
    complete = scores.dropna(axis=1)
    return mean_rank_test(complete.rank(axis=1, ascending=not larger_is_better), alpha)


def mean_rank_test(ranks: pd.DataFrame, alpha: float = 0.05) -> RankTest:
    """Test whether mean ranks differ by more than permutations of the ranks within blocks do.

    Args:
        ranks: blocks × methods, without gaps; mean ranks over the tasks of a table, perhaps.
        alpha: level of the critical difference.

    Returns:
        No test for fewer than three methods, fewer than two blocks, ranks that are equal in every
        block, or so few blocks that the level would be below :data:`LEAST_LEVEL`.
    """
    mean = ranks.mean().sort_values(kind="stable")
    blocks, methods = ranks.shape
    unknown = pd.DataFrame(np.nan, index=mean.index, columns=mean.index)
    nothing = RankTest(mean, blocks, np.nan, np.nan, np.nan, unknown)
    if blocks < 2 or methods < 3 or (ranks.nunique(axis=1) == 1).all():
        return nothing
    values = ranks.to_numpy(dtype=np.float64)
    own = blocks**2 * float(((mean - mean.mean()) ** 2).sum())
    within = float(((values - values.mean(axis=1, keepdims=True)) ** 2).sum()) / (methods - 1)
    ranges, spread = _permuted(np.sort(values, axis=1).tobytes(), blocks)
    limit = ranges[int(np.ceil((1 - alpha) * ranges.size)) - 1]
    beyond = ranges[ranges > limit + _CLOSE]
    if beyond.size < LEAST_LEVEL * ranges.size:
        return nothing
    gaps = np.abs(mean.to_numpy()[:, None] - mean.to_numpy())
    pairs = _share(ranges, gaps)
    return RankTest(
        mean,
        blocks,
        own / within,
        float(_share(spread, np.array(own))),
        float(beyond[0]),
        pd.DataFrame(pairs, index=mean.index, columns=mean.index),
    )


def _share(ordered: FloatArray, observed: FloatArray) -> FloatArray:
    """Of permutations, the observed one among them, that are at least as extreme."""
    beyond = ordered.size - np.searchsorted(ordered, observed * (1 - _CLOSE))
    return np.asarray((beyond + 1) / (ordered.size + 1), dtype=np.float64)


@lru_cache(maxsize=32)
def _permuted(ranks: bytes, blocks: int) -> tuple[FloatArray, FloatArray]:
    """The range of mean ranks and the sum of squares of rank sums of permutations, ascending.

    Args:
        ranks: blocks × methods in single file, sorted within blocks: what can be kept for many
            tests, for without ties all have the same.
        blocks: their number.
    """
    rng = np.random.default_rng(0)
    values = np.frombuffer(ranks).reshape(blocks, -1)
    centred = values - values.mean()
    ranges, spread = [], []
    for _ in range(0, PERMUTATIONS, _TOGETHER):
        drawn = rng.permuted(np.broadcast_to(centred, (_TOGETHER, *values.shape)), axis=2)
        sums = drawn.sum(axis=1)
        ranges.append(np.ptp(sums, axis=1) / blocks)
        spread.append((sums**2).sum(axis=1))
    return np.sort(np.concatenate(ranges)), np.sort(np.concatenate(spread))
