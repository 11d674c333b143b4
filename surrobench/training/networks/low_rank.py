"""Low-rank adaptation: a frozen network with small trainable additions to its linear layers."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from surrobench.errors import UserError
from surrobench.spaces.adaptations import Adaptation

SCALE = 2.0
"""What the addition is multiplied by (alpha / rank in the paper)."""


class LowRankLinear(nn.Module):
    r"""A linear layer with :math:`W x + s B A x` in place of :math:`W x`.

    Hu et al., LoRA, ICLR 2022: :math:`A` starts random and :math:`B` at zero, so the network starts
    as it was.

    Args:
        layer: the layer, whose weights are kept and frozen.
        rank: rows of ``A``.
    """

    def __init__(self, layer: nn.Linear, rank: int) -> None:
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.down = nn.Parameter(layer.weight.new_empty(rank, layer.in_features))
        self.up = nn.Parameter(layer.weight.new_zeros(layer.out_features, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, features: Tensor) -> Tensor:
        """``... x in`` to ``... x out``."""
        added = features @ self.down.T @ self.up.T
        kept: Tensor = self.layer(features)
        return kept + SCALE * added

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """One linear layer that computes the same."""
        layer = nn.Linear(
            self.layer.in_features, self.layer.out_features, self.layer.bias is not None
        ).to(self.layer.weight)
        layer.load_state_dict(self.layer.state_dict())
        layer.weight += SCALE * self.up @ self.down
        return layer


def adapt(network: nn.Module, adaptation: Adaptation) -> list[str]:
    """Freeze a network and put low-rank additions beside its linear layers, in place.

    New weights are drawn from torch's global generator.

    Args:
        network: any network.
        adaptation: the rank, and the last parts of the names of the layers to adapt; ``"dense"`` is
            every linear layer whose name ends in ``.dense``.

    Returns:
        The names of the layers that were adapted.

    Raises:
        UserError: for a target that no linear layer has.
    """
    network.requires_grad_(False)
    linear = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    kinds = {name.rpartition(".")[2] for name in linear}
    if missing := [target for target in adaptation.targets if target not in kinds]:
        raise UserError(
            f"the network has no linear layers named {missing[0]!r} to adapt; it has "
            f"{', '.join(sorted(kinds)) or 'none'}."
        )
    adapted = [name for name in linear if name.rpartition(".")[2] in adaptation.targets]
    for name in adapted:
        parent, _, attribute = name.rpartition(".")
        layer = network.get_submodule(name)
        assert isinstance(layer, nn.Linear)
        setattr(network.get_submodule(parent), attribute, LowRankLinear(layer, adaptation.rank))
    return adapted
