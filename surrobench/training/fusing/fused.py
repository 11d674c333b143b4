"""Layers of many networks as one, so that each tensor operation does the work of all.

Small networks spend most of their time starting operations. Channels of a fused layer are those of
its members side by side, and grouped operations keep them apart: outputs, gradients and SGD steps
of a member equal those of the member alone up to rounding, whatever becomes of the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import skip_init

from surrobench.errors import UserError


class FusedConv2d(nn.Conv2d):
    """One convolution per member.

    Takes ``n x (members * channels) x height x width``, or ``n x channels x height x width`` if
    all members see the same input (the images), which is then read once.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """The maps of all members, side by side."""
        groups = self.groups if maps.shape[1] == self.in_channels else 1
        return functional.conv2d(
            maps, self.weight, self.bias, self.stride, self.padding, self.dilation, groups
        )


class FusedLinear(nn.Module):
    """One linear layer per member, to ``members x n x out``.

    Takes ``members x n x in``, or what flattening leaves: ``n x (members * in)``, or ``n x in`` if
    all members see the same.
    """

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.stack([layer.weight.detach().T for layer in layers]))
        self.bias = nn.Parameter(torch.stack([layer.bias.detach()[None] for layer in layers]))

    def forward(self, features: Tensor) -> Tensor:
        """The outputs of each member."""
        members, inputs = self.weight.shape[:2]
        if features.ndim == 2:
            features = features.unflatten(1, (-1, inputs)).transpose(0, 1).expand(members, -1, -1)
        return torch.baddbmm(self.bias, features, self.weight)


class NeighbourMean(nn.Module):
    """Mean of the neighbours that lie inside: average pooling that does not count padding.

    As a convolution of each channel by ones this takes a quarter of the time of torch's pooling on
    CPU, forth and back.

    Args:
        window: rows and columns, both odd.
    """

    def __init__(self, window: tuple[int, int] = (3, 3)) -> None:
        super().__init__()
        self.window = window
        self.padding = (window[0] // 2, window[1] // 2)

    def forward(self, maps: Tensor) -> Tensor:
        """``n x channels x height x width`` to the same shape."""
        channels = maps.shape[1]
        ones = maps.new_ones(channels, 1, *self.window)
        inside = maps.new_ones(1, 1, *maps.shape[2:])
        counts = functional.conv2d(inside, ones[:1], padding=self.padding)
        sums = functional.conv2d(maps, ones, padding=self.padding, groups=channels)
        return sums.div_(counts)


def fuse_chains(networks: Sequence[nn.Sequential]) -> nn.Sequential:
    """One network that holds copies of all ``networks``.

    Args:
        networks: chains of equal shape: convolutions, batch norms, flattening, linear layers and
            layers without parameters that treat every channel alike.

    Returns:
        A network from ``n x (members * channels) x height x width``, the images of the members side
        by side, to ``members x n x classes`` (to maps side by side if there is no linear layer).

    Raises:
        UserError: for a layer that cannot be fused.
    """
    layers = [fuse_layers(alike) for alike in zip(*networks, strict=True)]
    return nn.Sequential(*layers)


def fuse_layers(layers: Sequence[nn.Module]) -> nn.Module:
    """One layer that holds copies of all ``layers``, which are of equal shape.

    Raises:
        UserError: for a layer that cannot be fused.
    """
    first, members = layers[0], len(layers)
    if isinstance(first, nn.Sequential):
        return fuse_chains([layer for layer in layers if isinstance(layer, nn.Sequential)])
    if isinstance(first, nn.Conv2d) and first.groups == 1 and first.padding_mode == "zeros":
        return _joined(_convolution(first, members), layers)
    if isinstance(first, nn.BatchNorm2d):
        return _joined(_norm(first, members), layers)
    if isinstance(first, nn.Linear) and first.bias is not None:
        return FusedLinear([layer for layer in layers if isinstance(layer, nn.Linear)])
    if isinstance(first, nn.Flatten):
        return nn.Flatten()
    if isinstance(first, nn.AvgPool2d) and (window := _neighbourhood(first)):
        return NeighbourMean(window)
    if isinstance(first, _PARAMETERLESS):
        return first
    raise UserError(f"networks with a layer {type(first).__name__} cannot be trained together.")


_PARAMETERLESS = (
    nn.ReLU,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.Identity,
    NeighbourMean,
)


def _convolution(first: nn.Conv2d, members: int) -> nn.Module:
    return skip_init(
        FusedConv2d,
        members * first.in_channels,
        members * first.out_channels,
        first.kernel_size,
        stride=first.stride,
        padding=first.padding,
        dilation=first.dilation,
        bias=first.bias is not None,
        groups=members,
    )


def _norm(first: nn.BatchNorm2d, members: int) -> nn.Module:
    return nn.BatchNorm2d(
        members * first.num_features,
        first.eps,
        first.momentum,
        first.affine,
        first.track_running_stats,
    )


def _neighbourhood(pool: nn.AvgPool2d) -> tuple[int, int] | None:
    """Rows and columns of a pooling that is a mean of neighbours, else None."""
    kernel, stride, padding = map(_pair, (pool.kernel_size, pool.stride, pool.padding))
    centred = all(2 * pad + 1 == side for side, pad in zip(kernel, padding, strict=True))
    if stride == (1, 1) and centred and not pool.count_include_pad:
        return kernel
    return None


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def _joined(fused: nn.Module, layers: Sequence[nn.Module]) -> nn.Module:
    """Fill ``fused`` with the parameters and buffers of ``layers``, one after the other."""
    states = [layer.state_dict() for layer in layers]
    for value in states[0].values():
        if value.is_floating_point():
            fused.to(value)  # its device and type
    fused.load_state_dict(
        {
            name: torch.cat([state[name] for state in states]) if value.ndim else value
            for name, value in states[0].items()
        }
    )
    return fused
