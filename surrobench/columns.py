"""What the columns of an encoded pool mean, for predictors that treat them differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ColumnBlock:
    """Neighbouring columns that belong together.

    Attributes:
        name: of the encoding that made them.
        start: first column.
        stop: behind the last column.
        kind: ``"one-hot"`` for 0/1 columns whose patterns are the choices of variables, else
            ``"numeric"``.
        groups: for ``"one-hot"``, the variable of each column, numbered from 0; else empty.
    """

    name: str
    start: int
    stop: int
    kind: Literal["one-hot", "numeric"] = "numeric"
    groups: tuple[int, ...] = ()
