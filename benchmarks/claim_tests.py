"""Whether one method is ahead of another, behind it, or cannot be told from it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from claim_data import Frames
from claim_list import Test
from claim_numbers import both, computed, select
from scipy import stats

from surrobench.errors import UserError
from surrobench.report.statistics import holm, signed_rank, signed_ranks

ALPHA = 0.05
NAMES = {
    "wilcoxon": "Wilcoxon's signed-rank test",
    "signs": "permutation test (signs flipped)",
    "binomial": "exact binomial test of wins",
}


@dataclass(frozen=True)
class Outcome:
    """One pair tested: mean advantage of ``first``, units, p as it is and adjusted."""

    label: str
    kind: str
    family: str
    expected: str
    advantage: float
    units: int
    unit: str
    p: float
    adjusted: float
    comparisons: int

    @property
    def verdict(self) -> str:
        """``ahead``, ``behind`` or ``undecided`` at 5 % after adjustment."""
        if not self.adjusted < ALPHA:
            return "undecided"
        return "ahead" if self.advantage > 0 else "behind"

    def text(self) -> str:
        """One line of evidence."""
        p = "p < 0.001" if self.adjusted < 0.001 else f"p = {self.adjusted:.2g}"
        return (
            f"{self.label}: {self.advantage:+.3g} over {self.units} {self.unit}; "
            f"{NAMES[self.kind]}, Holm over {self.comparisons}: {p}: {self.verdict}"
        )


def outcomes(tests: Sequence[Test], frames: Frames) -> list[Outcome]:
    """Every pair of every test, adjusted over the families that the tests name."""
    found = [outcome for test in tests for outcome in _pairs(test, frames)]
    families: dict[str, list[int]] = {}
    for place, outcome in enumerate(found):
        if not outcome.comparisons:
            families.setdefault(outcome.family, []).append(place)
    for places in families.values():
        for place, p in zip(places, holm([found[i].p for i in places]), strict=True):
            found[place] = replace(found[place], adjusted=float(p), comparisons=len(places))
    return found


def _pairs(test: Test, frames: Frames) -> list[Outcome]:
    found = []
    for chosen in itertools.product(*test.each.values()):
        conditions = [f"{name} == {value!r}" for name, value in zip(test.each, chosen, strict=True)]
        rows = select(frames[test.data], both(test.where, *conditions))
        rows = rows[[*test.unit, test.method]].assign(
            score=computed(rows, test.value).astype(float)
        )
        scores = rows.groupby([*test.unit, test.method])["score"].mean().unstack(test.method)
        pairs = test.pairs or list(
            itertools.product(_named(test.first, scores), _named(test.second, scores))
        )
        at = ", ".join(map(str, chosen))
        found += [_pair(test, scores, first, second, at) for first, second in pairs]
    return found


def _named(methods: str | list[str], scores: pd.DataFrame) -> list[str]:
    """Methods by their names, or all that match a regular expression after ``~``."""
    if isinstance(methods, list):
        return methods
    if not methods.startswith("~"):
        return [methods]
    return [name for name in scores.columns if re.search(methods[1:], name)]


def _pair(test: Test, scores: pd.DataFrame, first: str, second: str, at: str) -> Outcome:
    if missing := {first, second} - set(scores.columns):
        raise UserError(f"no scores of {', '.join(sorted(missing))}")
    difference = (scores[first] - scores[second]).dropna()
    if difference.empty:
        raise UserError(f"'{first}' and '{second}' have no {' and '.join(test.unit)} in common")
    difference = difference if test.larger else -difference
    values = difference.round(12).to_numpy()
    p, adjusted, comparisons = _p_value(test.kind, values), np.nan, 0
    if test.all_pairs:
        adjusted, comparisons = _among_all(scores, first, second)
    return Outcome(
        label=f"{first} against {second}" + (f" at {at}" if at else ""),
        kind=test.kind,
        family=test.family,
        expected=test.verdict,
        advantage=float(values.mean()),
        units=len(values),
        unit=" × ".join(test.unit) + "s",
        p=p,
        adjusted=adjusted,
        comparisons=comparisons,
    )


def _p_value(kind: str, values: np.ndarray) -> float:
    if not values.any():
        return 1.0
    if kind == "wilcoxon":
        return signed_rank(values)
    if kind == "binomial":
        wins, losses = int((values > 0).sum()), int((values < 0).sum())
        return float(stats.binomtest(wins, wins + losses).pvalue)
    flipped = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=99_999, rng=0
    )
    return float(flipped.pvalue)


def _among_all(scores: pd.DataFrame, first: str, second: str) -> tuple[float, int]:
    """Wilcoxon's p of one pair, adjusted over all pairs of methods, and the number of these."""
    pairs = list(itertools.combinations(scores.columns, 2))
    differences = np.column_stack([scores[a] - scores[b] for a, b in pairs]).round(12)
    adjusted = holm(signed_ranks(differences))
    place = next(i for i, pair in enumerate(pairs) if set(pair) == {first, second})
    return float(adjusted[place]), len(pairs)
