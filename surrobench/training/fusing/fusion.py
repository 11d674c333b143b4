"""Which networks can be trained as one, and the one network that they make."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.training.fusing.fused import fuse_chains
from surrobench.training.fusing.fused_cells import fuse_cells
from surrobench.training.networks.cells import CellNetwork


class Alone(nn.Module):
    """Any network in the form of a fused one with a single member."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """``n x channels x height x width`` to ``1 x n x classes``."""
        scores: Tensor = self.network(images)
        return scores[None]


def fusion_key(network: nn.Module) -> Hashable | None:
    """Networks with equal keys can be trained together; None is a network that is trained alone.

    Networks of cells differ in their cells only; chains must be of equal shape.
    """
    if isinstance(network, CellNetwork):
        return "cells", network.skeleton, str(network.stem), str(network.head)
    if isinstance(network, nn.Sequential):
        try:
            fuse_chains([network])
        except UserError:
            return None
        return "chain", str(network)
    return None


def fuse(networks: Sequence[nn.Module]) -> nn.Module:
    """One network that holds copies of all ``networks``.

    Args:
        networks: of one :func:`fusion_key`, or a single network of any kind.

    Returns:
        A network from ``n x (members * channels) x height x width``, the images of the members side
        by side, or from ``n x channels x height x width`` if they all see the same images, to
        ``members x n x classes``.

    Raises:
        UserError: if they cannot be trained together.
    """
    if len(networks) == 1:
        return _laid_out(Alone(deepcopy(networks[0])))
    keys = {fusion_key(network) for network in networks}
    chains = [network for network in networks if isinstance(network, nn.Sequential)]
    cells = [network for network in networks if isinstance(network, CellNetwork)]
    if len(keys) != 1 or len(networks) not in (len(chains), len(cells)):
        shapes = sorted({type(network).__name__ for network in networks})
        raise UserError(
            f"{counted(len(networks), 'network')} ({', '.join(shapes)}) of {len(keys)} different "
            "shapes "
            "cannot be trained together."
        )
    return _laid_out(fuse_chains(chains) if chains else fuse_cells(cells))


def _laid_out(network: nn.Module) -> nn.Module:
    """With channels last, which halves the time of grouped convolutions on CPU."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
