"""One network that holds the weights of every cell of a space.

Each edge of each cell has every operation once, and a cell of the space is a path through it. So
the weights of an operation on an edge are shared by all cells that have it there (Bender et al.,
Understanding and Simplifying One-Shot Architecture Search, ICML 2018).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.spaces.edge_cells import EdgeCells
from surrobench.training.datasets.data import Data, Split
from surrobench.training.fusing.fused import NeighbourMean
from surrobench.training.loop.measures import Measures, measure
from surrobench.training.loop.trainer import initialised
from surrobench.training.networks.cells import (
    OPERATIONS,
    Cell,
    CellNetwork,
    Reduction,
    Skeleton,
    useful_edges,
    window,
)

Mix = Sequence[Sequence[tuple[int, Tensor | None]]]
"""For each edge the operations that are computed, each with its weight (None is 1)."""


def path(space: EdgeCells, arch: Arch) -> Mix:
    """The mix that is a single cell; what does not reach its output is left out."""
    useful = set(useful_edges(space, arch))
    return [[(operation, None)] if e in useful else [] for e, operation in enumerate(arch)]


def mixture(weights: Tensor) -> Mix:
    """The mix of all operations of each edge.

    Args:
        weights: ``edges x operations``.
    """
    return [list(enumerate(row.unbind())) for row in weights]


class SharedCell(nn.Module):
    """Every operation on every edge. Batch norms learn neither scale nor shift.

    A learned scale would make the weight of an operation in a mix meaningless.

    Args:
        space: its edges are sorted by target.
        channels: of every node.
        ndim: 2 for images, 1 for signals.
    """

    def __init__(self, space: EdgeCells, channels: int, ndim: int = 2) -> None:
        super().__init__()
        self.space = space
        self.operations = nn.ModuleList(
            nn.ModuleDict(
                {
                    name: _shared(name, channels, ndim)
                    for choice, name in enumerate(space.operations)
                    if choice != space.none
                }
            )
            for _ in space.edges
        )

    def operation(self, edge: int, choice: int) -> nn.Module:
        """The module of an operation, which is not none, on an edge."""
        return self.operations[edge].get_submodule(self.space.operations[choice])

    def forward(self, maps: Tensor, mix: Mix) -> Tensor:
        """``n x channels x height x width`` to the same shape."""
        nodes = {0: maps}
        for edge, ((source, target), choices) in enumerate(zip(self.space.edges, mix, strict=True)):
            if source not in nodes:  # nothing arrives there, and without shifts nothing leaves
                continue
            for choice, weight in choices:
                if choice == self.space.none:
                    continue
                passed = self.operation(edge, choice)(nodes[source])
                passed = passed if weight is None else weight * passed
                nodes[target] = nodes[target] + passed if target in nodes else passed
        return nodes.get(self.space.n_nodes - 1, torch.zeros_like(maps))


def _shared(operation: str, channels: int, ndim: int) -> nn.Module:
    """An operation whose statistics are those of the batch."""
    if operation == "avg_pool_3x3":
        return NeighbourMean(window(3, ndim))
    return _with_batch_statistics(OPERATIONS[operation](channels, ndim), affine=False)


def _with_batch_statistics(module: nn.Module, *, affine: bool) -> nn.Module:
    """Replace the batch norms: running statistics would be those of no single cell."""
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d):
            norm = nn.BatchNorm2d(child.num_features, affine=affine, track_running_stats=False)
            setattr(module, name, norm)
        else:
            _with_batch_statistics(child, affine=affine)
    return module


class Supernet(nn.Module):
    """All cells of a space in one skeleton. Statistics are always those of the batch.

    Initial weights are drawn from torch's global generator
    (:func:`surrobench.training.loop.trainer.initialised` seeds and restores it).

    Args:
        space: cells with the operations of NAS-Bench-201.
        skeleton: channels, cells per stage and reduction.
        channels: channels of the images.
        classes: outputs of the classifier.

    Raises:
        UserError: for an operation that is not one of those.
    """

    def __init__(
        self,
        space: EdgeCells,
        skeleton: Skeleton | None = None,
        *,
        channels: int = 1,
        classes: int = 10,
    ) -> None:
        super().__init__()
        self.space, self.skeleton = space, skeleton or Skeleton()
        self.channels, self.classes = channels, classes
        frame = self._frame((space.none,) * len(space.edges))
        _with_batch_statistics(frame, affine=True)
        self.stem, self.head = frame.stem, frame.head
        width, self.body = self.skeleton.channels, nn.ModuleList()
        for block in frame.body:
            width *= 2 if isinstance(block, Reduction) else 1
            is_cell = isinstance(block, Cell)
            self.body.append(SharedCell(space, width, self.skeleton.ndim) if is_cell else block)

    def _frame(self, arch: Arch) -> CellNetwork:
        return CellNetwork(
            self.space, arch, self.skeleton, channels=self.channels, classes=self.classes
        )

    def forward(self, images: Tensor, mix: Mix) -> Tensor:
        """``n x channels x height x width`` images to ``n x classes`` scores."""
        maps: Tensor = self.stem(images)
        for block in self.body:
            maps = block(maps, mix) if isinstance(block, SharedCell) else block(maps)
        scores: Tensor = self.head(maps)
        return scores

    def extract(self, arch: Arch) -> CellNetwork:
        """The network of one cell with copies of the shared weights.

        In training mode it computes what the path does. Its running statistics are fresh: train
        it on, or let images pass in training mode, before it is evaluated.

        Raises:
            UserError: if ``arch`` is not in the space.
        """
        network = initialised(lambda: self._frame(arch), seed=0)
        network.to(next(self.parameters()))
        pairs: list[tuple[nn.Module, nn.Module]] = [
            (self.stem, network.stem),
            (self.head, network.head),
        ]
        for shared, own in zip(self.body, network.body, strict=True):
            if isinstance(shared, SharedCell) and isinstance(own, Cell):
                pairs += [
                    (shared.operation(int(edge), arch[int(edge)]), module)
                    for edge, module in own.operations.items()
                ]
            else:
                pairs.append((shared, own))
        for source, target in pairs:
            target.load_state_dict(source.state_dict(), strict=False)  # no running statistics
        return network

    @torch.no_grad()
    def measure(self, arch: Arch, split: Split, *, batch_size: int = 500) -> Measures:
        """How good the path of a cell is with the shared weights.

        The images go through in batches of nearly equal size, whose statistics they share.

        Args:
            arch: an architecture of the space.
            split: images on the device of the weights.
            batch_size: the most images in a batch.

        Raises:
            UserError: if ``arch`` is not in the space.
        """
        mix = path(self.space, self.space.check(arch))
        parts = -(-len(split) // batch_size)
        images = split.inputs.contiguous(memory_format=torch.channels_last)
        scores = [self(some, mix) for some in images.tensor_split(parts)]
        return measure(torch.cat(scores)[None], split.labels[None])[0]


def supernet_around(network: nn.Module, space: SearchSpace, data: Data) -> Supernet:
    """The supernet in whose skeleton a network stands; weights from torch's global generator.

    Args:
        network: any network of the space, for its skeleton.
        space: the space.
        data: what the supernet is for.

    Raises:
        UserError: if these are not cells with an operation on each edge.
    """
    if not isinstance(network, CellNetwork) or not isinstance(space, EdgeCells):
        raise UserError(
            "weights are shared in spaces of cells that have an operation on each edge, such as "
            f"that of 'live:cells'; this is the space {space.name!r}, whose networks are of type "
            f"{type(network).__name__}."
        )
    channels, classes = data.shape[0], data.classes
    return Supernet(space, network.skeleton, channels=channels, classes=classes)
