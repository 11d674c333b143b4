"""Wider and deeper chains that compute what a smaller one does (Net2Net).

A wider layer holds copies of the units of the smaller one, and the next layer divides what it gave
to a unit among the copies. The shares are unequal, so that the copies learn different things. A
further layer passes its input on unchanged: exact in evaluation, when batch norm uses its running
statistics. Layers that are narrower, or pool differently, take over what fits and are not exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

Layer = TypeVar("Layer")


class ConvBlock(NamedTuple):
    """Convolution, batch norm, and the pooling if it takes place."""

    conv: nn.Conv2d
    norm: nn.BatchNorm2d
    pool: str


@dataclass(frozen=True)
class ChainParts:
    """A chain of :func:`~surrobench.training.networks.networks.build_chain`, layer by layer."""

    blocks: list[ConvBlock]
    hidden: list[nn.Linear]
    classifier: nn.Linear

    @classmethod
    def of(cls, network: nn.Module) -> ChainParts | None:
        """The parts of a chain; None if the network is none."""
        if not isinstance(network, nn.Sequential):
            return None
        layers = list(network)
        convs = [i for i, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)]
        linears = [layer for layer in layers if isinstance(layer, nn.Linear)]
        flat = next((i for i, layer in enumerate(layers) if isinstance(layer, nn.Flatten)), 0)
        if not convs or not linears:
            return None
        blocks = []
        for start, end in zip(convs, [*convs[1:], flat], strict=True):
            conv, *rest = layers[start:end]
            kinds = [type(layer) for layer in rest[:2]]
            if kinds != [nn.BatchNorm2d, nn.ReLU] or len(rest) > 3:
                return None
            pool = "".join(str(layer) for layer in rest[2:])
            blocks.append(ConvBlock(cast(nn.Conv2d, conv), cast(nn.BatchNorm2d, rest[0]), pool))
        if len(layers) != sum(3 + bool(block.pool) for block in blocks) + 2 * len(linears):
            return None
        return cls(blocks, linears[:-1], linears[-1])


class _Signal(NamedTuple):
    """Where what flows through the child comes from.

    Attributes:
        origin: for each unit of the child the unit of the parent that it is a copy of.
        units: how many the parent has there.
        exact: whether the values are those of the parent.
        known: whether ``origin`` means anything.
    """

    origin: Tensor
    units: int
    exact: bool = True
    known: bool = True

    @property
    def shares(self) -> Tensor:
        """How what the parent's next layer gave to a unit is divided among its copies."""
        copies, seen, ranks = Counter(self.origin.tolist()), Counter[int](), []
        for unit in self.origin.tolist():
            seen[unit] += 1
            ranks.append(2 * seen[unit] / (copies[unit] * (copies[unit] + 1)))
        return torch.tensor(ranks, dtype=torch.float64)

    def to(self, inputs: int) -> _Signal:
        """As a layer of the parent sees it that has another number of inputs."""
        if inputs == self.units:
            return self
        return _Signal(torch.arange(len(self.origin)) % inputs, inputs, False, self.known)

    def passed(self, outputs: int, *, exact: bool) -> _Signal:
        """Behind a layer that only repeats or drops units."""
        repeated = self.origin[torch.arange(outputs) % len(self.origin)]
        return _Signal(repeated, self.units, self.exact and exact, self.known)


@torch.no_grad()
def morph(child: ChainParts, parent: ChainParts) -> tuple[bool, int]:
    """Overwrite the weights of ``child`` by those of ``parent``.

    Returns:
        Whether the child computes what the parent does, and how many of its parameters it took.
    """
    channels, taken = child.blocks[0].conv.in_channels, 0
    signal = _Signal(torch.arange(channels), channels)
    for place, (block, source) in enumerate(_aligned(child.blocks, parent.blocks, _block_fits)):
        took, signal = _take_block(block, source, signal, first=place == 0)
        taken += took
    signal = _flattened(signal, child, parent)
    for layer, origin in _aligned(child.hidden, parent.hidden, _linear_fits):
        took, signal = _take_linear(layer, origin, signal)
        taken += took
    took, signal = _take_linear(child.classifier, parent.classifier, signal)
    complete = len(child.blocks) >= len(parent.blocks) and len(child.hidden) >= len(parent.hidden)
    return signal.exact and complete, taken + took


def _aligned(
    child: Sequence[Layer], parent: Sequence[Layer], fits: Callable[[Layer, Layer], bool]
) -> list[tuple[Layer, Layer | None]]:
    """Each layer of the child with one of the parent, in order, so that as many fit as can."""
    few = min(len(child), len(parent))
    places = [
        list(zip(ours, theirs, strict=True))
        for ours in combinations(range(len(child)), few)
        for theirs in combinations(range(len(parent)), few)
    ]
    # Of equally good pairings the first one leaves the further layers at the end.
    best = max(places, key=lambda pairs: sum(fits(child[i], parent[j]) for i, j in pairs))
    sources = {i: parent[j] for i, j in best}
    return [(layer, sources.get(i)) for i, layer in enumerate(child)]


