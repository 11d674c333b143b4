"""Costs and durations as seconds, however a table writes them."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from surrobench.arrays import FloatArray
from surrobench.tasks.tables.columns import Numbers, numbers

SECONDS_OF = {"s": 1.0, "min": 60.0, "h": 3600.0}
"""Units that a card may state for a cost."""
_CLOCK = re.compile(
    r"\s*(?:(?P<days>\d+)\s*days?,?\s*)?(?P<h>\d+):(?P<m>[0-5]?\d):(?P<s>[0-5]?\d(?:[.,]\d+)?)\s*"
)


def seconds_of(text: str) -> float | None:
    """Seconds of ``"1:02:03.5"`` or ``"2 days 01:02:03"``; None for anything else."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    days, hours, minutes = (int(found[part] or 0) for part in ("days", "h", "m"))
    seconds = float(found["s"].replace(",", "."))
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def durations(column: pa.ChunkedArray, unit: str = "s") -> Numbers:
    """A column of costs in seconds, ``n`` or ``n x k``.

    Plain numbers are in ``unit``; durations, times of day and clock texts say what they are.
    """
    kind = column.type
    if pa.types.is_duration(kind) or pa.types.is_time(kind):
        return Numbers(clock_seconds(column), {})
    read = numbers(column)
    values = read.values * SECONDS_OF[unit]
    words = dict(read.words)
    for row, value in read.words.items():
        seconds = seconds_of(value) if isinstance(value, str) else None
        if seconds is not None and values.ndim == 1:
            values[row] = seconds
            del words[row]
    return Numbers(values, words)


def clock_seconds(column: pa.ChunkedArray) -> FloatArray:
    """Durations and times of day as seconds; missing ones are NaN."""
    kind = column.type
    per_second = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}[kind.unit]
    if pa.types.is_time32(kind):
        column = column.cast(pa.int32())
    ticks = column.cast(pa.int64()).cast(pa.float64(), safe=False)
    return np.asarray(ticks.to_numpy(), dtype=np.float64) / per_second
