"""Chains: convolution blocks followed by fully-connected layers.

A block is convolution, batch normalisation, ReLU and a 2 x 2 pooling that only takes place while
the side of the feature map is at least 4. Kernel sizes are 3 or 5, filters 16, 32 or 64, pooling
max or average, fully-connected layers 128, 256 or 512 wide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product
from math import log2
from typing import Literal, NamedTuple

import numpy as np

from surrobench.arrays import BoolArray, FloatArray, IntArray
from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, ArchGraph, Variable
from surrobench.spaces.blocks import ABSENT, Block
from surrobench.spaces.indexed import IndexedSpace, fits, single_changes, unrank
from surrobench.spaces.node_form import NodeForm, consecutive_edges

KERNELS = (3, 5)
FILTERS = (16, 32, 64)
POOLS: tuple[Literal["max", "avg"], ...] = ("max", "avg")
WIDTHS = (128, 256, 512)
MAX_BLOCKS = 4
MAX_FC = 2
SMALLEST_POOLED_SIDE = 4

_BLOCK = re.compile(r"conv(\d+)-(\d+)-([a-z]+)")
_FC = re.compile(r"fc(\d+)")
_FIELDS = (len(KERNELS), len(FILTERS), len(POOLS))


class ConvBlock(NamedTuple):
    """One convolution block: kernel side, number of filters and kind of pooling."""

    kernel: int
    filters: int
    pool: Literal["max", "avg"]


class Layers(NamedTuple):
    """A chain spelt out: its convolution blocks and the widths of its fully-connected layers."""

    conv: tuple[ConvBlock, ...]
    fc: tuple[int, ...]


class Chains(IndexedSpace):
    """Networks of 1-4 convolution blocks and 1-2 fully-connected layers: 271,440 of them.

    The 14 variables are kernel, filters and pooling of blocks 1 to 4 and the widths of layers 1
    and 2. Choice 0 is ``"absent"`` for blocks 2-4 and layer 2; absent blocks come last. Iteration
    goes by number of blocks, then lexicographically over the blocks (kernel, filters, pooling),
    then over the fully-connected part (one layer before two).

    Args:
        pool: ``"per-block"`` decides the pooling of every block; ``"global"`` once per network.
        fc_layers: the largest number of fully-connected layers, 1 or 2. With ``"global"`` and 1
            the space has 9,324 networks. The variables stay the same 14, so encodings agree.
        side: side of the input image; it decides which poolings take place.

    Raises:
        UserError: for an unknown option value.
    """

    blocks: tuple[Block, ...]
    node_form: NodeForm

    def __init__(
        self,
        pool: Literal["per-block", "global"] = "per-block",
        fc_layers: int = MAX_FC,
        side: int = 8,
    ) -> None:
        if pool not in ("per-block", "global"):
            raise UserError(f"chain: pool is {pool!r}; valid: 'per-block', 'global'.")
        if fc_layers not in (1, MAX_FC):
            raise UserError(f"chain: fc_layers is {fc_layers!r}; valid: 1, 2.")
        if side < 1:
            raise UserError(f"chain: side is {side!r}; the side of an image is at least 1.")
        self.name = "chain"
        self.pool, self.fc_layers, self.side = pool, fc_layers, side
        self.variables = _variables()
        conv = tuple(
            Block(f"conv{i + 1}", (3 * i, 3 * i + 1, 3 * i + 2), i > 0) for i in range(MAX_BLOCKS)
        )
        fc = tuple(Block(f"fc{i + 1}", (3 * MAX_BLOCKS + i,), i > 0) for i in range(MAX_FC))
        self.blocks = conv + fc
        self.node_form = _node_form()

    @property
    def size(self) -> int:
        """Number of architectures, by formula."""
        return sum(self._conv_parts(depth) for depth in range(1, MAX_BLOCKS + 1)) * self._fc_parts

    @property
    def _fc_parts(self) -> int:
        return sum(len(WIDTHS) ** depth for depth in range(1, self.fc_layers + 1))

    def _conv_parts(self, depth: int) -> int:
        pools = len(POOLS) ** depth if self.pool == "per-block" else len(POOLS)
        return (len(KERNELS) * len(FILTERS)) ** depth * pools

    def at(self, index: int) -> Arch:
        """The architecture number ``index`` of the documented order."""
        conv, fc = divmod(index, self._fc_parts)
        depth = 1
        while conv >= self._conv_parts(depth):
            conv -= self._conv_parts(depth)
            depth += 1
        widths = (fc,) if fc < len(WIDTHS) else unrank(fc - len(WIDTHS), (len(WIDTHS),) * 2)
        return _pack(self._blocks_at(conv, depth), widths)

    def _blocks_at(self, index: int, depth: int) -> tuple[Arch, ...]:
        if self.pool == "per-block":
            digits = unrank(index, _FIELDS * depth)
            return tuple(digits[3 * i : 3 * i + 3] for i in range(depth))
        digits = unrank(index, _FIELDS[:2] * depth + _FIELDS[2:])
        return tuple((*digits[2 * i : 2 * i + 2], digits[-1]) for i in range(depth))

    def __contains__(self, arch: object) -> bool:
        """Whether blocks are whole, present ones come first and the options are respected."""
        if not isinstance(arch, tuple) or not fits(arch, self.cardinalities):
            return False
        present = [0 not in arch[3 * i : 3 * i + 3] for i in range(1, MAX_BLOCKS)]
        absent = [not any(arch[3 * i : 3 * i + 3]) for i in range(1, MAX_BLOCKS)]
        whole = all(p != a for p, a in zip(present, absent, strict=True))
        if not whole or sorted(present, reverse=True) != present:
            return False
        if self.fc_layers == 1 and arch[-1]:
            return False
        return self.pool == "per-block" or len({block[2] for block in _unpack(arch)[0]}) == 1

    def neighbours(self, arch: Arch) -> list[Arch]:
        """Architectures one field away, or with one block or layer inserted or deleted.

        With global pooling the pooling is one field, and an inserted block takes it over. The
        order is: changes, insertions and deletions of blocks, then of fully-connected layers.
        """
        blocks, fc = _unpack(self.check(arch))
        edited = [_pack(other, fc) for other in _edits(blocks, _FIELDS, MAX_BLOCKS)]
        if self.pool == "global":
            flipped = tuple((k, f, 1 - p) for k, f, p in blocks)
            edited = [other for other in edited if other in self] + [_pack(flipped, fc)]
        layers = tuple((width,) for width in fc)
        for other in _edits(layers, (len(WIDTHS),), self.fc_layers):
            edited.append(_pack(blocks, [width for (width,) in other]))
        return [other for other in dict.fromkeys(edited) if other != arch]

    def active_pools(self, arch: Arch) -> tuple[bool, ...]:
        """For each present block, whether its pooling takes place (the side is still >= 4)."""
        active, side = [], self.side
        for _ in _unpack(arch)[0]:
            active.append(side >= SMALLEST_POOLED_SIDE)
            side = side // 2 if active[-1] else side
        return tuple(active)

    def canonical(self, arch: Arch) -> Arch:
        """The same network with every pooling that never takes place set to max.

        A global pooling is one decision, so it is set to max only if no block pools at all.
        """
        blocks, fc = _unpack(arch)
        active = self.active_pools(arch)
        if self.pool == "global":
            active = (any(active),) * len(active)
        return _pack(
            tuple((k, f, p if a else 0) for (k, f, p), a in zip(blocks, active, strict=True)), fc
        )

    def layers(self, arch: Arch) -> Layers:
        """The layers that ``arch`` stands for, for building the network."""
        blocks, fc = _unpack(self.check(arch))
        conv = tuple(ConvBlock(KERNELS[k], FILTERS[f], POOLS[p]) for k, f, p in blocks)
        return Layers(conv, tuple(WIDTHS[w] for w in fc))

    def graph(self, arch: Arch) -> ArchGraph:
        """The chain as a path of labelled nodes."""
        nodes = ("input", *self.to_string(arch).split("+"), "output")
        return ArchGraph(nodes, tuple((i, i + 1, "") for i in range(len(nodes) - 1)))

    def node_choices(self, archs: IntArray) -> IntArray:
        """Label index of blocks 1-4 and layers 1-2 of each architecture, -1 where absent."""
        choices = np.array(archs)
        choices[:, :3] += 1  # block 1 and layer 1 have no choice 0 for absent
        choices[:, -2] += 1
        blocks = choices[:, : 3 * MAX_BLOCKS].reshape(len(choices), MAX_BLOCKS, 3) - 1
        labels = (blocks[..., 0] * _FIELDS[1] + blocks[..., 1]) * _FIELDS[2] + blocks[..., 2]
        return np.hstack([np.where(blocks[..., 0] < 0, -1, labels), choices[:, -2:] - 1])

    def node_edges(self, archs: IntArray) -> BoolArray:
        """Which of the possible edges exist: each layer to the next one that is present."""
        return consecutive_edges(self.node_choices(archs) >= 0, self.node_form)

    def trained_layers(self, choices: IntArray) -> FloatArray:
        """Convolution blocks, fully-connected layers and the output layer."""
        layers: FloatArray = (self.node_choices(choices) >= 0).sum(axis=1) + 1.0
        return layers

    def to_string(self, arch: Arch) -> str:
        """For example ``"conv3-16-max+conv5-64-avg+fc128"``: kernel, filters, pooling; width."""
        conv, fc = self.layers(arch)
        return "+".join(
            [f"conv{b.kernel}-{b.filters}-{b.pool}" for b in conv] + [f"fc{w}" for w in fc]
        )

    def parse(self, text: str) -> Arch:
        """The architecture that :meth:`to_string` wrote.

        Raises:
            UserError: naming the part of ``text`` that is not a layer of this space.
        """
        blocks: list[Arch] = []
        fc: list[int] = []
        for part in text.strip().split("+"):
            if not fc and (match := _BLOCK.fullmatch(part)):
                kernel, filters, pool = match.groups()
                blocks.append(
                    (
                        _position(text, "kernel", kernel, KERNELS),
                        _position(text, "filters", filters, FILTERS),
                        _position(text, "pooling", pool, POOLS),
                    )
                )
            elif match := _FC.fullmatch(part):
                fc.append(_position(text, "fully-connected width", match[1], WIDTHS))
            else:
                raise UserError(
                    f"{text!r}: {part!r} is not expected there; write convolution blocks such as "
                    "conv3-16-max, then layers such as fc128, joined by '+'."
                )
        if not (1 <= len(blocks) <= MAX_BLOCKS and 1 <= len(fc) <= self.fc_layers):
            raise UserError(
                f"{text!r}: {counted(len(blocks), 'convolution block')} and "
                f"{counted(len(fc), 'fully-connected layer')}; "
                f"valid: 1 to {MAX_BLOCKS} and 1 to {self.fc_layers}."
            )
        return self.check(_pack(tuple(blocks), tuple(fc)))


def _node_form() -> NodeForm:
    blocks = tuple(f"conv{k}-{f}-{p}" for k, f, p in product(KERNELS, FILTERS, POOLS))
    layers = tuple(f"fc{width}" for width in WIDTHS)
    fc1, fc2, output = MAX_BLOCKS + 1, MAX_BLOCKS + 2, MAX_BLOCKS + 3
    edges = [(i, i + 1) for i in range(MAX_BLOCKS)]
    edges += [(i, fc1) for i in range(1, MAX_BLOCKS + 1)]
    edges += [(fc1, fc2), (fc1, output), (fc2, output)]
    return NodeForm((blocks,) * MAX_BLOCKS + (layers,) * MAX_FC, tuple(edges))


def _variables() -> tuple[Variable, ...]:
    variables = []
    for number in range(1, MAX_BLOCKS + 1):
        fields: list[tuple[str, Sequence[object], tuple[float, ...]]] = [
            ("kernel", KERNELS, tuple(map(float, KERNELS))),
            ("filters", FILTERS, tuple(map(log2, FILTERS))),
            ("pool", POOLS, (1.0, 2.0)),
        ]
        variables += [
            _variable(f"conv{number} {field}", choices, values, number > 1)
            for field, choices, values in fields
        ]
    for number in range(1, MAX_FC + 1):
        variables.append(
            _variable(f"fc{number} width", WIDTHS, tuple(map(log2, WIDTHS)), number > 1)
        )
    return tuple(variables)


def _variable(
    name: str, choices: Sequence[object], values: tuple[float, ...], optional: bool
) -> Variable:
    """An ordinal variable (sizes in log2); an optional one starts with "absent", value 0."""
    labels = tuple(str(choice) for choice in choices)
    if optional:
        return Variable(name, (ABSENT, *labels), (0.0, *values))
    return Variable(name, labels, values)


def _pack(blocks: Sequence[Arch], fc: Sequence[int]) -> Arch:
    """The 14 choice indices of blocks (k, f, p) and widths counted from 0."""
    arch: list[int] = []
    for i in range(MAX_BLOCKS):
        if i < len(blocks):
            arch += [choice + (i > 0) for choice in blocks[i]]
        else:
            arch += [0, 0, 0]
    return (*arch, fc[0], fc[1] + 1 if len(fc) > 1 else 0)


def _unpack(arch: Arch) -> tuple[tuple[Arch, ...], Arch]:
    """Present blocks (k, f, p) and widths, counted from 0: the inverse of :func:`_pack`."""
    blocks = [arch[:3]]
    for i in range(1, MAX_BLOCKS):
        if arch[3 * i]:
            blocks.append((arch[3 * i] - 1, arch[3 * i + 1] - 1, arch[3 * i + 2] - 1))
    fc = (arch[-2], arch[-1] - 1) if arch[-1] else (arch[-2],)
    return tuple(blocks), fc


def _edits(
    layers: tuple[Arch, ...], sizes: Sequence[int], longest: int
) -> Iterator[tuple[Arch, ...]]:
    """Change one field of one layer, or insert or delete one; 1 to ``longest`` remain."""
    for i, layer in enumerate(layers):
        for other in single_changes(layer, sizes):
            yield (*layers[:i], other, *layers[i + 1 :])
    if len(layers) < longest:
        for i in range(len(layers) + 1):
            for new in product(*map(range, sizes)):
                yield (*layers[:i], new, *layers[i:])
    if len(layers) > 1:
        for i in range(len(layers)):
            yield (*layers[:i], *layers[i + 1 :])


def _position(text: str, what: str, label: str, valid: Sequence[object]) -> int:
    labels = [str(choice) for choice in valid]
    if label not in labels:
        raise UserError(f"{text!r}: {what} {label} is not one of {', '.join(labels)}.")
    return labels.index(label)
