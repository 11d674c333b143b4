"""Architectures as graphs: what a predictor gets that asks for them instead of a matrix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from surrobench.arrays import BoolArray, FloatArray, IntArray

ABSENT_NODE = -1
"""Operation of a node that an architecture does not have."""


@dataclass(frozen=True)
class Graph:
    """One architecture, with operations on its nodes.

    Attributes:
        adjacency: whether there is an edge from node ``i`` to node ``j``, ``v x v``; upper
            triangular.
        operations: the operation of each node as an index of ``labels``, ``v``;
            :data:`ABSENT_NODE` for a node that is not there.
        labels: names of the operations; the first two are ``"input"`` and ``"output"``.
    """

    adjacency: BoolArray
    operations: IntArray
    labels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Graphs:
    """A batch of architectures with the same set of possible nodes.

    Attributes:
        adjacency: ``n x v x v``, see :class:`Graph`.
        operations: ``n x v``.
        labels: names of the operations.
    """

    adjacency: BoolArray
    operations: IntArray
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.operations)

    @overload
    def __getitem__(self, rows: int) -> Graph: ...

    @overload
    def __getitem__(self, rows: slice | IntArray | BoolArray) -> Graphs: ...

    def __getitem__(self, rows: Any) -> Graph | Graphs:
        """One graph, or those of some rows."""
        kind = Graph if isinstance(rows, int | np.integer) else Graphs
        return kind(self.adjacency[rows], self.operations[rows], self.labels)

    def __iter__(self) -> Iterator[Graph]:
        return (self[row] for row in range(len(self)))


@dataclass(frozen=True)
class GraphLayout:
    """Which nodes, edges and operations the architectures of a space may have.

    Attributes:
        nodes: the operations that each inner node can carry.
        edges: as (source, target): 0 is the input, inner nodes follow, the last is the output.
    """

    nodes: tuple[tuple[str, ...], ...]
    edges: tuple[tuple[int, int], ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the operations, behind those of input and output."""
        inner = (label for choices in self.nodes for label in choices)
        return tuple(dict.fromkeys(["input", "output", *inner]))

    @property
    def width(self) -> int:
        """Columns of the encoding ``"adjacency"``."""
        return len(self.edges) + sum(map(len, self.nodes))

    def graphs(self, X: FloatArray) -> Graphs:
        """Read rows of the encoding ``"adjacency"`` (``n x width``) as graphs.

        Raises:
            ValueError: if the columns are not those of that encoding.
        """
        X = np.asarray(X)
        if X.ndim != 2 or X.shape[1] != self.width or not np.isin(X, (0.0, 1.0)).all():
            raise ValueError(
                f"graphs are read from {self.width} columns of zeros and ones, the encoding "
                f"'adjacency'; got the shape {X.shape}."
            )
        labels, v = self.labels, len(self.nodes) + 2
        adjacency = np.zeros((len(X), v, v), dtype=np.bool_)
        sources, targets = np.array(self.edges, dtype=np.int_).reshape(-1, 2).T
        adjacency[:, sources, targets] = X[:, : len(self.edges)] == 1.0
        operations = np.full((len(X), v), ABSENT_NODE, dtype=np.int_)
        operations[:, 0], operations[:, -1] = labels.index("input"), labels.index("output")
        start = len(self.edges)
        for node, choices in enumerate(self.nodes, start=1):
            chosen = X[:, start : start + len(choices)] == 1.0
            numbers = np.array([labels.index(label) for label in choices])
            present = chosen.any(axis=1)
            operations[present, node] = numbers[chosen.argmax(axis=1)[present]]
            start += len(choices)
        return Graphs(adjacency, operations, labels)
