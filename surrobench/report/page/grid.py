"""Tables of a page: cells with what a reader sees and what sorting goes by."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from surrobench.report.common.escaping import one_line


@dataclass(frozen=True)
class Head:
    """Head of a column; columns of words are set to the left and may break."""

    text: str
    words: bool = False


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: what is read.
        value: what it is sorted by, if not the text.
        strong: the best of its column.
        marks: set behind it, raised.
        half: half of an interval.
        css: classes.
    """

    text: str
    value: float | None = None
    strong: bool = False
    marks: str = ""
    half: str = ""
    css: str = ""


@dataclass(frozen=True)
class Grid:
    """A table: heads and rows of equally many cells, the first of which names the row."""

    label: str
    heads: Sequence[Head]
    rows: Sequence[Sequence[Cell]]


def from_frame(
    frame: pd.DataFrame, label: str, words: Sequence[str] = (), names: dict[str, str] | None = None
) -> Grid:
    """A table of a frame as it is, without its index.

    Args:
        frame: numbers get four significant digits.
        label: read out for the table.
        words: columns of text.
        names: heads of columns that are not to be called by their names.
    """
    columns = [str(name) for name in frame.columns]
    chosen = names or {}
    heads = [Head(chosen.get(name, name.replace("_", " ")), name in words) for name in columns]
    makers = [_maker(frame[name], name in words) for name in frame.columns]
    rows = [
        [make(value) for make, value in zip(makers, row, strict=True)]
        for row in frame.itertuples(index=False)
    ]
    return Grid(label, heads, rows)


def _maker(column: pd.Series, words: bool) -> Callable[[object], Cell]:
    if pd.api.types.is_bool_dtype(column):
        return lambda value: Cell("yes" if value else "no")
    if pd.api.types.is_numeric_dtype(column):
        return lambda value: number(float(value))  # type: ignore[arg-type]
    css = "words" if words else ""
    return lambda value: Cell("" if pd.isna(value) else one_line(value), css=css)  # type: ignore[call-overload]


def number(value: float, digits: int = 4) -> Cell:
    """A number with so many significant digits; a dash where it is not known."""
    if math.isnan(value):
        return Cell("–")
    if math.isinf(value):
        return Cell("∞" if value > 0 else "−∞", value)
    if value == int(value) and abs(value) < 1e9:
        return Cell(f"{value:,.0f}", value)
    text = f"{value:.{digits}g}"
    return Cell(text, value)
