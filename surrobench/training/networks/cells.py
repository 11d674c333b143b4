"""Trainable networks of cells that have an operation on each edge (NAS-Bench-201)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, get_args

from torch import Tensor, nn

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.spaces.edge_cells import EdgeCells

STAGES = 3
ReductionKind = Literal["thin", "residual"]


@dataclass(frozen=True)
class Skeleton:
    """What surrounds the cells: three stages, each with twice the channels at half the side.

    Attributes:
        channels: channels of the first stage.
        cells: equal cells in each stage.
        reduction: what lies between stages. ``"residual"`` is the block of NAS-Bench-201, two
            3 x 3 convolutions beside a shortcut; with few cells it does most of the work and
            hides them. ``"thin"`` is pooling, ReLU, a 1 x 1 convolution and batch norm.
        ndim: 2 for images, 1 for signals, whose kernels and poolings are 3 long instead of 3 x 3.
    """

    channels: int = 8
    cells: int = 1
    reduction: ReductionKind = "thin"
    ndim: int = 2

    def __post_init__(self) -> None:
        for name, value in (("channels", self.channels), ("cells", self.cells)):
            if value < 1:
                raise UserError(f"skeleton: {name} is {value}; it must be at least 1.")
        if self.reduction not in get_args(ReductionKind):
            raise UserError(
                f"skeleton: reduction is {self.reduction!r}; it must be 'thin' or 'residual'."
            )
        if self.ndim not in (1, 2):
            raise UserError(f"skeleton: ndim is {self.ndim}; it must be 1 or 2.")

    @property
    def settings(self) -> dict[str, Any]:
        """The fields by name, as keys of what was trained hold them: no ``ndim`` for images."""
        values = asdict(self)
        return {name: v for name, v in values.items() if name != "ndim" or v != 2}


OFFICIAL = Skeleton(channels=16, cells=5, reduction="residual")
"""The skeleton of NAS-Bench-201 (Dong & Yang, ICLR 2020)."""


def window(size: int, ndim: int, rest: int = 1) -> tuple[int, int]:
    """Rows and columns of a window: a signal is an image of height 1, with ``rest`` rows."""
    return (size if ndim == 2 else rest), size


def convolution(
    inputs: int, outputs: int, kernel: int, stride: int = 1, ndim: int = 2
) -> nn.Conv2d:
    """A convolution without bias that keeps the side, or halves it with stride 2."""
    return nn.Conv2d(
        inputs,
        outputs,
        window(kernel, ndim),
        window(stride, ndim),
        padding=window(kernel // 2, ndim, rest=0),
        bias=False,
    )


def rectified(
    inputs: int, outputs: int, kernel: int, stride: int = 1, ndim: int = 2
) -> list[nn.Module]:
    """ReLU, convolution, batch norm: the order of NAS-Bench-201."""
    return [nn.ReLU(), convolution(inputs, outputs, kernel, stride, ndim), nn.BatchNorm2d(outputs)]


def neighbour_mean(ndim: int) -> nn.AvgPool2d:
    """Mean of the neighbours that lie inside."""
    sides = window(3, ndim), window(1, ndim), window(1, ndim, rest=0)
    return nn.AvgPool2d(*sides, count_include_pad=False)


class Operation(Protocol):
    """What makes the module of an operation."""

    def __call__(self, channels: int, ndim: int = 2) -> nn.Module:
        """The module for so many channels."""
        ...


OPERATIONS: dict[str, Operation] = {
    "skip_connect": lambda channels, ndim=2: nn.Identity(),
    "nor_conv_1x1": lambda channels, ndim=2: nn.Sequential(
        *rectified(channels, channels, 1, ndim=ndim)
    ),
    "nor_conv_3x3": lambda channels, ndim=2: nn.Sequential(
        *rectified(channels, channels, 3, ndim=ndim)
    ),
    "avg_pool_3x3": lambda channels, ndim=2: neighbour_mean(ndim),
}
"""A module for each operation but none, given channels and dimensions."""


def useful_edges(space: EdgeCells, arch: Arch) -> list[int]:
    """Positions of the edges that change the output of the cell, in order.

    They reach the output node and carry something. A convolution carries something even from a
    node that is always zero: the learned shift of its batch norm.
    """
    with_weights = [learns(space.operations[operation]) for operation in arch]
    filled = {0}
    carrying = []
    for edge, (source, target) in enumerate(space.edges):
        if arch[edge] != space.none and (source in filled or with_weights[edge]):
            carrying.append(edge)
            filled.add(target)
    reaching = {space.n_nodes - 1}
    useful = []
    for edge in reversed(carrying):
        source, target = space.edges[edge]
        if target in reaching:
            useful.append(edge)
            reaching.add(source)
    return useful[::-1]


def learns(operation: str) -> bool:
    """Whether an operation has weights."""
    return operation.startswith("nor_conv")


class Cell(nn.Module):
    """The cell: every node is the sum of its incoming edges, the last node is the output.

    Operations without influence on the output have parameters, as in the benchmark, but are not
    computed.

    Args:
        space: a space whose operations are those of NAS-Bench-201 and whose edges are sorted by
            target.
        arch: an architecture of it.
        channels: channels of every node.
        ndim: 2 for images, 1 for signals.
    """

    def __init__(self, space: EdgeCells, arch: Arch, channels: int, ndim: int = 2) -> None:
        super().__init__()
        self.operations = nn.ModuleDict(
            {
                str(edge): OPERATIONS[space.operations[operation]](channels, ndim)
                for edge, operation in enumerate(arch)
                if operation != space.none
            }
        )
        self.edges = tuple(
            (edge, *space.edges[edge], space.operations[arch[edge]])
            for edge in useful_edges(space, arch)
        )
        self.n_nodes = space.n_nodes

    def forward(self, maps: Tensor) -> Tensor:
        """``n x channels x height x width`` to the same shape."""
        nodes: dict[int, Tensor] = {0: maps}
        zero = maps.new_zeros(()).expand_as(maps)
        for edge, source, target, _ in self.edges:
            passed = self.operations[str(edge)](nodes.get(source, zero))
            nodes[target] = nodes[target] + passed if target in nodes else passed
        return nodes.get(self.n_nodes - 1, zero)


class Reduction(nn.Module):
    """Twice the channels at half the side (rounded up)."""

    def __init__(self, channels: int, kind: ReductionKind, ndim: int = 2) -> None:
        super().__init__()
        double = 2 * channels
        halving = nn.AvgPool2d(window(2, ndim), ceil_mode=True)
        if kind == "thin":
            self.main = nn.Sequential(halving, *rectified(channels, double, 1, ndim=ndim))
            self.shortcut = None
        else:
            self.main = nn.Sequential(
                *rectified(channels, double, 3, stride=2, ndim=ndim),
                *rectified(double, double, 3, ndim=ndim),
            )
            self.shortcut = nn.Sequential(halving, convolution(channels, double, 1, ndim=ndim))

    def forward(self, maps: Tensor) -> Tensor:
        """``n x channels x height x width`` to twice the channels at half the side."""
        reduced: Tensor = self.main(maps)
        return reduced if self.shortcut is None else reduced + self.shortcut(maps)


class CellNetwork(nn.Module):
    """A network of equal cells for images, or for signals in the form of images of height 1.

    Initial weights are drawn from torch's global generator
    (:func:`surrobench.training.loop.trainer.initialised` seeds and restores it): convolutions as He
    et al. (ICCV 2015) by the number of outputs, the classifier with deviation 0.01.

    Args:
        space: NAS-Bench-201, or another space of cells with its operations.
        arch: an architecture of ``space``.
        skeleton: channels, cells per stage and reduction.
        channels: channels of the images.
        classes: outputs of the classifier.

    Raises:
        UserError: if ``arch`` is not in ``space`` or an operation is not one of ``OPERATIONS``.
    """

    def __init__(
        self,
        space: EdgeCells,
        arch: Arch,
        skeleton: Skeleton | None = None,
        *,
        channels: int = 1,
        classes: int = 10,
    ) -> None:
        super().__init__()
        space.check(arch)
        unknown = set(space.operations) - set(OPERATIONS) - {space.operations[space.none]}
        if unknown:
            raise UserError(f"{space.name}: no module for the operation {sorted(unknown)[0]!r}.")
        self.skeleton = skeleton or Skeleton()
        width, ndim = self.skeleton.channels, self.skeleton.ndim
        stem = convolution(channels, width, 3, ndim=ndim)
        self.stem = nn.Sequential(stem, nn.BatchNorm2d(width))
        self.body = nn.ModuleList()
        for stage in range(STAGES):
            if stage:
                self.body.append(Reduction(width, self.skeleton.reduction, ndim))
                width *= 2
            self.body.extend(Cell(space, arch, width, ndim) for _ in range(self.skeleton.cells))
        self.head = nn.Sequential(
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(width, classes),
        )
        self.apply(_initialise)

    def maps(self, images: Tensor) -> Tensor:
        """The feature maps before the head, ``n x 4 channels x height / 4 x width / 4``.

        The height of a signal stays 1.
        """
        maps: Tensor = self.stem(images)
        for block in self.body:
            maps = block(maps)
        return maps

    def forward(self, images: Tensor) -> Tensor:
        """``n x channels x height x width`` images to ``n x classes`` scores."""
        scores: Tensor = self.head(self.maps(images))
        return scores


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.01)
        nn.init.zeros_(module.bias)
