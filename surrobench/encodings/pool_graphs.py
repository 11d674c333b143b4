"""A pool of architectures as labelled graphs over one set of possible edges.

Operations stand on edges (cells such as NAS-Bench-201's) or on nodes (chains, skeletons, cells with
operations on nodes). What may differ between architectures is which edges are there and which
operation each edge or node carries, so that paths are worked out for the whole pool at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from surrobench.arrays import BoolArray, IntArray
from surrobench.encodings.protocol import choice_matrix
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.spaces.chains import Chains
from surrobench.spaces.edge_cells import EdgeCells
from surrobench.spaces.node_form import HasNodeForm
from surrobench.spaces.stages import Stages

FAR = 1_000_000
"""Length of a path that does not exist."""

Extend = Callable[[IntArray, IntArray], IntArray]


@dataclass(frozen=True)
class PoolGraphs:
    """``m`` graphs; nodes are in topological order, 0 the input and ``nodes - 1`` the output.

    Attributes:
        operations: labels.
        nodes: number of nodes that some graph has.
        edges: (source, target) of each possible edge.
        there: which edges each graph has, ``m x edges``.
        on_edges: the operation of each edge, ``m x edges``, -1 where it has none.
        on_nodes: the operation of each node, ``m x nodes``, -1 where it has none.
        edge_labelled: whether operations stand on edges.
        sequential: whether no graph has branches.
    """

    operations: tuple[str, ...]
    nodes: int
    edges: tuple[tuple[int, int], ...]
    there: BoolArray
    on_edges: IntArray
    on_nodes: IntArray
    edge_labelled: bool
    sequential: bool = False

    @property
    def longest(self) -> int:
        """The most operations that a path can have."""
        return self.nodes - (1 if self.edge_labelled else 2)

    @property
    def most_operations(self) -> int:
        """The most operations that a graph can have."""
        return len(self.edges) if self.edge_labelled else self.nodes - 2

    def counts(self) -> IntArray:
        """How often each operation occurs, ``m x operations``."""
        labels = np.hstack([self.on_edges, self.on_nodes])
        return np.stack([(labels == o).sum(axis=1) for o in range(len(self.operations))], axis=1)

    def shortest_within(self, allowed: Sequence[int]) -> IntArray:
        """Operations on the shortest path all of whose operations are allowed, ``m``; or FAR."""
        edges, nodes = self._among(allowed)
        open_edges = self.there & (edges | (self.on_edges < 0))
        open_nodes = nodes | (self.on_nodes < 0)
        steps = np.where(open_edges, (self.on_edges >= 0).astype(np.int_), FAR)
        stops = np.where(open_nodes, (self.on_nodes >= 0).astype(np.int_), FAR)
        return np.minimum(self._along(steps, stops, np.minimum, FAR), FAR)

    def most_of(self, allowed: Sequence[int]) -> IntArray:
        """The most operations of a set on any path from input to output, ``m``; 0 without one."""
        edges, nodes = self._among(allowed)
        steps = np.where(self.there, edges.astype(np.int_), -FAR)
        return np.maximum(self._along(steps, nodes.astype(np.int_), np.maximum, -FAR), 0)

    def on_path_of_most(self, allowed: Sequence[int]) -> IntArray:
        """Operations of a set on the path with most of them beyond the others, ``m``.

        Of equally good paths the shortest; 0 without a path. It is what GRAF's code computes: it
        looks for the path of least weight, where an operation of the set weighs -1 and any other 1.
        """
        edges, nodes = self._among(allowed)
        # Weight and length in one number, the weight first.
        unit = 2 * self.nodes
        steps = np.where(edges, 1 - unit, 1 + unit) * (self.on_edges >= 0)
        stops = np.where(nodes, 1 - unit, 1 + unit) * (self.on_nodes >= 0)
        best = self._along(np.where(self.there, steps, FAR), stops, np.minimum, FAR)
        length = best % unit
        weight = (best - length) // unit
        return np.where(best < FAR // 2, (length - weight) // 2, 0)

    def degrees(self, allowed: Sequence[int]) -> IntArray:
        """Edges of allowed operations at the input, at the output, out of and into all, ``m x 4``.

        With operations on nodes, an edge counts at its source by its target's operation (a
        successor that is allowed) and at its target by its source's.
        """
        edges, nodes = self._among(allowed)
        sources, targets = np.array(self.edges).T
        leaving = self.there & (edges if self.edge_labelled else nodes[:, targets])
        entering = self.there & (edges if self.edge_labelled else nodes[:, sources])
        return np.stack(
            [
                leaving[:, sources == 0].sum(axis=1),
                entering[:, targets == self.nodes - 1].sum(axis=1),
                leaving.sum(axis=1),
                entering.sum(axis=1),
            ],
            axis=1,
        )

    def _among(self, allowed: Sequence[int]) -> tuple[BoolArray, BoolArray]:
        """Which edges and which nodes carry an allowed operation."""
        chosen = np.array(allowed, dtype=np.int_)
        return np.isin(self.on_edges, chosen), np.isin(self.on_nodes, chosen)

    def _along(self, steps: IntArray, stops: IntArray, best: Extend, none: int) -> IntArray:
        """The best sum of steps (of edges) and stops (of nodes) from input to output, ``m``."""
        reached = np.full((len(steps), self.nodes), none, dtype=np.int_)
        reached[:, 0] = stops[:, 0]
        for edge, (source, target) in sorted(enumerate(self.edges), key=lambda e: e[1][::-1]):
            length = reached[:, source] + steps[:, edge] + stops[:, target]
            reached[:, target] = best(reached[:, target], length)
        return reached[:, -1]


def pool_graphs(
    archs: Sequence[Arch] | IntArray, space: SearchSpace, *, with_none: bool = False
) -> PoolGraphs:
    """The graphs of a pool.

    Args:
        archs: ``m`` architectures.
        space: that they belong to.
        with_none: in cells with operations on edges, count the missing edge as an operation like
            any other, whose edges are there.

    Raises:
        UserError: if architectures of ``space`` are not graphs.
    """
    choices = choice_matrix(archs, space)
    if isinstance(space, EdgeCells):
        return _of_edge_cells(choices, space, with_none)
    if isinstance(space, HasNodeForm):
        return _of_node_form(choices, space)
    raise UserError(
        f"graph encodings need networks with a graph form, which the space {space.name!r} does not "
        "have; 'one-hot' and 'ordinal' work for every space."
    )


def _of_edge_cells(choices: IntArray, space: EdgeCells, with_none: bool) -> PoolGraphs:
    nothing = np.full((len(choices), space.n_nodes), -1)
    if with_none:
        there = np.ones(choices.shape, dtype=np.bool_)
        return PoolGraphs(
            space.operations, space.n_nodes, space.edges, there, choices, nothing, True
        )
    kept = tuple(label for i, label in enumerate(space.operations) if i != space.none)
    labels = space.node_choices(choices)
    return PoolGraphs(kept, space.n_nodes, space.edges, labels >= 0, labels, nothing, True)


def _of_node_form(choices: IntArray, space: HasNodeForm) -> PoolGraphs:
    form = space.node_form
    operations = tuple(dict.fromkeys(label for labels in form.nodes for label in labels))
    chosen = space.node_choices(choices)
    on_nodes = np.full((len(choices), len(form.nodes) + 2), -1)
    for node, labels in enumerate(form.nodes):
        numbers = np.array([*map(operations.index, labels), -1])
        on_nodes[:, node + 1] = numbers[chosen[:, node]]
    there = space.node_edges(choices)
    unlabelled = np.full(there.shape, -1)
    return PoolGraphs(
        operations,
        on_nodes.shape[1],
        form.edges,
        there,
        unlabelled,
        on_nodes,
        edge_labelled=False,
        sequential=isinstance(space, (Chains, Stages)),
    )
