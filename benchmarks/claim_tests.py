"""Whether one method is ahead of another, behind it, or cannot be told from it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from claim_data import Frames
from claim_list import Test
from claim_numbers import both, computed, select

from surrobench.errors import UserError
from surrobench.report.statistics.sign_flips import compare_all, compare_pairs

ALPHA = 0.05


@dataclass(frozen=True)
class Outcome:
    """One pair tested: mean advantage of ``first``, the units, p adjusted for the family."""

    label: str
    family: str
    expected: str
    advantage: float
    unit: str
    differences: pd.Series = field(repr=False)
    adjusted: float = float("nan")
    comparisons: int = 0

    @property
    def verdict(self) -> str:
        """``ahead``, ``behind`` or ``undecided`` at 5 % after adjustment."""
        if not self.adjusted < ALPHA:
            return "undecided"
        return "ahead" if self.advantage > 0 else "behind"

    def text(self) -> str:
        """One line of evidence."""
        p = "p < 0.001" if self.adjusted < 0.001 else f"p = {self.adjusted:.2g}"
        among = "" if self.comparisons == 1 else f" among {self.comparisons} comparisons"
        return (
            f"{self.label}: {self.advantage:+.3g} over {len(self.differences)} {self.unit}; "
            f"{p}{among}: {self.verdict}"
        )


def outcomes(tests: Sequence[Test], frames: Frames) -> list[Outcome]:
    """Every pair of every test, adjusted for the families that the tests name."""
    found = [outcome for test in tests for outcome in _pairs(test, frames)]
    families: dict[str, list[int]] = {}
    for place, outcome in enumerate(found):
        if not outcome.comparisons:
            families.setdefault(outcome.family, []).append(place)
    for places in families.values():
        together = pd.concat([found[i].differences for i in places], axis=1)
        adjusted = compare_pairs(together.to_numpy(), ALPHA).adjusted
        for place, p in zip(places, adjusted, strict=True):
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
    difference = (difference if test.larger else -difference).round(12)
    adjusted, comparisons = _among_all(scores, first, second) if test.all_pairs else (np.nan, 0)
    return Outcome(
        label=f"{first} against {second}" + (f" at {at}" if at else ""),
        family=test.family,
        expected=test.verdict,
        advantage=float(difference.mean()),
        unit=" × ".join(test.unit) + "s",
        differences=difference,
        adjusted=adjusted,
        comparisons=comparisons,
    )


def _among_all(scores: pd.DataFrame, first: str, second: str) -> tuple[float, int]:
    """P of one pair, adjusted for all pairs of methods, and the number of these."""
    pairs = list(itertools.combinations(scores.columns, 2))
    place = next(i for i, pair in enumerate(pairs) if set(pair) == {first, second})
    return float(compare_all(scores.to_numpy(), ALPHA).adjusted[place]), len(pairs)
