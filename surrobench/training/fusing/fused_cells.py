"""Networks of different cells in one skeleton as one network.

The edges out of a node that carry the same operation, whichever member they belong to, are gathered
and computed as one grouped operation. So the number of tensor operations hardly depends on the
number of members. The idea of joining equal operations of several models is that of HFTA (Wang et
al., MLSys 2021).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

from surrobench.training.fusing.fused import fuse_chains, fuse_layers
from surrobench.training.networks.cells import Cell, CellNetwork, Reduction


class _Spread(Function):
    """Copies of the slots of one node, one tensor for each list of slots.

    One function for all lists, so that their gradients are summed in one place: the gradient of
    plain indexing is as large as the whole node for every list.
    """

    @staticmethod
    def forward(ctx: Any, node: Tensor, *lists: Tensor) -> tuple[Tensor, ...]:
        """``n x height x width x members x channels`` to slots in place of members."""
        ctx.shape, ctx.lists = node.shape, lists
        return tuple(node.index_select(3, slots) for slots in lists)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The sum over all copies."""
        total = gradients[0].new_zeros(ctx.shape)
        for slots, gradient in zip(ctx.lists, gradients, strict=True):
            total.index_add_(3, slots, gradient)
        return total, *(None for _ in ctx.lists)


class Bundle(nn.Module):
    """The edges out of one node that carry one operation, sorted by target.

    Attributes:
        slots: the member of each edge.
        targets: for each target node how many of the edges it gets.
        whole: the target nodes that get an edge from every member.
        operation: of all edges at once.
    """

    slots: Tensor

    def __init__(self, edges: Sequence[tuple[int, int, nn.Module]], members: int) -> None:
        super().__init__()
        slots = [member for _, member, _ in edges]
        self.register_buffer("slots", torch.tensor(slots), persistent=False)
        self.targets = Counter(target for target, _, _ in edges)
        self.whole = {target for target, n in self.targets.items() if n == members}
        self.operation = fuse_layers([operation for _, _, operation in edges])

    @property
    def copies(self) -> bool:
        """Whether the edges take something else than the node as it is."""
        return len(self.targets) > 1 or not self.whole

    def forward(self, copies: Tensor) -> Iterator[tuple[int, Tensor | None, Tensor]]:
        """What the edges pass on: target, members (None if all of them) and their slots."""
        passed = _as_slots(self.operation(_as_maps(copies)), len(self.slots))
        sizes = list(self.targets.values())
        for target, members, part in zip(
            self.targets, self.slots.split(sizes), passed.split(sizes, 3), strict=True
        ):
            yield target, None if target in self.whole else members, part


class _Node:
    """The sum of what edges pass on, in slots.

    Args:
        like: a tensor of its shape and type.
    """

    def __init__(self, like: Tensor) -> None:
        self._like = like
        self._sum: Tensor | None = None
        self._shared = False

    def add(self, members: Tensor | None, part: Tensor) -> None:
        """Add what one edge of each of some members, or of all, passes on."""
        # In mixed precision what is passed on may be of another type than the node.
        part = part.to(self._like.dtype)
        if members is None:
            self._shared = self._sum is None  # an edge may pass on the very node that it comes from
            self._sum = part if self._sum is None else self._sum + part
        else:
            total = self.total()
            self._sum = total.clone() if self._shared else total
            self._sum.index_add_(3, members, part)
            self._shared = False

    def total(self) -> Tensor:
        """``n x height x width x members x channels``."""
        if self._sum is None:
            self._sum = torch.zeros_like(self._like)
        return self._sum


class FusedCell(nn.Module):
    """Cells of equal channels as one."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        super().__init__()
        self.members, self.n_nodes = len(cells), cells[0].n_nodes
        self.bundles = nn.ModuleList(
            nn.ModuleList(_bundles(cells, node)) for node in range(self.n_nodes - 1)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """``n x (members * channels) x height x width`` to the same shape."""
        # Of member m, node_j = sum over edges i -> j of op_ij,m(node_i). Edges out of one node with
        # one operation are one fused layer: their inputs are gathered (a slot for each edge, in
        # the order of targets), passed through it side by side, and added to the nodes that they
        # lead to. Nodes are complete in the order of their numbers, as edges only lead forward.
        start = _as_slots(maps, self.members)
        nodes = [_Node(start) for _ in range(self.n_nodes)]
        nodes[0].add(None, start)
        for node, bundles in zip(nodes, self.bundles, strict=False):
            outgoing = [bundle for bundle in bundles.children() if isinstance(bundle, Bundle)]
            lists = [bundle.slots for bundle in outgoing if bundle.copies]
            spread = iter(_Spread.apply(node.total(), *lists) if lists else ())
            for bundle in outgoing:
                for target, members, part in bundle(
                    next(spread) if bundle.copies else node.total()
                ):
                    nodes[target].add(members, part)
        return _as_maps(nodes[-1].total())


def _bundles(cells: Sequence[Cell], node: int) -> list[Bundle]:
    """All useful edges of all cells out of one node."""
    alike: dict[str, list[tuple[int, int, nn.Module]]] = {}
    for member, cell in enumerate(cells):
        for edge, source, target, label in cell.edges:
            if source == node:
                outgoing = (target, member, cell.operations[str(edge)])
                alike.setdefault(label, []).append(outgoing)
    return [
        Bundle(sorted(edges, key=lambda edge: edge[:2]), len(cells))
        for _, edges in sorted(alike.items())
    ]


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
