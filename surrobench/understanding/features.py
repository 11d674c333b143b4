"""The columns of an encoding as features that a reader knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from surrobench.arrays import FloatArray
from surrobench.encodings import make_encoding
from surrobench.encodings.column_blocks import column_blocks
from surrobench.encodings.one_hot import OneHot
from surrobench.spaces.architecture import SearchSpace

_MISSING = " missing"
_PRESENT = " present"


@dataclass(frozen=True)
class Feature:
    """Columns that belong together: all choices of a variable, or one numeric column.

    Attributes:
        name: of the variable or the column.
        columns: positions in the encoding.
        variable: position among the variables of the space; None for other columns.
        block: name of the encoding that the columns come from.
    """

    name: str
    columns: tuple[int, ...]
    variable: int | None
    block: str


def features_of(
    encoding: str, space: SearchSpace, measured: Mapping[str, FloatArray]
) -> tuple[Feature, ...]:
    """The features of an encoding, in the order of its columns.

    One-hot columns are put together by variable; a column that says where another is missing, or
    whether a number is there, belongs to that.

    Raises:
        UserError: for an unknown encoding, or one that the space does not have.
    """
    features: list[Feature] = []
    for block in column_blocks(encoding, space, measured):
        encoded = make_encoding(block.name)
        names = encoded.columns(space, measured)
        # Groups are numbered among the variables that have columns: words alone, for instance.
        with_columns = encoded.positions(space) if isinstance(encoded, OneHot) else []
        numbers = _numbered(space) if block.name in ("ordinal", "numeric") else {}
        groups: dict[tuple[str, int | None], list[int]] = {}
        for place, name in enumerate(names):
            if block.groups:
                variable = with_columns[block.groups[place]]
                key: tuple[str, int | None] = (space.variables[variable].name, variable)
            elif (of := name.removesuffix(_PRESENT)) in numbers:
                key = (of, numbers[of])
            else:
                known = name.removesuffix(_MISSING)
                key = (known if (known, None) in groups else name, None)
            groups.setdefault(key, []).append(block.start + place)
        features += [
            Feature(name, tuple(columns), variable, block.name)
            for (name, variable), columns in groups.items()
        ]
    return tuple(features)


def _numbered(space: SearchSpace) -> dict[str, int]:
    return {variable.name: place for place, variable in enumerate(space.variables)}


def summed(values: FloatArray, features: tuple[Feature, ...]) -> FloatArray:
    """Sums of columns (``m x d``) by feature, ``m x features``."""
    return np.stack([values[:, list(f.columns)].sum(axis=1) for f in features], axis=1)
