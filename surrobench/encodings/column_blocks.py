"""Which columns of an encoding belong together."""

from __future__ import annotations

from collections.abc import Mapping

from surrobench.columns import ColumnBlock
from surrobench.encodings import make_encoding
from surrobench.encodings.one_hot import OneHot
from surrobench.encodings.protocol import FloatArray
from surrobench.spaces.architecture import SearchSpace
from surrobench.spaces.blocks import HasBlocks


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
    blocks: list[ColumnBlock] = []
    start = 0
    for part in (part.strip() for part in name.split("+")):
        encoding = make_encoding(part)
        stop = start + len(encoding.columns(space, measured))
        # With optional blocks a variable may have no 1 at all; such columns count as numbers.
        if isinstance(encoding, OneHot) and not isinstance(space, HasBlocks):
            groups = [v for v, size in enumerate(space.cardinalities) for _ in range(size)]
            blocks.append(ColumnBlock(part, start, stop, "one-hot", tuple(groups)))
        else:
            blocks.append(ColumnBlock(part, start, stop))
        start = stop
    return tuple(blocks)
