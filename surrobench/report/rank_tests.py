"""Whether methods differ in rank over many blocks: Friedman's test, and Nemenyi's after it.

Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 2006.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats


@dataclass(frozen=True)
class RankTest:
    """The ranks of methods over blocks, and which of them differ.

    Attributes:
        ranks: mean rank of each method, 1 is best, best first.
        blocks: number of blocks (tasks, or seeds) that all methods have.
        statistic: Friedman's chi-squared.
        p: its p-value; NaN where there is nothing to test.
        critical_difference: of mean ranks at 5 % by Nemenyi's test; NaN likewise.
        pairs: Nemenyi's p-values, methods × methods; NaN likewise.
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
        The ranks, without a test for fewer than three methods, fewer than two blocks, or scores
        that are equal in every block.
    """
    complete = scores.dropna(axis=1)
    ranks = complete.rank(axis=1, ascending=not larger_is_better)
    mean = ranks.mean().sort_values(kind="stable")
    blocks, methods = complete.shape
    unknown = pd.DataFrame(np.nan, index=mean.index, columns=mean.index)
    if blocks < 2 or methods < 3 or (ranks.nunique(axis=1) == 1).all():
        return RankTest(mean, blocks, np.nan, np.nan, np.nan, unknown)
    from scikit_posthocs import posthoc_nemenyi_friedman

    friedman = stats.friedmanchisquare(*(ranks[name] for name in ranks))
    values = posthoc_nemenyi_friedman(ranks.to_numpy()).to_numpy()
    pairs = pd.DataFrame(values, index=ranks.columns, columns=ranks.columns)
    return RankTest(
        mean,
        blocks,
        float(friedman.statistic),
        float(friedman.pvalue),
        critical_difference(methods, blocks, alpha),
        pairs.loc[mean.index, mean.index],
    )


def critical_difference(methods: int, blocks: int, alpha: float = 0.05) -> float:
    """Least difference of two mean ranks that Nemenyi's test calls significant."""
    q = stats.studentized_range.ppf(1 - alpha, methods, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(methods * (methods + 1) / (6 * blocks)))
