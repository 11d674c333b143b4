"""Networks as graphs with operations on a fixed set of nodes, some of which may be absent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from surrobench.arrays import BoolArray, IntArray


@dataclass(frozen=True)
class NodeForm:
    """What every architecture of a space has in common as a graph.

    Attributes:
        nodes: the labels that each inner node can carry.
        edges: the edges that some architecture has, as (source, target); 0 is the input, inner
            nodes follow from 1, and ``len(nodes) + 1`` is the output.
    """

    nodes: tuple[tuple[str, ...], ...]
    edges: tuple[tuple[int, int], ...]

    def node_name(self, node: int) -> str:
        """``"input"``, ``"output"`` or the number of an inner node."""
        if node == 0:
            return "input"
        return "output" if node > len(self.nodes) else str(node)


@runtime_checkable
class HasNodeForm(Protocol):
    """A space whose architectures fit one :class:`NodeForm`; ``archs`` are ``n x d`` choices."""

    node_form: NodeForm

    def node_choices(self, archs: IntArray) -> IntArray:
        """Label index of each inner node, -1 where the node is absent (``n x nodes``)."""
        ...

    def node_edges(self, archs: IntArray) -> BoolArray:
        """Which edges of the node form are there (``n x edges``)."""
        ...


def consecutive_edges(present: BoolArray, form: NodeForm) -> BoolArray:
    """The edges of a chain: from each present node to the next present one (``n x edges``).

    Args:
        present: which inner nodes are there, ``n x nodes``.
        form: the node form whose edges are asked for.
    """
    padded = np.pad(present, ((0, 0), (1, 1)), constant_values=True)
    before = np.cumsum(padded, axis=1)
    columns = [
        padded[:, s] & padded[:, t] & (before[:, t] == before[:, s] + 1) for s, t in form.edges
    ]
    return np.stack(columns, axis=1)
