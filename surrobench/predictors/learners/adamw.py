"""AdamW over one buffer that holds every parameter."""

from __future__ import annotations

import torch
from torch import Tensor


class AdamW:
    """AdamW (Loshchilov & Hutter, 2019) in one pass over whole buffers, in place.

    The pass is the kernel behind ``torch.optim.AdamW(fused=True)``; the class around it imports
    torch's compiler, which takes seconds.

    Args:
        parameters: all of them, in one tensor without gradients; changed by :meth:`step`.
        weight_decay: of every parameter, biases too.
    """

    def __init__(self, parameters: Tensor, weight_decay: float) -> None:
        self._parameters = parameters
        self._weight_decay = weight_decay
        self._first = torch.zeros_like(parameters)
        self._second = torch.zeros_like(parameters)
        self._steps = torch.zeros(())

    def step(self, gradient: Tensor, rate: float) -> None:
        """Move the parameters along a gradient of their shape."""
        self._steps += 1
        torch._fused_adamw_(
            [self._parameters],
            [gradient],
            [self._first],
            [self._second],
            [],
            [self._steps],
            lr=rate,
            beta1=0.9,
            beta2=0.999,
            weight_decay=self._weight_decay,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
        )