def _block_fits(block: ConvBlock, source: ConvBlock) -> bool:
    larger = block.conv.kernel_size >= source.conv.kernel_size
    return (
        larger
        and block.conv.out_channels >= source.conv.out_channels
        and (block.pool == source.pool)
    )


def _linear_fits(layer: nn.Linear, source: nn.Linear) -> bool:
    return layer.out_features >= source.out_features


def _take_block(
    block: ConvBlock, source: ConvBlock | None, signal: _Signal, *, first: bool
) -> tuple[int, _Signal]:
    """Parameters taken, and the signal behind the block."""
    outputs = block.conv.out_channels
    if source is not None:
        signal = _widen_block(block, source, signal.to(source.conv.in_channels))
    elif first or block.pool or outputs < len(signal.origin):
        # It stays as it was initialised, and the next layers take over in order.
        return 0, signal.passed(outputs, exact=False)
    else:  # behind a ReLU nothing is negative, so another one changes nothing
        signal = _pass_through(block, signal)
    return _count(block.conv) + _count(block.norm), signal


def _widen_block(block: ConvBlock, source: ConvBlock, signal: _Signal) -> _Signal:
    outputs, units = block.conv.out_channels, source.conv.out_channels
    origin = torch.arange(outputs) % units
    shares = signal.shares.to(source.conv.weight.dtype)
    weight = source.conv.weight[origin][:, signal.origin] * shares[:, None, None]
    margin = (block.conv.kernel_size[0] - source.conv.kernel_size[0]) // 2
    block.conv.weight.copy_(functional.pad(weight, (margin,) * 4))
    if block.conv.bias is not None and source.conv.bias is not None:
        block.conv.bias.copy_(source.conv.bias[origin])
    theirs = source.norm.state_dict()
    for name, value in block.norm.state_dict().items():
        value.copy_(theirs[name][origin] if value.ndim else theirs[name])
    return _Signal(origin, units, signal.exact and _block_fits(block, source), signal.known)


def _pass_through(block: ConvBlock, signal: _Signal) -> _Signal:
    """A kernel of one 1, and a batch norm that does nothing in evaluation."""
    inputs, outputs = block.conv.in_channels, torch.arange(block.conv.out_channels)
    centre = block.conv.kernel_size[0] // 2
    nn.init.zeros_(block.conv.weight)
    block.conv.weight[outputs, outputs % inputs, centre, centre] = 1
    if block.conv.bias is not None:
        nn.init.zeros_(block.conv.bias)
    block.norm.reset_running_stats()
    nn.init.constant_(block.norm.weight, (1 + block.norm.eps) ** 0.5)
    nn.init.zeros_(block.norm.bias)
    return signal.passed(len(outputs), exact=True)


def _flattened(signal: _Signal, child: ChainParts, parent: ChainParts) -> _Signal:
    """Each channel becomes one unit for every place of the map."""
    ours, theirs = ([*parts.hidden, parts.classifier][0].in_features for parts in (child, parent))
    places, wanted = ours // len(signal.origin), theirs // parent.blocks[-1].conv.out_channels
    if places != wanted:
        return _Signal(torch.arange(ours) % theirs, theirs, exact=False, known=False)
    signal = signal.to(parent.blocks[-1].conv.out_channels)
    origin = (signal.origin[:, None] * places + torch.arange(places)).flatten()
    return _Signal(origin, theirs, signal.exact)


def _take_linear(
    layer: nn.Linear, source: nn.Linear | None, signal: _Signal
) -> tuple[int, _Signal]:
    """Parameters taken, and the signal behind the layer."""
    outputs = layer.out_features
    if not signal.known:
        units = outputs if source is None else source.out_features
        return 0, _Signal(torch.arange(outputs) % units, units, exact=False)
    if source is None and outputs < layer.in_features:
        return 0, signal.passed(outputs, exact=False)
    if source is None:
        places = torch.arange(outputs)
        nn.init.zeros_(layer.weight)
        layer.weight[places, places % layer.in_features] = 1
        nn.init.zeros_(layer.bias)
        return _count(layer), signal.passed(outputs, exact=True)
    signal = signal.to(source.in_features)
    origin = torch.arange(outputs) % source.out_features
    shares = signal.shares.to(source.weight.dtype)
    layer.weight.copy_(source.weight[origin][:, signal.origin] * shares)
    layer.bias.copy_(source.bias[origin])
    exact = signal.exact and _linear_fits(layer, source)
    return _count(layer), _Signal(origin, source.out_features, exact)


def _count(layer: nn.Module) -> int:
    return sum(parameter.numel() for parameter in layer.parameters())
