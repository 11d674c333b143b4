"""Which parts of a large Parquet file can hold the rows that a card picks.

A table of many pools lies in one file, and a task needs one of them: parts whose least and greatest
values exclude it are never read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from surrobench.arrays import IntArray


@dataclass(frozen=True)
class RowGroups:
    """Parts of a file.

    Attributes:
        numbers: which row groups.
        positions: place in the whole file of each of their rows.
    """

    numbers: list[int]
    positions: IntArray


def row_groups_with(path: Path, where: Mapping[str, Any]) -> RowGroups | None:
    """The row groups that can hold rows with these values; None if all have to be read.

    Args:
        path: of a file of any kind.
        where: column -> value.
    """
    if path.suffix.lower() != ".parquet" or not where:
        return None
    try:
        footer = pq.read_metadata(path)
    except (pa.ArrowException, OSError):
        return None  # whoever reads it says what is wrong
    places = {footer.schema.column(i).path: i for i in range(footer.num_columns)}
    known = {places[name]: value for name, value in where.items() if name in places}
    groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
    kept = [
        i
        for i, group in enumerate(groups)
        if all(_may_hold(group.column(place), value) for place, value in known.items())
    ]
    if not kept or len(kept) == len(groups):
        return None
    starts = np.cumsum([0, *(group.num_rows for group in groups)])
    parts = [np.arange(starts[i], starts[i + 1]) for i in kept]
    return RowGroups(kept, np.concatenate(parts))


def _may_hold(chunk: Any, value: Any) -> bool:
    statistics = chunk.statistics
    if statistics is None or not statistics.has_min_max or type(statistics.min) is not type(value):
        return True
    return bool(statistics.min <= value <= statistics.max)
