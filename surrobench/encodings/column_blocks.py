"""Which columns of an encoding belong together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from surrobench.arrays import FloatArray
from surrobench.columns import ColumnBlock
from surrobench.encodings import ENCODINGS, make_encoding
from surrobench.encodings.one_hot import OneHot
from surrobench.spaces.architecture import SearchSpace

P = TypeVar("P")


def with_blocks(
    predictor: P, name: str, space: SearchSpace, measured: Mapping[str, FloatArray]
) -> P:
    """A recipe for the columns of an encoding: told of their blocks if it has ``for_blocks``.

    Args:
        predictor: any recipe.
        name: of the encoding.
        space: the space that is encoded.
        measured: label-free columns of the pool.

    Raises:
        UserError: for an unknown encoding, or one that the space does not have.
    """
    blocks = column_blocks(name, space, measured)
    told: P = predictor.for_blocks(blocks) if hasattr(predictor, "for_blocks") else predictor
    return told


def column_blocks(
    name: str, space: SearchSpace, measured: Mapping[str, FloatArray]
) -> tuple[ColumnBlock, ...]:
    """One block for each part of a sum of encodings, in the order of the columns.

    Args:
        name: as for :func:`~surrobench.encodings.make_encoding`.
        space: the space that is encoded.
        measured: label-free columns of the pool.

    Raises:
        UserError: for an unknown encoding, or one that the space does not have.
    """
    ENCODINGS.check_name(name)
    blocks: list[ColumnBlock] = []
    start = 0
    for part in (part.strip() for part in name.split("+")):
        encoding = make_encoding(part)
        stop = start + len(encoding.columns(space, measured))
        if isinstance(encoding, OneHot):
            groups = encoding.variables_of_columns(space)
            blocks.append(ColumnBlock(part, start, stop, "one-hot", groups))
        else:
            blocks.append(ColumnBlock(part, start, stop))
        start = stop
    return tuple(blocks)
