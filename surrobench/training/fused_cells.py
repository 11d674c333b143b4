"""Networks of different cells in one skeleton as one network.

The edges into a node that carry the same operation, whichever member they belong to, are gathered
and computed as one grouped operation. So the number of tensor operations hardly depends on the
number of members. The idea of joining equal operations of several models is that of HFTA (Wang et
al., MLSys 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor, nn

from surrobench.training.cells import Cell, CellNetwork, Reduction
from surrobench.training.fused import fuse_chains, fuse_layers


class _Bundle(nn.Module):
    """The edges into one node that carry one operation."""

    sources: Tensor
    targets: Tensor

    def __init__(
        self, sources: Sequence[int], targets: Sequence[int], operations: Sequence[nn.Module]
    ) -> None:
        super().__init__()
        self.register_buffer("sources", torch.tensor(sources), persistent=False)
        self.register_buffer("targets", torch.tensor(targets), persistent=False)
        self.operation = fuse_layers(operations)

    def forward(self, nodes: Tensor, total: Tensor) -> Tensor:
        """Add the edges to ``total``; both are ``n x height x width x slots x channels``."""
        passed = self.operation(_as_maps(nodes.index_select(3, self.sources)))
        return total.index_add(3, self.targets, _as_slots(passed, len(self.sources)))


class _Node(nn.Module):
    """One node of all members: the sum of its bundles."""

    def __init__(self, bundles: Sequence[_Bundle]) -> None:
        super().__init__()
        self.bundles = nn.ModuleList(bundles)

    def forward(self, nodes: Tensor, total: Tensor) -> Tensor:
        """The node's ``n x height x width x members x channels``; ``total`` holds zeros."""
        for bundle in self.bundles:
            total = bundle(nodes, total)
        return total


class FusedCell(nn.Module):
    """Cells of equal channels as one.

    A slot is one node of one member: node ``i`` of member ``k`` is slot ``i * members + k``.
    """

    def __init__(self, cells: Sequence[Cell]) -> None:
        super().__init__()
        self.members = len(cells)
        self.nodes = nn.ModuleList(
            _Node(self._bundles(cells, node)) for node in range(1, cells[0].n_nodes)
        )

    def _bundles(self, cells: Sequence[Cell], node: int) -> list[_Bundle]:
        incoming = sorted(
            (label, source, member, edge)
            for member, cell in enumerate(cells)
            for edge, source, target, label in cell.edges
            if target == node
        )
        bundles = []
        for _, group in groupby(incoming, key=lambda edge: edge[0]):
            alike = list(group)
            bundles.append(
                _Bundle(
                    sources=[source * self.members + member for _, source, member, _ in alike],
                    targets=[member for _, _, member, _ in alike],
                    operations=[cells[m].operations[str(edge)] for _, _, m, edge in alike],
                )
            )
        return bundles

    def forward(self, maps: Tensor) -> Tensor:
        """``n x (members * channels) x height x width`` to the same shape."""
        nodes = total = _as_slots(maps, self.members)
        for number, node in enumerate(self.nodes):
            if number:
                nodes = torch.cat([nodes, total], dim=3)
            total = node(nodes, torch.zeros_like(total))
        return _as_maps(total)


class FusedReduction(nn.Module):
    """Reductions of equal shape as one."""

    def __init__(self, reductions: Sequence[Reduction]) -> None:
        super().__init__()
        self.main = fuse_chains([reduction.main for reduction in reductions])
        shortcuts = [r.shortcut for r in reductions if r.shortcut is not None]
        self.shortcut = fuse_chains(shortcuts) if shortcuts else None

    def forward(self, maps: Tensor) -> Tensor:
        """Side by side, as the reductions do it alone."""
        reduced: Tensor = self.main(maps)
        return reduced if self.shortcut is None else reduced + self.shortcut(maps)


def fuse_cells(networks: Sequence[CellNetwork]) -> nn.Sequential:
    """One network that holds copies of all ``networks``, which share skeleton and image shape.

    Returns:
        A network from ``n x (members * channels) x height x width``, or from the images alone if
        they are the same for all members, to ``members x n x classes``.
    """
    body = [_fuse_blocks(alike) for alike in zip(*(n.body for n in networks), strict=True)]
    stem = fuse_chains([network.stem for network in networks])
    head = fuse_chains([network.head for network in networks])
    return nn.Sequential(stem, *body, head)


def _fuse_blocks(blocks: Sequence[nn.Module]) -> nn.Module:
    cells = [block for block in blocks if isinstance(block, Cell)]
    if cells:
        return FusedCell(cells)
    return FusedReduction([block for block in blocks if isinstance(block, Reduction)])


def _as_slots(maps: Tensor, slots: int) -> Tensor:
    """``n x (slots * channels) x height x width`` as ``n x height x width x slots x channels``."""
    return maps.permute(0, 2, 3, 1).unflatten(3, (slots, -1))


def _as_maps(slots: Tensor) -> Tensor:
    """The reverse of :func:`_as_slots`; channels lie last in memory."""
    return slots.flatten(3).permute(0, 3, 1, 2)
