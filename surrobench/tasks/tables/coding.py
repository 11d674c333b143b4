"""From the values of one decision to a variable and the choice index of each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from surrobench.arrays import BoolArray, FloatArray
from surrobench.base.wording import counted, one_or_many
from surrobench.spaces.architecture import Variable
from surrobench.spaces.blocks import ABSENT
from surrobench.tasks.files.faults import Faults
from surrobench.tasks.tables.card import Decision
from surrobench.tasks.tables.mixtures import as_numbers, without_minority

MOST_CHOICES = 1_000_000
NULL = -1
"""Code of a row that has no usable value."""
GAP = object()
"""Stands for what a shorter list, or a network without the part, does not have."""
LOG_FROM = 100.0
"""Positive numbers whose largest is over so many times their least may get a log scale."""


@dataclass(frozen=True)
class Coded:
    """One variable and the choice index of each row; :data:`NULL` where the row has no value."""

    variable: Variable
    codes: npt.NDArray[np.int64]


def code_numbers(
    name: str,
    values: FloatArray,
    present: BoolArray,
    decision: Decision,
    faults: Faults,
) -> Coded:
    """Code numbers; NaN has no value, and rows that are not ``present`` are absent."""
    if decision.empty_is_absent:
        present = present & ~np.isnan(values)
    known = present & ~np.isnan(values)
    distinct = set(np.unique(values[known]).tolist())
    listed = [] if decision.order is None else values.tolist()
    choices = _ordered(name, distinct, decision, listed, faults)
    optional = not bool(present.all())
    codes = np.full(len(values), NULL, dtype=np.int64)
    if choices:
        order = np.argsort(choices)
        place = np.searchsorted(np.array(choices, dtype=np.float64)[order], values[known])
        found = order[np.minimum(place, len(order) - 1)]
        matches = np.array(choices, dtype=np.float64)[found] == values[known]
        codes[known] = np.where(matches, found + optional, NULL)
    codes[~present] = 0
    _report_empty(name, np.flatnonzero(present & np.isnan(values)).tolist(), decision, faults)
    return _limited(name, choices, optional, codes, decision, faults)


def code_values(
    name: str,
    values: Sequence[Any],
    decision: Decision,
    faults: Faults,
    *,
    alone: bool = False,
    ordered: bool = False,
) -> Coded:
    """Code values of any plain kind; None has no value and :data:`GAP` is absent.

    Args:
        name: of the variable.
        values: of the rows.
        decision: as the card describes it.
        faults: what is wrong goes there.
        alone: whether the column is this one decision, not a part of a list or an object.
        ordered: whether texts sort in an order that means something, as dates do.
    """
    cleaned = [None if _is_nan(value) else value for value in values]
    if decision.empty_is_absent:
        cleaned = [GAP if value in (None, "") else value for value in cleaned]
    if any(value is GAP for value in cleaned):
        cleaned = [GAP if isinstance(v, str) and v == ABSENT else v for v in cleaned]
    if alone and not ordered:
        cleaned = as_numbers(name, cleaned, GAP, decision, faults)
    distinct = {value for value in cleaned if value is not None and value is not GAP}
    if len({isinstance(value, str) for value in distinct}) > 1:
        distinct = without_minority(name, cleaned, GAP, faults)
    choices = _ordered(name, distinct, decision, cleaned, faults)
    optional = any(value is GAP for value in cleaned)
    index = {choice: i + optional for i, choice in enumerate(choices)}
    codes = np.array([0 if v is GAP else index.get(v, NULL) for v in cleaned], dtype=np.int64)
    empty = [row for row, value in enumerate(cleaned) if value is None]
    _report_empty(name, empty, decision, faults)
    return _limited(name, choices, optional, codes, decision, faults, ordered)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float | Decimal) and value != value


def _report_empty(name: str, rows: list[int], decision: Decision, faults: Faults) -> None:
    report_missing(
        f"decision {name!r}",
        decision.column,
        rows,
        faults,
        " If an empty cell means that the network has no such part, say so in the card: "
        f'{{ column = "{decision.column}", absent = "not-there" }}.',
    )


def report_missing(
    what: str, column: str, rows: Sequence[int], faults: Faults, advice: str = ""
) -> None:
    """Report rows without a value, and apart from them those with a word that reads as missing."""
    words = faults.words(column, rows)
    if words:
        held = " or ".join(map(repr, sorted(set(words.values()))))
        faults.add(
            f"{what}: {counted(len(words), 'row holds', 'rows hold')} {held}, which "
            f"{one_or_many(len(words), 'is', 'are')} read as missing: {faults.rows(list(words))}. "
            "If this is a choice, rename it in the file, for example to 'none'; if not, fill in "
            "the choice or leave the cell empty."
        )
    if empty := [row for row in rows if row not in words]:
        faults.add(
            f"{what} has no value in {counted(len(empty), 'row')}: {faults.rows(empty)}.{advice}"
        )


def _ordered(
    name: str, distinct: set[Any], decision: Decision, values: Sequence[Any], faults: Faults
) -> list[Any]:
    """The choices: in the order of the card, else sorted."""
    if decision.order is None:
        return sorted(distinct)
    order: list[Any] = list(dict.fromkeys(decision.order))
    unknown = sorted(distinct - set(order), key=str)
    if unknown:
        rows = [row for row, value in enumerate(values) if value in unknown]
        faults.add(
            f"decision {name!r} has values that its 'order' does not list: "
            f"{', '.join(map(repr, unknown[:5]))}, in {faults.rows(rows)}."
        )
    return order


def _limited(
    name: str,
    choices: list[Any],
    optional: bool,
    codes: npt.NDArray[np.int64],
    decision: Decision,
    faults: Faults,
    ordered: bool = False,
) -> Coded:
    if len(choices) + optional > MOST_CHOICES:
        faults.add(
            f"decision {name!r} has {counted(len(choices), 'choice')} in "
            f"{counted(len(codes), 'row')}; at most "
            f"{MOST_CHOICES:,} are possible. Round its values, or leave out rows with 'where'."
        )
        choices = choices[: MOST_CHOICES - optional]
        codes = np.where(codes >= MOST_CHOICES, NULL, codes)
    return Coded(_variable(name, choices, optional, decision, ordered, faults), codes)


def _variable(
    name: str,
    choices: list[Any],
    optional: bool,
    decision: Decision,
    ordered: bool,
    faults: Faults,
) -> Variable:
    """Absent is choice 0; for a variable of numbers it is worth 0."""
    labels = ([ABSENT] if optional else []) + _labels(choices)
    if not labels:
        return Variable(name, (ABSENT,))
    numeric = bool(choices) and not any(issubclass(t, str | bool) for t in set(map(type, choices)))
    ranks = [float(i + optional) for i in range(len(choices))]
    worth, scale = _worth(name, choices, decision, numeric and decision.order is None, faults)
    if decision.order is not None or (ordered and decision.kind != "categorical"):
        worth = ranks
    elif decision.kind == "ordinal" and worth is None:
        worth = ranks
        if any(isinstance(choice, str) for choice in choices):
            shown = ", ".join(map(repr, choices[:5]))
            faults.add(
                f"decision {name!r} is ordinal but holds words ({shown}), whose order nobody "
                "knows; list them from first to last with order = […]."
            )
    if worth is None:
        return Variable(name, tuple(labels))
    return Variable(name, tuple(labels), tuple(([0.0] if optional else []) + worth), scale)


def _worth(
    name: str, choices: list[Any], decision: Decision, numeric: bool, faults: Faults
) -> tuple[list[float] | None, Literal["linear", "log"]]:
    """The numbers that choices stand for and their scale; None if they stand for none."""
    if not numeric or decision.kind == "categorical":
        if decision.scale == "log":
            faults.add(f'decision {name!r} has scale = "log", but its choices are no numbers.')
        return None, "linear"
    worth = [float(choice) for choice in choices]
    if len(set(worth)) < len(worth):  # whole numbers beyond what floats can tell apart
        return [float(i) for i in range(len(choices))], "linear"
    positive = min(worth) > 0
    if decision.scale == "log" and not positive:
        faults.add(
            f'decision {name!r} has scale = "log", but holds {min(worth):g}; a log scale needs '
            "numbers above 0."
        )
        return worth, "linear"
    log = decision.scale == "log" or (decision.scale == "auto" and positive and by_ratio(worth))
    return worth, "log" if log else "linear"


def by_ratio(worth: list[float]) -> bool:
    """Whether positive numbers span decades and lie more evenly by ratio than by difference.

    Uniform draws from (0, 1) span decades as well, but crowd at the upper end on a log scale.
    """
    values = np.array(worth)
    if len(values) < 3 or not values.max() / values.min() > LOG_FROM:
        return False
    return abs(_skewness(np.log(values))) < abs(_skewness(values))


def _skewness(values: FloatArray) -> float:
    centred = (values - values.mean()) / np.ptp(values)
    return float((centred**3).mean() / (centred**2).mean() ** 1.5)


def _labels(choices: list[Any]) -> list[str]:
    """``3.0`` and ``3`` read the same; other floats keep all their digits."""
    return [
        str(int(choice))
        if text.endswith(".0") and isinstance(choice, float) and abs(choice) < 1e15
        else text
        for choice, text in zip(choices, map(str, choices), strict=True)
    ]
