"""Gradients of networks that are trained together, cut to a length, each network for itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from surrobench.training.fusing.fused_cells import Bundle


@torch.no_grad()
def clip_gradients(network: nn.Module, members: int, longest: float) -> Tensor:
    """Shorten the gradient of every member whose norm over all its parameters is too large.

    As :func:`torch.nn.utils.clip_grad_norm_` does it for each member alone.

    Args:
        network: a fused network after the backward pass; its gradients are changed in place.
        members: how many networks it holds.
        longest: the norm that none exceeds afterwards.

    Returns:
        The norm of each member before, ``members``.
    """
    gradients = _owned_gradients(network, members)
    if not gradients:
        return torch.zeros(members)
    squares = gradients[0][0].new_zeros(members)
    for gradient, owners in gradients:
        parts = gradient.reshape(len(owners), -1)
        squares.index_add_(0, owners, parts.square().sum(dim=1))
    norms = squares.sqrt()
    factors = (longest / (norms + 1e-6)).clamp(max=1.0)
    for gradient, owners in gradients:
        rows = factors[owners].repeat_interleave(len(gradient) // len(owners))
        gradient.mul_(rows.view(-1, *(1,) * (gradient.ndim - 1)))
    return norms


def _owned_gradients(network: nn.Module, members: int) -> list[tuple[Tensor, Tensor]]:
    """Every gradient, and whose each of its equal parts along the first dimension is."""
    bundles = [module for module in network.modules() if isinstance(module, Bundle)]
    slots = {p: bundle.slots for bundle in bundles for p in bundle.parameters()}
    owned = []
    for parameter in network.parameters():
        if (gradient := parameter.grad) is not None:
            owners = slots.get(parameter, torch.arange(members, device=gradient.device))
            owned.append((gradient if gradient.ndim else gradient[None], owners))
    return owned
