"""Gaussian processes on features that networks compute, several of them side by side.

Wilson, Hu, Salakhutdinov and Xing, "Deep kernel learning" (AISTATS 2016). Of each member ``e``, a
multilayer perceptron with two hidden layers of rectified units gives features ``phi(x)`` and a
level ``m(x)``, and a task is

``f(x) = c + (1 + b) m(x) + w'phi(x) + g(phi(x)) + h(x)``

with a standard normal ``c``, ``b ~ N(0, beta)``, ``w ~ N(0, s / p)`` for ``p`` features, ``g`` a
Gaussian process with a Matérn-5/2 kernel of variance ``s``, and ``h`` one of the inputs themselves:
what none of the tasks that the network has seen can tell of this one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

JITTER = 1e-4
"""Least variance of an observation around the function, for targets of variance 1."""
_COINCIDENT = 1e-12
_GAIN = 1.0
_LEVEL_GAIN = 0.1


@dataclass(frozen=True)
class Batch:
    """Tasks of every member.

    Attributes:
        X: inputs, ``e x t x m x d``.
        y: targets, ``e x t x m``.
        present: 1 for an example, 0 for a row that only fills up, ``e x t x m``.
    """

    X: Tensor
    y: Tensor
    present: Tensor


class DeepKernels:
    """The networks of ``e`` members, and the hyperparameters of their processes.

    Args:
        members: ``e``.
        inputs: columns, ``d``.
        width: units of each hidden layer.
        features: ``p``.

    Attributes:
        weights: of all networks, in one buffer.
        hyperparameters: logarithms of the lengthscale of the features, their variance ``s``,
            lengthscale and variance of the inputs, noise, and ``beta``; ``e x 6``.
        centre: means of their priors, which are normal; ``6``, or ``e x 6``.
    """

    def __init__(self, members: int, inputs: int, width: int, features: int) -> None:
        self.members, self._shape = members, (inputs, width, features)
        sizes = ((inputs, width), (width, width), (width, features), (width, 1))
        self._layers = [shape for fan_in, units in sizes for shape in ((fan_in, units), (1, units))]
        self._ends = np.cumsum([members * math.prod(shape) for shape in self._layers])[:-1].tolist()
        total = members * sum(math.prod(shape) for shape in self._layers)
        self.weights = torch.zeros(total, dtype=torch.float64)
        # Of inputs on the unit cube, as the priors of an exact process have it (PriorShape).
        lengthscale = math.log(0.5 * math.sqrt(features))
        of_inputs = 0.5 + math.log(0.5 * math.sqrt(inputs))
        usual = [lengthscale, -1.0, of_inputs, -1.0, -2.0, math.log(0.25)]
        self.centre = torch.tensor(usual, dtype=torch.float64)
        self._spread = torch.tensor([0.6, 1.0, 0.6, 1.0, 1.5, 1.0], dtype=torch.float64)
        self.hyperparameters = self.centre.repeat(members, 1)

    def draw(self, generator: torch.Generator) -> None:
        """Draw the weights: normal, with variance one over the inputs of a unit; no biases."""
        for place, part in enumerate(self._parts(self.weights)):
            if place % 2 == 0:
                gain = _LEVEL_GAIN if place == len(self._layers) - 2 else _GAIN
                drawn = torch.randn(part.shape, generator=generator, dtype=torch.float64)
                part.copy_(drawn * math.sqrt(gain / part.shape[1]))

    def copy(self) -> DeepKernels:
        """The same networks and hyperparameters, to be changed by themselves."""
        other = DeepKernels(self.members, *self._shape)
        other.weights = self.weights.clone()
        other.hyperparameters = self.hyperparameters.clone()
        return other

    def _parts(self, weights: Tensor) -> list[Tensor]:
        parts = torch.tensor_split(weights, self._ends)
        shapes = zip(parts, self._layers, strict=True)
        return [part.reshape(self.members, *shape) for part, shape in shapes]

    def features(self, X: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Features ``e x n x p`` and levels ``e x n`` at ``X``, ``e x n x d``."""
        first, a, second, b, third, c, last, d = self._parts(
            self.weights if weights is None else weights
        )
        hidden = torch.relu(torch.baddbmm(a, X, first))
        hidden = torch.relu(torch.baddbmm(b, hidden, second))
        return torch.baddbmm(c, hidden, third), torch.baddbmm(d, hidden, last).squeeze(-1)

    def noise(self, hyperparameters: Tensor | None = None) -> Tensor:
        """Variance of an observation around the function, ``e``."""
        chosen = self.hyperparameters if hyperparameters is None else hyperparameters
        return chosen[:, 4].exp() + JITTER

    def penalty(self, hyperparameters: Tensor) -> Tensor:
        """Minus the log density of the logarithms, up to a constant, ``e``: normal each."""
        scores = (hyperparameters - self.centre) / self._spread
        return 0.5 * scores.square().sum(dim=-1)


