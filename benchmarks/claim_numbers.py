"""Numbers of claims: computed from rows, and written as pages write them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import pandas as pd
from claim_data import Frames
from claim_list import Number

from surrobench.errors import UserError
from surrobench.report.statistics.intervals import mean_interval

WORDS = [
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    "twenty",
]  # fmt: skip


def both(*conditions: str) -> str:
    """All conditions at once, as one query."""
    return " and ".join(f"({condition})" for condition in conditions if condition)


def computed(frame: pd.DataFrame, expression: str) -> pd.Series:
    """An expression over the columns that it names: pandas looks at all that it is given."""
    if expression in frame.columns:
        return frame[expression]
    words = set(re.findall(r"\w+", expression))
    return frame[[name for name in frame.columns if name in words]].eval(expression)


class NoRowsError(UserError):
    """No row matches what a number asks for."""


def select(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """Rows that match.

    Raises:
        NoRowsError: if none does, which is a name that is no longer so.
    """
    found = frame[computed(frame, where)] if where else frame
    if found.empty:
        raise NoRowsError(f"no row matches: {where}")
    return found


def evaluate(numbers: Mapping[str, Number], frames: Frames, where: str = "") -> dict[str, float]:
    """Every number of a claim or of a cell, formulas last."""
    values: dict[str, float] = {}
    for name, number in numbers.items():
        if not number.formula:
            rows = select(frames[number.data], both(number.where, where))
            values[name] = float(_take(number, rows))
    for name, number in numbers.items():
        if number.formula:
            values[name] = float(pd.DataFrame([values]).eval(number.formula).iloc[0])
    return values


def holds(condition: str, values: Mapping[str, float]) -> bool:
    """Whether a condition on the numbers of a claim is so."""
    return bool(pd.DataFrame([dict(values)]).eval(condition).iloc[0])


def _take(number: Number, rows: pd.DataFrame) -> float:
    if number.take == "size":
        return len(rows)
    if number.take in ("rank", "leading", "methods"):
        return _standing(number, rows)
    values = computed(rows, number.value)
    if number.take == "nunique":
        return int(values.nunique())
    values = values.astype(float)
    if number.per:
        values = values.groupby([rows[name] for name in number.per]).mean()
    match number.take:
        case "count" | "sum":
            return float(values.sum())
        case "only":
            if values.nunique(dropna=False) != 1:
                raise UserError(f"not one value but {values.nunique()}: {number.where}")
            return float(values.iloc[0])
        case "half":
            interval = mean_interval(values.to_numpy())
            return interval.high - interval.mean
        case "above":
            return int((values >= number.q).sum())
        case "quantile":
            return float(values.quantile(number.q))
        case _:
            return float(getattr(values, number.take)())


def _standing(number: Number, rows: pd.DataFrame) -> float:
    """Places of methods by mean rank over groups, among those that all groups have."""
    index = [*number.per, *([number.weigh] if number.weigh else [])]
    table = rows.pivot_table(index=index, columns=number.by, values=number.value)
    ranks = table.dropna(axis=1).rank(axis=1, ascending=not number.larger)
    if number.weigh:
        ranks = ranks.groupby(level=number.weigh).mean()
    places = ranks.mean().sort_values()
    if number.take == "methods":
        return sum(bool(re.search(number.of, name)) for name in places.index)
    if number.take == "leading":
        misses = [i for i, name in enumerate(places.index) if not re.search(number.of, name)]
        return misses[0] if misses else len(places)
    if number.of not in places.index:
        raise UserError(f"'{number.of}' has no rank: some of {number.per} lack it")
    return float(places[number.of])


def written(value: float, spec: str) -> str:
    """A number as pages write it.

    Args:
        value: the number.
        spec: ``p`` (a p-value: ``p = 0.048``, ``p < 0.001``), ``word`` or ``Word`` (``fourteen``),
            ``bare2`` (``.62``), or what Python's ``format`` takes; minus signs are true ones.
    """
    if math.isnan(value) or math.isinf(value):
        return "–"
    if spec == "p":
        return "p < 0.001" if value < 0.001 else f"p = {value:.{2 if value >= 0.1 else 3}f}"
    if spec in ("word", "Word"):
        text = WORDS[round(value)] if round(value) < len(WORDS) else f"{value:,.0f}"
        return text.capitalize() if spec == "Word" else text
    if spec.startswith("bare"):
        text = f"{value:.{spec[4:]}f}".replace("0.", ".", 1)
    else:
        text = format(round(value) if spec in ("d", ",d") else value, spec)
    if float(text.replace(",", "").rstrip("%") or 0) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")
