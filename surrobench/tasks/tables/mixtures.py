"""Columns that mix words and numbers: told with their rows instead of read as words in silence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from surrobench.tasks.files.faults import Faults
from surrobench.tasks.files.number_forms import is_comma_number, is_number_text
from surrobench.tasks.tables.card import Decision

_MEANT = 'if it is meant so, say kind = "categorical" in the card'
_COMMAS = (
    'a comma may stand before decimals or between thousands: say decimal = "," or '
    'thousands = "," in the card'
)


def without_minority(name: str, values: Sequence[Any], gap: object, faults: Faults) -> set[Any]:
    """Report a column of words and numbers; the choices are those of the more frequent kind."""
    given = [row for row, value in enumerate(values) if value is not None and value is not gap]
    words = [row for row in given if isinstance(values[row], str)]
    plain = [row for row in given if not isinstance(values[row], str)]
    _report(name, values, words, plain, faults)
    more = max((words, plain), key=len)
    return {values[row] for row in more}


def as_numbers(
    name: str, values: list[Any], gap: object, decision: Decision, faults: Faults
) -> list[Any]:
    """Texts of a column as the card means them; a mixture of words and numbers is a fault.

    With ``kind = "ordinal"`` texts that are all numbers become numbers.
    """
    if decision.kind == "categorical" or decision.order is not None or decision.format == "text":
        return values
    rows = [row for row, value in enumerate(values) if isinstance(value, str)]
    plain = [row for row in rows if is_number_text(values[row])]
    commas = [row for row in rows if is_comma_number(values[row])]
    if plain and len(plain) < len(rows):
        known = set(plain)
        _report(name, values, [row for row in rows if row not in known], plain, faults)
    elif rows and len(commas) == len(rows):
        shown = faults.rows(commas, (values[row] for row in commas))
        faults.add(f"decision {name!r} holds numbers with a comma in {shown}; {_COMMAS}; {_MEANT}.")
    elif plain and decision.kind == "ordinal":
        read = set(plain)
        return [float(v) if row in read else v for row, v in enumerate(values)]
    return values


def _report(
    name: str, values: Sequence[Any], words: list[int], plain: list[int], faults: Faults
) -> None:
    fewer = min((words, plain), key=len)
    shown = faults.rows(fewer, (values[row] for row in fewer))
    kind = "words" if fewer is words else "numbers"
    hints = [_MEANT]
    if any(isinstance(values[row], str) and is_comma_number(values[row]) for row in words):
        hints.insert(0, _COMMAS)
    faults.add(
        f"decision {name!r} mixes words and numbers; the {kind} are in {shown}; {'; '.join(hints)}."
    )
