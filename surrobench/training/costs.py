"""What a network costs: parameters and floating-point operations."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def count_params(network: nn.Module) -> int:
    """Number of trainable parameters; running statistics of batch norm are not among them."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def count_flops(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """Floating-point operations of one forward pass of one input.

    Convolutions and matrix products alone are counted, at two operations per multiply-accumulate
    (padded positions included); biases, batch norm, activations and pooling are not.

    Args:
        network: the network; its mode and running statistics are left as they are.
        input_shape: shape of one input without the batch dimension, for example ``(1, 8, 8)``.
    """
    reference = next(network.parameters(), torch.zeros(()))
    image = torch.zeros(1, *input_shape, dtype=reference.dtype, device=reference.device)
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(image)
    finally:
        network.train(was_training)
    return int(counter.get_total_flops())
