"""What a network costs: parameters and floating-point operations."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


def count_params(network: nn.Module) -> int:
    """Number of trainable parameters; running statistics of batch norm are not among them."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def count_flops(
    network: nn.Module, input_shape: tuple[int, ...], dtype: torch.dtype | None = None
) -> int:
    """Floating-point operations of one forward pass of one input.

    Convolutions and matrix products (those of attention too) alone are counted, at two operations
    per multiply-accumulate (padded positions included); biases, norms, activations and pooling are
    not.

    Args:
        network: the network; its mode and running statistics are left as they are.
        input_shape: shape of one input without the batch dimension, for example ``(1, 8, 8)``.
        dtype: of the input where that is whole numbers (tokens); else it is that of the weights.
    """
    reference = next(network.parameters(), torch.zeros(()))
    if dtype is None or dtype.is_floating_point:
        dtype = reference.dtype
    example = torch.ones(1, *input_shape, dtype=dtype, device=reference.device)
    was_training = network.training
    network.eval()
    try:
        # Fused attention is one operation, of which not every kind is counted.
        with (
            torch.no_grad(),
            sdpa_kernel(SDPBackend.MATH),
            FlopCounterMode(display=False) as counter,
        ):
            network(example)
    finally:
        network.train(was_training)
    return int(counter.get_total_flops())
