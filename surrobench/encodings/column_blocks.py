"""What a recipe is told of an encoding: which columns belong together, how to read graphs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from surrobench.arrays import FloatArray
from surrobench.base.columns import ColumnBlock
from surrobench.encodings import ENCODINGS, make_encoding
from surrobench.encodings.one_hot import OneHot
from surrobench.errors import UserError
from surrobench.graphs import GraphLayout
from surrobench.spaces.architecture import SearchSpace
from surrobench.spaces.node_form import HasNodeForm

P = TypeVar("P")


def with_blocks(
    predictor: P, name: str, space: SearchSpace, measured: Mapping[str, FloatArray]
) -> P:
    """A recipe for the columns of an encoding: told of their blocks if it has ``for_blocks``.

    One with ``inputs = "graphs"`` is told by ``for_graphs`` how to read the columns as graphs.

    Args:
        predictor: any recipe.
        name: of the encoding.
        space: the space that is encoded.
        measured: label-free columns of the pool.

    Raises:
        UserError: for an unknown encoding, or one that the space does not have.
    """
    told: P = predictor
    if getattr(predictor, "inputs", "matrix") == "graphs":
        told = told.for_graphs(graph_layout(space))  # type: ignore[attr-defined]
    blocks = column_blocks(name, space, measured)
    if hasattr(told, "for_blocks"):
        told = told.for_blocks(blocks)
    return told


def graph_layout(space: SearchSpace) -> GraphLayout:
    """How the columns of the encoding ``"adjacency"`` are read as graphs.

    Raises:
        UserError: if architectures of ``space`` have no graph form.
    """
    if not isinstance(space, HasNodeForm):
        raise UserError(
            f"a predictor that asks for graphs needs networks with a graph form, which the space "
            f"{space.name!r} does not have."
        )
    return GraphLayout(space.node_form.nodes, space.node_form.edges)


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
