"""An ensemble of small networks, trained together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from surrobench.predictors.models import EnsembleModel
from surrobench.predictors.protocol import FloatArray
from surrobench.predictors.recipe import TransformedPredictor, option, smallest_variance
from surrobench.predictors.resampling import fold_masks, left_out_noise
from surrobench.predictors.scaling import UnitRange

TOO_FEW_FOR_FOLDS = 10


@dataclass(frozen=True, kw_only=True)
class MLPEnsemble(TransformedPredictor):
    """A cross-validation ensemble of multilayer perceptrons (Krogh & Vedelsby, 1995).

    Each member leaves out one fold of the examples, so that its errors there tell the observation
    noise; with fewer than 10 examples every member sees all of them. Members start from different
    weights and run through one batched product; they are trained for a fixed number of full-batch
    AdamW steps under a cosine schedule. Weights start smaller than usual (half of He's deviation,
    a tenth at the output): on a few dozen one-hot rows that generalises clearly better.

    Args:
        members: networks in the ensemble, and folds.
        width: units of each of the two hidden layers.
        steps: of AdamW.
        learning_rate: at the start of the schedule.
        weight_decay: of AdamW.
    """

    members: int = option(10, least=2, most=1000)
    width: int = option(64, least=1, most=4096)
    steps: int = option(100, least=1, most=1_000_000)
    learning_rate: float = option(2e-2, least=1e-9, most=10.0)
    weight_decay: float = option(1e-2, least=0.0, most=100.0)

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> EnsembleModel:
        """Train the members in single precision."""
        scale = UnitRange.of(X)
        left_out = np.zeros((self.members, len(y)), dtype=bool)
        if len(y) >= max(TOO_FEW_FOR_FOLDS, self.members):
            left_out = fold_masks(len(y), self.members, seed)
        networks = _Networks(X.shape[1], self.width, self.members, float(y.mean()), seed)
        inputs = torch.from_numpy(scale(X)).float()
        self._train(networks, inputs, torch.from_numpy(y).float(), torch.from_numpy(~left_out))
        noise = left_out_noise(y, networks(inputs).double().numpy(), left_out)

        def members(Z: Tensor) -> Tensor:
            return networks(torch.from_numpy(scale(Z.detach().numpy())).float()).double()

        return EnsembleModel(members, noise, smallest_variance(y))

    def _train(self, networks: _Networks, X: Tensor, y: Tensor, used: Tensor) -> None:
        """Minimise each member's mean squared error over the rows that it uses."""
        share = used.float() / used.sum(dim=1, keepdim=True)
        optimiser = _AdamW(networks.parameters, self.weight_decay)
        for step in range(self.steps):
            with torch.enable_grad():
                loss = (share * (networks.forward(X) - y).square()).sum()
                gradients = torch.autograd.grad(loss, networks.parameters)
            cosine = 0.5 * (1.0 + math.cos(math.pi * step / self.steps))
            optimiser.step(gradients, self.learning_rate * cosine)


class _AdamW:
    """AdamW (Loshchilov & Hutter, 2019); torch's own imports its compiler, which takes seconds."""

    def __init__(self, parameters: list[Tensor], weight_decay: float) -> None:
        self._parameters = parameters
        self._weight_decay = weight_decay
        self._first = [torch.zeros_like(parameter) for parameter in parameters]
        self._second = [torch.zeros_like(parameter) for parameter in parameters]
        self._steps = 0

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], rate: float) -> None:
        """Move the parameters in place."""
        self._steps += 1
        first_bias, second_bias = 1.0 - 0.9**self._steps, 1.0 - 0.999**self._steps
        for parameter, gradient, first, second in zip(
            self._parameters, gradients, self._first, self._second, strict=True
        ):
            parameter.mul_(1.0 - rate * self._weight_decay)
            first.lerp_(gradient, 0.1)
            second.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
            scale = second.sqrt().div_(math.sqrt(second_bias)).add_(1e-8)
            parameter.addcdiv_(first, scale, value=-rate / first_bias)


class _Networks:
    """The members' weights, stacked; the output starts at the mean of the targets."""

    def __init__(self, d: int, width: int, members: int, mean: float, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.parameters: list[Tensor] = []
        for fan_in, fan_out, gain, level in (
            (d, width, 0.5, 0.0),
            (width, width, 0.5, 0.0),
            (width, 1, 0.01, mean),
        ):
            weight = torch.randn(members, fan_in, fan_out, generator=generator)
            self.parameters.append(weight.mul_(math.sqrt(gain / fan_in)).requires_grad_(True))
            self.parameters.append(torch.full((members, 1, fan_out), level, requires_grad=True))

    def forward(self, X: Tensor) -> Tensor:
        """Outputs ``s x n`` for ``X`` (``n x d``)."""
        hidden = X.expand(len(self.parameters[0]), *X.shape)
        for i in range(0, len(self.parameters), 2):
            hidden = torch.baddbmm(self.parameters[i + 1], hidden, self.parameters[i])
            if i < len(self.parameters) - 2:
                hidden = hidden.relu()
        return hidden.squeeze(-1)

    @torch.no_grad()
    def __call__(self, X: Tensor, chunk: int = 2048) -> Tensor:
        """Outputs without gradients, in chunks that stay in the cache."""
        return torch.cat([self.forward(part) for part in X.split(chunk)], dim=1)
