"""From the values of one decision to a variable and the choice index of each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from surrobench.spaces.architecture import Variable
from surrobench.spaces.blocks import ABSENT
from surrobench.tasks.card import Decision
from surrobench.tasks.columns import BoolArray, FloatArray
from surrobench.tasks.faults import Faults

MOST_CHOICES = 32_767  # choice indices are 16-bit integers
NULL = -1
"""Code of a row that has no usable value."""
GAP = object()
"""Stands for an element that a shorter list does not have."""


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
    known = present & ~np.isnan(values)
    distinct = set(np.unique(values[known]).tolist())
    choices = _ordered(name, distinct, decision, values.tolist(), faults)
    optional = not bool(present.all())
    codes = np.full(len(values), NULL, dtype=np.int64)
    if choices:
        order = np.argsort(choices)
        place = np.searchsorted(np.array(choices, dtype=np.float64)[order], values[known])
        found = order[np.minimum(place, len(order) - 1)]
        matches = np.array(choices, dtype=np.float64)[found] == values[known]
        codes[known] = np.where(matches, found + optional, NULL)
    codes[~present] = 0
    _report_empty(name, np.flatnonzero(present & np.isnan(values)).tolist(), faults)
    return _limited(name, choices, optional, codes, decision, faults)


def code_values(name: str, values: Sequence[Any], decision: Decision, faults: Faults) -> Coded:
    """Code values of any plain kind; None has no value and :data:`GAP` is absent."""
    cleaned = [None if _is_nan(value) else value for value in values]
    distinct = {value for value in cleaned if value is not None and value is not GAP}
    if len({isinstance(value, str) for value in distinct}) > 1:
        distinct = _without_minority(name, cleaned, faults)
    choices = _ordered(name, distinct, decision, cleaned, faults)
    optional = any(value is GAP for value in cleaned)
    index = {choice: i + optional for i, choice in enumerate(choices)}
    codes = np.array([0 if v is GAP else index.get(v, NULL) for v in cleaned], dtype=np.int64)
    _report_empty(name, [row for row, value in enumerate(cleaned) if value is None], faults)
    return _limited(name, choices, optional, codes, decision, faults)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


def _report_empty(name: str, rows: list[int], faults: Faults) -> None:
    if rows:
        faults.add(f"decision {name!r} has no value in {len(rows)} rows: {faults.rows(rows)}.")


def _without_minority(name: str, values: list[Any], faults: Faults) -> set[Any]:
    """Report a column of words and numbers; the choices are those of the more frequent kind."""
    given = [row for row, value in enumerate(values) if value is not None and value is not GAP]
    words = [row for row in given if isinstance(values[row], str)]
    plain = [row for row in given if not isinstance(values[row], str)]
    fewer, more = sorted((words, plain), key=len)
    shown = faults.rows(fewer, (values[row] for row in fewer))
    kind = "words" if fewer is words else "numbers"
    faults.add(f"decision {name!r} mixes words and numbers; the {kind} are in {shown}.")
    return {values[row] for row in more}


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
) -> Coded:
    if len(choices) + optional > MOST_CHOICES:
        faults.add(f"decision {name!r} has {len(choices)} choices; at most {MOST_CHOICES}.")
        codes = np.where(codes >= MOST_CHOICES, NULL, codes)
        choices = choices[: MOST_CHOICES - 1]
    return Coded(_variable(name, choices, optional, decision), codes)


def _variable(name: str, choices: list[Any], optional: bool, decision: Decision) -> Variable:
    """Absent is choice 0; for an ordinal variable it is worth 0."""
    labels = ([ABSENT] if optional else []) + [_label(choice) for choice in choices]
    if not labels:
        return Variable(name, (ABSENT,))
    numeric = bool(choices) and not any(isinstance(choice, str | bool) for choice in choices)
    if decision.order is not None:
        worth = [float(i + optional) for i in range(len(choices))]
    elif decision.kind == "ordinal" or (decision.kind == "auto" and numeric):
        worth = [float(c) if numeric else float(i + optional) for i, c in enumerate(choices)]
    else:
        return Variable(name, tuple(labels))
    return Variable(name, tuple(labels), tuple(([0.0] if optional else []) + worth))


def _label(choice: Any) -> str:
    """``3.0`` and ``3`` read the same; other floats keep all their digits."""
    if isinstance(choice, float) and choice.is_integer() and abs(choice) < 1e15:
        return str(int(choice))
    return str(choice)
