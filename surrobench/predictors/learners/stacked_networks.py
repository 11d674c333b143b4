"""Small networks of one shape, trained and evaluated together, with gradients in closed form.

Products of matrices go through NumPy, whose BLAS is called for one network after another and beats
torch's batched product on matrices this small; what is done to every number goes through torch,
in place. Nothing is allocated while training.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from surrobench.arrays import FloatArray
from surrobench.predictors.learners.adamw import AdamW

Float32Array = npt.NDArray[np.float32]

_LANES = 8
_CACHED_NUMBERS = 2**17
"""Numbers in the hidden layers of a chunk: half a megabyte, which stays in the cache."""


class StackedNetworks:
    """``s`` multilayer perceptrons with two hidden layers of rectified units and one output.

    Biases are the last row of a layer's weights: inputs and hidden layers end in a one.

    Args:
        members: networks, ``s``.
        d: inputs.
        width: units of each hidden layer, ``w``.

    Attributes:
        parameters: every weight of every network, in one buffer of single precision; zeros.
    """

    def __init__(self, members: int, d: int, width: int) -> None:
        self.members, self.d, self.width = members, d, width
        # The output's weights are padded as the hidden layer is that they multiply.
        self.padded = -(-(width + 1) // _LANES) * _LANES
        self._shapes = (
            (members, d + 1, width),
            (members, width + 1, width),
            (members, self.padded, 1),
        )
        self.parameters = torch.zeros(sum(math.prod(shape) for shape in self._shapes))
        self._layers = self.layers_of(self.parameters)

    def layers_of(self, buffer: Tensor) -> list[Float32Array]:
        """The part of a buffer like ``parameters`` that each layer has, as ``s x in x out``."""
        ends = np.cumsum([math.prod(shape) for shape in self._shapes])[:-1]
        parts = np.split(buffer.numpy(), ends)
        return [part.reshape(shape) for part, shape in zip(parts, self._shapes, strict=True)]

    def draw(self, mean: float, seed: int, *, gain: float = 0.5) -> StackedNetworks:
        """Draw normal weights; the output starts near ``mean``.

        Args:
            mean: of the targets.
            seed: for the draw.
            gain: variance of a weight times the inputs of its unit (He's is 2); 0.01 at the output.
        """
        generator = torch.Generator().manual_seed(seed)
        fans = (self.d, self.width, self.width)
        for layer, fan_in, share in zip(self._layers, fans, (gain, gain, 0.01), strict=True):
            drawn = torch.randn(self.members, fan_in, layer.shape[2], generator=generator)
            layer[:, :fan_in] = drawn.mul_(math.sqrt(share / fan_in)).numpy()
        self._layers[2][:, self.width] = mean
        return self

    def __call__(self, X: FloatArray, scale: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Outputs ``s x m``, in chunks that stay in the cache.

        Args:
            X: inputs, ``m x d``.
            scale: applied to each chunk of them.
        """
        outputs = np.empty((self.members, len(X), 1))
        size = max(16, _CACHED_NUMBERS // (2 * self.members * self.padded))
        for begin in range(0, len(X), size):
            rows = slice(begin, min(begin + size, len(X)))
            if begin == 0 or rows.stop == len(X):
                count = rows.stop - begin
                inputs = np.ones((count, self.d + 1), dtype=np.float32)
                hidden = HiddenLayers(self, count)
            inputs[:, :-1] = scale(X[rows])
            outputs[:, rows] = hidden.forward(self._layers, inputs)
        return outputs[..., 0]


class HiddenLayers:
    """Buffers for the hidden layers of ``s`` networks at ``n`` points, and for their outputs.

    A layer has ``w`` units, then a one, then zeros.
    """

    def __init__(self, networks: StackedNetworks, n: int) -> None:
        self.width = networks.width
        self.tensors = [torch.zeros(networks.members, n, networks.padded) for _ in range(2)]
        self.padded = [tensor.numpy() for tensor in self.tensors]
        for layer in self.padded:
            layer[..., self.width] = 1.0
        self.units = [layer[..., : self.width] for layer in self.padded]
        self.with_one = self.padded[0][..., : self.width + 1]
        self.outputs = np.empty((networks.members, n, 1), dtype=np.float32)

    def forward(self, layers: list[Float32Array], inputs: Float32Array) -> Float32Array:
        """Outputs ``s x n x 1`` for inputs that end in a one, ``n x (d+1)`` or one such each."""
        np.matmul(inputs, layers[0], out=self.units[0])
        self.tensors[0].relu_()
        np.matmul(self.with_one, layers[1], out=self.units[1])
        self.tensors[1].relu_()
        return np.matmul(self.padded[1], layers[2], out=self.outputs)


class OutputLoss(Protocol):
    """A loss of the outputs of every network, which knows the targets."""

    def to_slopes(self, outputs: Tensor) -> None:
        """Replace outputs, ``s x n``, by the slopes of the loss in them, in place."""
        ...


class Gradient:
    """The gradient of a loss of every network on examples of its own.

    Args:
        networks: whose parameters the gradient is for.
        X: inputs, ``s x n x d``.
        loss: of the outputs for them.
    """

    def __init__(self, networks: StackedNetworks, X: FloatArray, loss: OutputLoss) -> None:
        members, n, d = X.shape
        self._inputs = np.ones((members, n, d + 1), dtype=np.float32)
        self._inputs[..., :-1] = X
        self._loss = loss
        self._layers = networks.layers_of(networks.parameters)
        self.gradient = torch.zeros_like(networks.parameters)
        self._slopes = networks.layers_of(self.gradient)
        self._hidden = HiddenLayers(networks, n)
        self._outputs = torch.from_numpy(self._hidden.outputs)
        self._back = torch.zeros_like(self._hidden.tensors[1])
        self._back_units = self._back.numpy()[..., : networks.width]
        self._last_row = torch.from_numpy(self._layers[2].transpose(0, 2, 1))
        self._transposed = np.empty_like(self._layers[1][:, :-1])

    def differentiate(self) -> Tensor:
        """Gradient at the networks' present parameters, in a buffer that the next call fills."""
        hidden, (first, second) = self._hidden, self._hidden.tensors
        hidden.forward(self._layers, self._inputs)
        self._loss.to_slopes(self._outputs[..., 0])
        np.matmul(hidden.padded[1].transpose(0, 2, 1), hidden.outputs, out=self._slopes[2])

        torch.mul(self._outputs, self._last_row, out=self._back)
        _block(self._back, second)
        np.matmul(hidden.with_one.transpose(0, 2, 1), self._back_units, out=self._slopes[1])

        # A product with a transposed copy is faster than a transposed product. The second layer's
        # units are not needed any more and make room for the slopes of the first.
        np.copyto(self._transposed, self._layers[1][:, :-1].transpose(0, 2, 1))
        np.matmul(self._back_units, self._transposed, out=hidden.units[1])
        _block(second, first)
        np.matmul(self._inputs.transpose(0, 2, 1), hidden.units[1], out=self._slopes[0])
        return self.gradient


def _block(slopes: Tensor, units: Tensor) -> None:
    """Set slopes to zero where the unit was off."""
    torch.ops.aten.threshold_backward.grad_input(slopes, units, 0.0, grad_input=slopes)


def train(
    networks: StackedNetworks,
    gradient: Gradient,
    *,
    steps: int,
    learning_rate: float,
    weight_decay: float,
) -> None:
    """Minimise the loss of a gradient by full-batch AdamW steps under a cosine schedule."""
    optimiser = AdamW(networks.parameters, weight_decay)
    for step in range(steps):
        cosine = 0.5 * (1.0 + math.cos(math.pi * step / steps))
        optimiser.step(gradient.differentiate(), learning_rate * cosine)
