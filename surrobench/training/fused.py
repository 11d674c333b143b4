"""Many networks of equal shape as one, so that each tensor operation does the work of all.

Small networks spend most of their time starting operations. Channels of the fused network are those
of its members side by side, and grouped operations keep them apart: outputs, gradients and SGD
steps of a member equal those of the member alone up to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

from surrobench.errors import UserError


class FusedFlatten(nn.Module):
    """``n x (members * channels) x height x width`` to ``members x n x features``."""

    def __init__(self, members: int) -> None:
        super().__init__()
        self.members = members

    def forward(self, maps: Tensor) -> Tensor:
        """The features of each member."""
        return maps.reshape(len(maps), self.members, -1).transpose(0, 1)


class FusedLinear(nn.Module):
    """One linear layer per member, ``members x n x in`` to ``members x n x out``."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.stack([layer.weight.detach().T for layer in layers]))
        self.bias = nn.Parameter(torch.stack([layer.bias.detach()[None] for layer in layers]))

    def forward(self, features: Tensor) -> Tensor:
        """The outputs of each member."""
        return torch.baddbmm(self.bias, features, self.weight)


def fuse(networks: Sequence[nn.Sequential]) -> nn.Sequential:
    """One network that holds copies of all ``networks``.

    Args:
        networks: chains of equal shape: convolutions, batch norms, flattening, linear layers and
            layers without parameters that treat every channel alike.

    Returns:
        A network from ``n x (members * channels) x height x width``, the images of the members side
        by side, to ``members x n x classes``.

    Raises:
        UserError: for a layer that cannot be fused.
    """
    layers = [_fuse_layers(alike) for alike in zip(*networks, strict=True)]
    # Channels last halves the time of grouped convolutions on CPU (torch's stubs do not know it).
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _fuse_layers(layers: Sequence[nn.Module]) -> nn.Module:
    first, members = layers[0], len(layers)
    if isinstance(first, nn.Conv2d) and first.groups == 1:
        fused: nn.Module = skip_init(
            nn.Conv2d,
            members * first.in_channels,
            members * first.out_channels,
            first.kernel_size,
            padding=first.padding,
            groups=members,
        )
        return _joined(fused, layers)
    if isinstance(first, nn.BatchNorm2d):
        return _joined(nn.BatchNorm2d(members * first.num_features), layers)
    if isinstance(first, nn.Linear):
        return FusedLinear([layer for layer in layers if isinstance(layer, nn.Linear)])
    if isinstance(first, nn.Flatten):
        return FusedFlatten(members)
    if isinstance(first, nn.ReLU | nn.MaxPool2d | nn.AvgPool2d):
        return first
    raise UserError(f"networks with a layer {type(first).__name__} cannot be trained together.")


def _joined(fused: nn.Module, layers: Sequence[nn.Module]) -> nn.Module:
    """Fill ``fused`` with the parameters and buffers of ``layers``, one after the other."""
    states = [layer.state_dict() for layer in layers]
    fused.load_state_dict(
        {
            name: torch.cat([state[name] for state in states]) if value.ndim else value
            for name, value in states[0].items()
        }
    )
    return fused
