"""Graphs as tensors that networks over graphs read, with a node that sees all others."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from surrobench.graphs import Graphs

FARTHEST = 8
"""Longer shortest paths are taken for as long as this."""
RELATIONS = 2 * FARTHEST + 4
"""Of two nodes, see :meth:`GraphTensors.relations`."""


@dataclass(frozen=True, eq=False)
class GraphTensors:
    """A batch of ``n`` graphs, single precision; the last of ``v`` nodes is the global node.

    Every node of an architecture has an edge to the global node (Dudziak et al., "BRP-NAS",
    NeurIPS 2020), which has an operation of its own. A node that an architecture does not have has
    no operation and no edge.

    Attributes:
        operations: one-hot, ``n x v x operations``.
        adjacency: 1 where the first node feeds the second, ``n x v x v``.
        present: whether a node is there, ``n x v``.
    """

    operations: Tensor
    adjacency: Tensor
    present: Tensor

    @classmethod
    def of(cls, graphs: Graphs) -> GraphTensors:
        """The tensors of a batch."""
        chosen = torch.from_numpy(graphs.operations)
        n, v = chosen.shape
        labels = len(graphs.labels)
        chosen = torch.cat([chosen, torch.full((n, 1), labels)], dim=1)
        present = chosen >= 0
        operations = (chosen.unsqueeze(-1) == torch.arange(labels + 1)).float()
        adjacency = torch.zeros(n, v + 1, v + 1)
        adjacency[:, :v, :v] = torch.from_numpy(graphs.adjacency).float()
        adjacency *= present.unsqueeze(1) & present.unsqueeze(2)
        adjacency[:, :v, v] = present[:, :v].float()
        return cls(operations, adjacency, present)

    def __len__(self) -> int:
        return len(self.operations)

    @property
    def labels(self) -> int:
        """Operations, the global node's among them."""
        return self.operations.shape[2]

    def neighbour_means(self) -> tuple[Tensor, Tensor]:
        """Matrices that take the mean over a node and what it feeds, and what feeds it.

        ``D^-1 (A + I)`` and ``D'^-1 (A' + I)`` with the row sums ``D`` and ``D'``, each
        ``n x v x v``; rows of nodes that are not there are zero.
        """
        loops = torch.diag_embed(self.present.float())
        both = self.adjacency + loops, self.adjacency.transpose(1, 2) + loops
        first, second = (A / A.sum(dim=2, keepdim=True).clamp_min(1.0) for A in both)
        return first, second

    def degrees(self) -> Tensor:
        """Edges out of and into each node but those of the global node, one-hot.

        Returns:
            ``n x v x 2v``; zeros for the global node and for one that is not there.
        """
        v = self.adjacency.shape[1]
        inner = self.adjacency[:, :-1, :-1]
        counted = torch.zeros(len(self), v, 2 * v)
        places = torch.arange(v)
        for start, axis in ((0, 2), (v, 1)):
            hot = inner.sum(dim=axis).unsqueeze(-1) == places
            counted[:, :-1, start : start + v] = (hot & self.present[:, :-1, None]).float()
        return counted

    def relations(self) -> Tensor:
        """How each pair of nodes lies, one-hot, ``n x v x v x RELATIONS``.

        A node itself; the length of the shortest path forward, up to the farthest; backward; no
        path; to the global node; from it.
        """
        farthest = FARTHEST
        forward = self._distances().clamp_max(farthest)
        backward = forward.transpose(1, 2)
        none = torch.full_like(forward, 2 * farthest + 1)
        kinds = torch.where(forward > 0, forward, none)
        kinds = torch.where(backward > 0, farthest + backward, kinds)
        kinds.diagonal(dim1=1, dim2=2).zero_()
        kinds[:, :-1, -1], kinds[:, -1, :-1] = 2 * farthest + 2, 2 * farthest + 3
        return (kinds.unsqueeze(-1) == torch.arange(RELATIONS)).float()

    def _distances(self) -> Tensor:
        """Edges on the shortest path from the first node to the second, 0 without one."""
        inner = self.adjacency.clone()
        inner[:, :, -1] = 0.0
        steps = torch.zeros(inner.shape, dtype=torch.int64)
        reached = inner
        for length in range(1, inner.shape[1]):
            fresh = (reached > 0) & (steps == 0)
            if not fresh.any():
                break
            steps[fresh] = length
            reached = ((reached @ inner) > 0).float()
        return steps
