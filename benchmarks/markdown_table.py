"""Tables of a few significant digits in Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

MOST_DIGITS = 6
"""Behind the point: microseconds are as fine as a clock is here."""


def markdown(frame: pd.DataFrame, headings: Mapping[str, str]) -> str:
    """The named columns of a frame as a Markdown table, under these headings."""
    lines = [list(headings.values()), ["---"] * len(headings)]
    for row in frame.reindex(columns=list(headings)).to_dict("records"):
        lines.append([_cell(row[column]) for column in headings])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _cell(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return "–"
    if value == 0.0:
        return "0"
    digits = min(max(0, 2 - math.floor(math.log10(abs(value)))), MOST_DIGITS)
    return f"{value:,.{digits}f}"
