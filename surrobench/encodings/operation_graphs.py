"""A pool of architectures as graphs with one node per operation that has an effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from surrobench.arrays import IntArray
from surrobench.encodings.protocol import choice_matrix
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.spaces.edge_cells import EdgeCells
from surrobench.spaces.node_form import HasNodeForm


@dataclass(frozen=True)
class OperationGraphs:
    """``m`` graphs; node 0 is the input, the last the output, every other an operation.

    Attributes:
        names: of the labels.
        labels: of each node, ``m x nodes``, -1 where it is not there.
        feeds: how often the first node feeds the second, ``m x nodes x nodes``.
        most_fed: the most nodes, counted as often as they do so, that feed one in any graph.
    """

    names: tuple[str, ...]
    labels: IntArray
    feeds: npt.NDArray[np.int8]
    most_fed: int


def operation_graphs(archs: Sequence[Arch] | IntArray, space: SearchSpace) -> OperationGraphs:
    """The graphs of a pool.

    Raises:
        UserError: if architectures of ``space`` are not graphs.
    """
    choices = choice_matrix(archs, space)
    if isinstance(space, EdgeCells):
        return _of_edge_cells(choices, space)
    if isinstance(space, HasNodeForm):
        return _of_node_form(choices, space)
    raise UserError(
        f"graph encodings need networks with a graph form, which the space {space.name!r} does not "
        "have; 'one-hot' and 'ordinal' work for every space."
    )


def _of_edge_cells(choices: IntArray, space: EdgeCells) -> OperationGraphs:
    """Skips are passed through; with strides, one at the input is an operation of its own."""
    m, nodes = len(choices), len(space.edges) + 2
    used = space.used_edges(choices)
    from_input = np.array([source == 0 for source, _ in space.edges])
    passed = used & (choices == space.skip) & ~(space.strided & from_input)
    operates = used & ~passed
    labels = np.full((m, nodes), -1, dtype=np.int_)
    labels[:, 0], labels[:, -1] = len(space.operations), len(space.operations) + 1
    labels[:, 1:-1] = np.where(operates, choices, -1)
    # What each node of the cell is a sum of, counted: operations, or the input.
    sums = np.zeros((m, space.n_nodes, nodes), dtype=np.int8)
    sums[:, 0, 0] = 1
    for edge, (source, target) in sorted(enumerate(space.edges), key=lambda e: e[1][::-1]):
        sums[:, target] += passed[:, edge, None] * sums[:, source]
        sums[:, target, edge + 1] += operates[:, edge]
    feeds = np.zeros((m, nodes, nodes), dtype=np.int8)
    for edge, (source, _) in enumerate(space.edges):
        feeds[:, :, edge + 1] = sums[:, source] * operates[:, edge, None]
    feeds[:, :, -1] = sums[:, -1]
    names = (*space.operations, "input", "output")
    return OperationGraphs(names, labels, feeds, _most_terms(space))


def _most_terms(space: EdgeCells) -> int:
    """The most terms of a sum: every edge that can pass something on does."""
    terms = [1] + [0] * (space.n_nodes - 1)
    for source, target in sorted(space.edges, key=lambda edge: edge[::-1]):
        terms[target] += terms[source]
    return max(terms)


def _of_node_form(choices: IntArray, space: HasNodeForm) -> OperationGraphs:
    form = space.node_form
    names = tuple(dict.fromkeys(label for labels in form.nodes for label in labels))
    chosen = space.node_choices(choices)
    m, nodes = len(choices), len(form.nodes) + 2
    labels = np.full((m, nodes), -1, dtype=np.int_)
    labels[:, 0], labels[:, -1] = len(names), len(names) + 1
    for node, own in enumerate(form.nodes):
        numbers = np.array([*map(names.index, own), -1])
        labels[:, node + 1] = numbers[chosen[:, node]]
    feeds = np.zeros((m, nodes, nodes), dtype=np.int8)
    there = space.node_edges(choices)
    for edge, (source, target) in enumerate(form.edges):
        feeds[:, source, target] = there[:, edge]
    into = np.bincount([target for _, target in form.edges], minlength=nodes)
    return OperationGraphs((*names, "input", "output"), labels, feeds, int(into.max()))