@dataclass(frozen=True)
class Points:
    """Inputs of every member with what its network says of them.

    Attributes:
        X: ``e x ... x n x d``.
        features: ``e x ... x n x p``.
        level: ``e x ... x n``.
    """

    X: Tensor
    features: Tensor
    level: Tensor

    @classmethod
    def of(cls, kernels: DeepKernels, X: Tensor, weights: Tensor | None = None) -> Points:
        """At inputs ``e x ... x n x d``."""
        features, level = kernels.features(X.flatten(1, -2), weights)
        return cls(X, features.reshape(*X.shape[:-1], -1), level.reshape(X.shape[:-1]))


def covariance(hyperparameters: Tensor, A: Points, B: Points) -> Tensor:
    """Of the function at ``A`` (``e x ... x k``) and ``B`` (``e x ... x l``), ``e x ... x k x l``.

    Args:
        hyperparameters: ``e x 6``.
        A: points.
        B: points.
    """
    lengthscale, s, of_inputs, variance, _, beta = _each(hyperparameters, A.X.ndim)
    products = A.features @ B.features.mT
    near = _matern52(_squared(A.features, B.features, products) / lengthscale.square())
    found = 1.0 + s * (products / A.features.shape[-1] + near)
    found = found + variance * _matern52(_squared(A.X, B.X) / of_inputs.square())
    return found + beta * A.level[..., :, None] * B.level[..., None, :]


def prior_variance(hyperparameters: Tensor, A: Points) -> Tensor:
    """Of the function at ``A``, ``e x ... x n``."""
    _, s, _, variance, _, beta = _each(hyperparameters, A.level.ndim)
    return 1.0 + s * (A.features.square().mean(-1) + 1.0) + variance + beta * A.level.square()


def _each(hyperparameters: Tensor, dimensions: int) -> list[Tensor]:
    """Each hyperparameter of every member, shaped to multiply ``e x ...``."""
    shape = (-1, *[1] * (dimensions - 1))
    return [column.reshape(shape) for column in hyperparameters.exp().unbind(dim=-1)]


def _squared(A: Tensor, B: Tensor, products: Tensor | None = None) -> Tensor:
    products = A @ B.mT if products is None else products
    return A.square().sum(-1)[..., :, None] + B.square().sum(-1)[..., None, :] - 2.0 * products


def _matern52(squared: Tensor) -> Tensor:
    found: Tensor = _Matern52.apply(squared)
    return found


class _Matern52(torch.autograd.Function):
    """The kernel of squared scaled distances, in a third of the passes that its parts take."""

    @staticmethod
    def forward(ctx: Any, squared: Tensor) -> Tensor:
        """With ``r = sqrt(5 squared)``, ``(1 + r + r²/3) exp(-r)``."""
        r2 = (5.0 * squared).clamp_min_(_COINCIDENT)
        r = r2.sqrt()
        decay = torch.exp(-r)
        r += 1.0
        slope = decay * r
        ctx.save_for_backward(slope)
        return torch.addcmul(slope, r2, decay, value=1.0 / 3.0)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:
        """``-5/6 (1 + r) exp(-r)``, also where points coincide."""
        (slope,) = ctx.saved_tensors
        return slopes[0] * slope * (-5.0 / 6.0)


def negative_log_likelihood(
    kernels: DeepKernels, hyperparameters: Tensor, points: Points, batch: Batch
) -> tuple[Tensor, Tensor]:
    """Of the examples of every member, and a number with the same slopes.

    The slopes of ``-log N(y | m, K)`` are ``(K^-1 - aa')/2`` in ``K`` and ``-a`` in ``m``, with
    ``a = K^-1 (y - m)``: what goes back through factorisation and solves is known beforehand.

    Args:
        kernels: the members.
        hyperparameters: ``e x 6``.
        points: the batch's inputs.
        batch: the examples.

    Returns:
        The value for each member, ``e``, without slopes, and a number to differentiate.
    """
    present = batch.present
    K = covariance(hyperparameters, points, points)
    noise = kernels.noise(hyperparameters).reshape(-1, *[1] * (present.ndim - 1))
    if bool((present == 1.0).all()):
        K = K + torch.diag_embed(noise.expand(present.shape))
    else:
        K = K * (present[..., :, None] * present[..., None, :])
        K = K + torch.diag_embed(noise * present + (1.0 - present))
    with torch.no_grad():
        factor = torch.linalg.cholesky(K)
        residual = present * (batch.y - points.level)
        a = torch.cholesky_solve(residual[..., None], factor)[..., 0]
        slope = 0.5 * (torch.cholesky_inverse(factor) - a[..., :, None] * a[..., None, :])
        log_determinant = 2.0 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        constant = math.log(2.0 * math.pi) * present.sum(-1)
        value = 0.5 * ((residual * a).sum(-1) + log_determinant + constant)
        value = value.flatten(1).sum(-1)
    return value, (slope * K).sum() - (a * present * points.level).sum()
