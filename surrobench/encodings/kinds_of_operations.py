"""Cells of different spaces described alike, by kinds of operations that the spaces share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.encodings.graph_features import GraphFeatures
from surrobench.encodings.pool_graphs import PoolGraphs, pool_graphs
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace

KINDS: Mapping[str, str] = {
    "skip": r"skip|identity",
    "pool": r"pool",
    "1x1": r"conv.*1x1",
    "3x3": r"conv.*3x3",
}
"""Kinds with patterns of names of operations, the first that matches counts."""
OTHER = "other"


@dataclass(frozen=True)
class CellsByKind:
    """A pool of cells with kinds in place of operations.

    Attributes:
        graphs: whose operations are :data:`KINDS`; others stay where they are and have no name.
        form: which cells these are, the same for spaces whose cells differ in names only:
            ``"operations on edges, 4 nodes: 1x1, 3x3, skip"``.
    """

    graphs: PoolGraphs
    form: str

    def features(self) -> dict[str, FloatArray]:
        """Graph features by name, ``n`` values each; cells of every form have the same names."""
        features = GraphFeatures().features(self.graphs)
        # Where operations are on edges, the mean in-degree is the mean out-degree.
        return {name: values for name, values in features if not name.startswith("mean in-degree")}


def cells_by_kind(archs: Sequence[Arch] | IntArray, space: SearchSpace) -> CellsByKind:
    """A pool with kinds of operations in place of the operations of its space.

    Raises:
        UserError: if architectures of ``space`` are no cells with 1x1 or 3x3 convolutions.
    """
    graphs = pool_graphs(archs, space)
    kinds = [kind_of(operation) for operation in graphs.operations]
    if graphs.sequential or not {"1x1", "3x3"} & set(kinds):
        raise UserError(
            f"kinds of operations are for cells with 1x1 or 3x3 convolutions among others; the "
            f"space {space.name!r} has {', '.join(graphs.operations)}; use 'one-hot' or 'graph'."
        )
    names = [*KINDS, OTHER]
    numbers = np.array([*map(names.index, kinds), -1])  # the last for places without an operation
    where = "edges" if graphs.edge_labelled else "nodes"
    return CellsByKind(
        replace(
            graphs,
            operations=tuple(KINDS),
            on_edges=numbers[graphs.on_edges],
            on_nodes=numbers[graphs.on_nodes],
        ),
        f"operations on {where}, {graphs.nodes} nodes: {', '.join(sorted(set(kinds)))}",
    )


def kind_of(operation: str) -> str:
    """The kind of an operation by its name, :data:`OTHER` if it is none of :data:`KINDS`."""
    found = (kind for kind, pattern in KINDS.items() if re.search(pattern, operation.lower()))
    return next(found, OTHER)
