"""Listed architectures whose decisions are a graph with operations on its nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surrobench.arrays import BoolArray, IntArray
from surrobench.errors import UserError
from surrobench.spaces.architecture import ABSENT, Arch, Variable
from surrobench.spaces.choices import Choices
from surrobench.spaces.node_form import NodeForm

_LINKED = ("1", "1.0", "True", "true")


@dataclass(frozen=True)
class Link:
    """An edge that is there where a decision has a choice.

    Attributes:
        source: node that it leaves; 0 is the input, inner nodes follow from 1.
        target: node that it enters; the output comes after the inner nodes.
        variable: position of the decision.
        choice: index of the choice.
    """

    source: int
    target: int
    variable: int
    choice: int


class GraphChoices(Choices):
    """Listed combinations of decisions of which some are operations of nodes and some are edges.

    Args:
        name: name of the space.
        variables: the decisions.
        archs: the combinations that are valid.
        operations: positions of the decisions that hold the operations of the inner nodes, which
            are in topological order.
        links: the edges that there may be.
        loose_ends: whether a node that feeds no other feeds the output.

    Raises:
        UserError: for no operations, or edges that do not run from a node to a later one.
    """

    node_form: NodeForm

    def __init__(
        self,
        name: str,
        variables: Sequence[Variable],
        archs: Sequence[Arch],
        *,
        operations: Sequence[int],
        links: Sequence[Link],
        loose_ends: bool = False,
    ) -> None:
        super().__init__(name, variables, archs)
        self.operations, self.links = tuple(operations), tuple(links)
        self.loose_ends = loose_ends
        output = len(self.operations) + 1
        if not self.operations:
            raise UserError(f"the graphs of the space {name!r} have no operations.")
        for link in self.links:
            if not 0 <= link.source < link.target <= output:
                raise UserError(
                    f"the graphs of the space {name!r} have an edge from node {link.source} to "
                    f"node {link.target}; edges run from the input (0) towards the output "
                    f"({output}), from a node to a later one."
                )
        edges = {(link.source, link.target) for link in self.links}
        if loose_ends:
            edges |= {(node, output) for node in range(output)}
        inner = (self.variables[place].choices for place in self.operations)
        nodes = tuple(tuple(c for c in choices if c != ABSENT) for choices in inner)
        self.node_form = NodeForm(nodes, tuple(sorted(edges)))

    def node_choices(self, archs: IntArray) -> IntArray:
        """Label index of the operation of each inner node, -1 where it is absent."""
        chosen = archs[:, self.operations]
        return chosen - np.array([self.variables[p].choices[0] == ABSENT for p in self.operations])

    def node_edges(self, archs: IntArray) -> BoolArray:
        """Which edges of the node form are there: those between nodes that are there."""
        output = len(self.operations) + 1
        present = np.pad(self.node_choices(archs) >= 0, ((0, 0), (1, 1)), constant_values=True)
        places = {edge: place for place, edge in enumerate(self.node_form.edges)}
        there = np.zeros((len(archs), len(places)), dtype=np.bool_)
        feeding = np.zeros((len(archs), output + 1), dtype=np.bool_)
        for link in self.links:
            on = archs[:, link.variable] == link.choice
            on &= present[:, link.source] & present[:, link.target]
            there[:, places[link.source, link.target]] |= on
            feeding[:, link.source] |= on
        if self.loose_ends:
            for node in range(output):
                there[:, places[node, output]] |= present[:, node] & ~feeding[:, node]
        return there


def links_of_matrix(variables: Sequence[Variable], places: Sequence[int], v: int) -> list[Link]:
    """Edges from the decisions that are entries of a ``v x v`` matrix, row by row.

    Args:
        variables: all decisions.
        places: positions of the entries, ``v * v`` of them.
        v: nodes, input and output among them.
    """
    links = []
    for entry, place in enumerate(places):
        for choice, label in enumerate(variables[place].choices):
            if label in _LINKED:
                links.append(Link(entry // v, entry % v, place, choice))
    return links


def links_of_sources(variables: Sequence[Variable], places: Sequence[int]) -> list[Link]:
    """Edges from decisions that say what feeds each inner node: 0 the input, 1 the first node.

    Args:
        variables: all decisions.
        places: position of the decision of each inner node.

    Raises:
        UserError: for a choice that is no number of a node.
    """
    links = []
    for node, place in enumerate(places, start=1):
        for choice, label in enumerate(variables[place].choices):
            if not label.isdecimal():
                raise UserError(
                    f"the decision {variables[place].name!r} says where a node takes its input "
                    f"from, but {label!r} is no number of a node; write 0 for the input, 1 for the "
                    "first node, and so on."
                )
            links.append(Link(int(label), node, place, choice))
    return links
