"""Every method against every other over their common seeds."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from surrobench.arrays import FloatArray
from surrobench.report.statistics import effects, sign_flips
from surrobench.report.statistics.intervals import mean_intervals

COLUMNS = (
    "method",
    "other",
    "pairs",
    "advantage",
    "low",
    "high",
    "p",
    "p_adjusted",
    "outcome",
    "probability_of_improvement",
    "effect",
    "rank_biserial",
    "seeds_needed",
)
_OPPOSITE = {"win": "loss", "loss": "win"}


def compare_pairs(
    scores: pd.DataFrame,
    larger_is_better: bool = True,
    alpha: float = 0.05,
    skewed: bool = False,
    marked: bool = True,
) -> pd.DataFrame:
    """Compare all pairs of methods on one task.

    Args:
        scores: seeds × methods, NaN where a method has no score.
        larger_is_better: which sign of a difference is an advantage.
        alpha: level of the family of tests.
        skewed: whether scores of the kind have a long tail or many zeros: their differences have
            no interval, for none keeps its level both where two methods vary alike and where not.
        marked: whether a test may be made (:class:`~surrobench.report.common.measures.Measure`); if
            not, there is no ``p`` and no ``outcome``.

    Returns:
        A row per ordered pair, sorted by ``method`` and ``other``: ``pairs`` (common seeds);
        ``advantage`` (mean by which ``method`` is better) with a 95 % interval ``low`` to ``high``
        (:func:`~surrobench.report.statistics.intervals.mean_intervals`, NaN where none holds);
        ``p`` (two-sided, of this pair alone) and ``p_adjusted`` (over all pairs) of
        :func:`~surrobench.report.statistics.sign_flips.compare_all`; ``outcome``: ``win``, ``loss``
        or ``tie`` at ``alpha``, and empty where so few seeds could not have told any difference;
        ``probability_of_improvement``; ``effect`` (Hedges' g of the paired differences);
        ``rank_biserial``; and ``seeds_needed`` to tell the two apart with a power of 80 % if the
        effect is what it seems.
    """
    sign = 1.0 if larger_is_better else -1.0
    values = {str(name): sign * column.to_numpy(float) for name, column in scores.items()}
    names = list(combinations(values, 2))
    if not names:
        return pd.DataFrame(columns=list(COLUMNS))
    with np.errstate(invalid="ignore"):  # two infinite scores: their difference is unknown
        differences = np.column_stack([values[a] - values[b] for a, b in names])
    half = pd.DataFrame(names, columns=["method", "other"])
    family = sign_flips.compare_all(np.column_stack(list(values.values())), alpha)
    half = half.join(_tests(differences, family, alpha, skewed)).join(_sizes(differences))
    if not marked:
        half = half.assign(p=np.nan, p_adjusted=np.nan, outcome="")
    half["probability_of_improvement"] = [
        effects.probability_of_improvement(values[a], values[b]) for a, b in names
    ]
    both = pd.concat([half, _turned(half)])[list(COLUMNS)]
    return both.sort_values(["method", "other"], ignore_index=True)


def _tests(
    differences: FloatArray, family: sign_flips.Family, alpha: float, skewed: bool
) -> pd.DataFrame:
    known = np.isfinite(differences)
    pairs = known.sum(axis=0)
    total = np.where(known, differences, 0.0).sum(axis=0)
    table = pd.DataFrame({"pairs": pairs})
    table["advantage"] = total / table["pairs"].where(pairs > 0)
    low, high = mean_intervals(differences)
    table["low"], table["high"] = (np.nan, np.nan) if skewed else (low, high)
    table["p"], table["p_adjusted"] = family.p, family.adjusted
    better = np.where(table["advantage"] > 0, "win", "loss")
    undecided = np.where(family.conclusive, "tie", "")
    table["outcome"] = np.where(table["p_adjusted"] < alpha, better, undecided)
    return table


def _sizes(differences: FloatArray) -> pd.DataFrame:
    effect = [effects.paired_effect(column) for column in differences.T]
    return pd.DataFrame(
        {
            "effect": effect,
            "rank_biserial": [effects.rank_biserial(column) for column in differences.T],
            "seeds_needed": [effects.seeds_needed(value) for value in effect],
        }
    )


def _turned(half: pd.DataFrame) -> pd.DataFrame:
    """The same pairs seen from the other side."""
    turned = half.rename(columns={"method": "other", "other": "method"})
    for column in ("advantage", "effect", "rank_biserial"):
        turned[column] = -half[column]
    turned["low"], turned["high"] = -half["high"], -half["low"]
    turned["probability_of_improvement"] = 1 - half["probability_of_improvement"]
    turned["outcome"] = half["outcome"].replace(_OPPOSITE)
    return turned
