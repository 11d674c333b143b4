"""Adam whose state can be saved; torch's own imports its compiler, which takes seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from surrobench.strategies.reinforcement.tensors import decode_tensor, encode_tensor


class Adam:
    """Adam (Kingma & Ba, 2015) with the usual decay rates, 0.9 and 0.999.

    Args:
        parameters: moved in place.
        rate: the learning rate.
    """

    def __init__(self, parameters: Sequence[Tensor], rate: float) -> None:
        self._parameters = list(parameters)
        self._rate = rate
        self._first = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._second = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._steps = 0

    def minimise(self, loss: Tensor) -> None:
        """One step down the gradient of ``loss``, a scalar."""
        gradients = torch.autograd.grad(loss, self._parameters)
        self._steps += 1
        first_bias, second_bias = 1.0 - 0.9**self._steps, 1.0 - 0.999**self._steps
        with torch.no_grad():
            for parameter, gradient, first, second in zip(
                self._parameters, gradients, self._first, self._second, strict=True
            ):
                first.lerp_(gradient, 0.1)
                second.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
                scale = second.sqrt().div_(math.sqrt(second_bias)).add_(1e-8)
                parameter.addcdiv_(first, scale, value=-self._rate / first_bias)

    def save(self) -> dict[str, Any]:
        """Parameters, moments and the number of steps, exactly, as data that JSON can hold."""
        tensors = {"parameters": self._parameters, "first": self._first, "second": self._second}
        return {
            "steps": self._steps,
            **{name: [encode_tensor(tensor) for tensor in some] for name, some in tensors.items()},
        }

    def load(self, content: Mapping[str, Any]) -> None:
        """Take over what :meth:`save` returned.

        Raises:
            KeyError: if a part is missing.
            ValueError: if there are other tensors than this optimiser's.
        """
        self._steps = int(content["steps"])
        with torch.no_grad():
            for name, own in (
                ("parameters", self._parameters),
                ("first", self._first),
                ("second", self._second),
            ):
                for tensor, saved in zip(own, content[name], strict=True):
                    value = decode_tensor(saved)
                    if value.shape != tensor.shape or value.dtype != tensor.dtype:
                        raise ValueError(
                            f"a saved tensor of shape {tuple(value.shape)} is out of place"
                        )
                    tensor.copy_(value)
