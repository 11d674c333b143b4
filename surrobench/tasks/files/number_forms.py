"""Numbers as spreadsheets write them: decimal commas and thousands separators.

A comma may mean either, so a column is read only where its own values (or the card) leave no doubt:
``80,5`` and ``0,125`` have a decimal comma, ``1,234,567`` and ``1,009.5`` thousands, ``1,009``
might be both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

PLAIN = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_WITH_COMMA = re.compile(r"\s*[+-]?\d+(,\d+)+(\.\d+)?([eE][+-]?\d+)?\s*")
_DECIMAL = re.compile(r"\s*[+-]?\d+(,\d+)?([eE][+-]?\d+)?\s*")
_GROUPS = re.compile(r"\s*[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?\s*")
_SURELY_GROUPS = re.compile(r"\s*[+-]?[1-9]\d{0,2}((,\d{3}){2,}(\.\d+)?|,\d{3}\.\d+)\s*")


@dataclass(frozen=True)
class Dialect:
    """How a text file writes its table; what is None is found out.

    Attributes:
        separator: between fields.
        decimal: ``"."`` or ``","``.
        thousands: between groups of three digits.
        encoding: of the characters; UTF-8 if None, or what a byte-order mark says.
    """

    separator: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None


def is_number_text(text: str) -> bool:
    """Whether a text is a number with a decimal point or none."""
    return PLAIN.fullmatch(text) is not None


def is_comma_number(text: str) -> bool:
    """Whether a text is a number that is written with commas."""
    return _WITH_COMMA.fullmatch(text) is not None


def numbers_in(column: pa.ChunkedArray, dialect: Dialect, decimal_commas: bool) -> pa.ChunkedArray:
    """A column of texts as numbers where all of them are; the column itself otherwise.

    Args:
        column: of texts.
        dialect: what the card states.
        decimal_commas: whether such are to be expected if the card states nothing.
    """
    texts = [text for text in column.unique().to_pylist() if text is not None]
    decimal, thousands = dialect.decimal, dialect.thousands
    if decimal is None and thousands is None:
        decimal, thousands = _found(texts, decimal_commas)
    if decimal is None and thousands is None:
        return column
    read = {text: _plain(text, decimal or ".", thousands) for text in texts}
    if not texts or any(value is None for value in read.values()):
        return column
    whole = all(re.fullmatch(r"[+-]?\d+", value or "") for value in read.values())
    values = [read.get(text) for text in column.to_pylist()]
    kind = int if whole else float
    numbers = [None if value is None else kind(value) for value in values]
    try:
        return pa.chunked_array([pa.array(numbers, type=pa.int64() if whole else pa.float64())])
    except (pa.ArrowInvalid, OverflowError):
        return column


def _found(texts: Sequence[str], decimal_commas: bool) -> tuple[str | None, str | None]:
    """The decimal mark and the thousands separator that the texts prove; None if they do not."""
    commas = [text for text in texts if "," in text]
    others = [text for text in texts if "," not in text]
    if not commas or not all(map(is_number_text, others)):
        return None, None
    if all(map(_GROUPS.fullmatch, commas)):
        sure = any(map(_SURELY_GROUPS.fullmatch, commas))
        return None, "," if sure and not any(map(_large, others)) else None
    pointless = not any("." in text for text in others)
    if decimal_commas and pointless and all(map(_DECIMAL.fullmatch, commas)):
        return ",", None
    return None, None


def _large(text: str) -> bool:
    """Whether a number without commas should have one, were they thousands separators."""
    return abs(float(text)) >= 1000


def _plain(text: str, decimal: str, thousands: str | None) -> str | None:
    """The text of a number as Python reads it; None for what is no number."""
    text = text.strip()
    if thousands is not None and thousands in text:
        mark, point = re.escape(thousands), re.escape(decimal)
        if not re.fullmatch(rf"[+-]?\d{{1,3}}({mark}\d{{3}})+({point}\d+)?", text):
            return None
        text = text.replace(thousands, "")
    if decimal != ".":
        if "." in text:
            return None
        text = text.replace(decimal, ".")
    return text if is_number_text(text) else None
