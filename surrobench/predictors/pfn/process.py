"""Gaussian processes of several small samples at once, as sums of three stationary kernels.

The covariance of a sample is ``sum_j s_j k_j(r_j) + noise I`` with squared distances
``r_j² = sum_c rho_jc (x_c - x'_c)²``: an RBF, a Matérn-5/2 and a Matérn-3/2 kernel, each with a
relevance of its own for every column. Shapes: ``b`` samples, ``j`` kernels, ``n`` examples, ``m``
queries, ``d`` columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from surrobench.predictors.gp.correlations import Kernel

KERNELS: tuple[Kernel, ...] = ("rbf", "matern-5/2", "matern-3/2")
"""In the order of the second axis of relevances and outputscales."""
MEAN_VARIANCE = 0.25
"""Prior variance of the constant mean of normal scores."""
_LEAST_SQUARE = 1e-10


@dataclass(frozen=True)
class Covariances:
    """Hyperparameters of ``b`` processes.

    Attributes:
        relevances: ``b x j x d``, reciprocal squared lengthscales.
        outputscales: ``b x j``.
        noise: variance of an observation around the function, ``b``.
    """

    relevances: Tensor
    outputscales: Tensor
    noise: Tensor

    def detached(self) -> Covariances:
        """The same numbers without their history."""
        return Covariances(
            self.relevances.detach(), self.outputscales.detach(), self.noise.detach()
        )


@dataclass(frozen=True)
class Posterior:
    """What the examples say, as far as queries need it.

    Attributes:
        factor: Cholesky factor of the examples' covariance, ``b x n x n``.
        weights: ``K^-1 (y - constant)``, ``b x n``.
        constant: the mean, ``b``.
    """

    factor: Tensor
    weights: Tensor
    constant: Tensor


@dataclass(frozen=True)
class Evidence:
    """How well hyperparameters suit the examples; slopes are of the log marginal likelihood.

    Attributes:
        by_relevance: slopes by log relevances, ``b x j x d``.
        by_outputscale: slopes by log outputscales, ``b x j``.
        by_noise: slope by the log noise, ``b``.
        residuals: of each example left out, in its predicted standard deviations, ``b x n``.
        deviations: these standard deviations, ``b x n``.
    """

    by_relevance: Tensor
    by_outputscale: Tensor
    by_noise: Tensor
    residuals: Tensor
    deviations: Tensor


def correlations(A: Tensor, B: Tensor, relevances: Tensor) -> tuple[Tensor, Tensor]:
    """Kernels between ``A`` (``b x n x d``) and ``B`` (``b x m x d``), and their slopes.

    Returns:
        Correlations ``b x j x n x m`` and their derivatives by the squared distance.
    """
    by_column = relevances.transpose(-1, -2)
    left, right = ((part * part @ by_column).transpose(-1, -2) for part in (A, B))
    inner = (A.unsqueeze(1) * relevances.unsqueeze(-2)) @ B.unsqueeze(1).transpose(-1, -2)
    squared = left.unsqueeze(-1) + right.unsqueeze(-2) - 2.0 * inner
    squared = squared.clamp_min(_LEAST_SQUARE)
    rbf = torch.exp(-0.5 * squared[:, 0])
    far = (5.0 * squared[:, 1]).sqrt()
    decay = torch.exp(-far)
    smooth = (1.0 + far + far.square() / 3.0) * decay
    near = (3.0 * squared[:, 2]).sqrt()
    steep = torch.exp(-near)
    values = torch.stack([rbf, smooth, (1.0 + near) * steep], dim=1)
    slopes = torch.stack([-0.5 * rbf, -(5.0 / 6.0) * (1.0 + far) * decay, -1.5 * steep], dim=1)
    return values, slopes


def condition(kernels: Tensor, y: Tensor, process: Covariances) -> Posterior:
    """Condition on ``y`` (``b x n``), whose correlations are ``kernels`` (``b x j x n x n``)."""
    covariance = (process.outputscales[:, :, None, None] * kernels).sum(dim=1)
    covariance = covariance + torch.diag_embed(process.noise[:, None].expand_as(y))
    factor = torch.linalg.cholesky(covariance)
    solved = torch.cholesky_solve(torch.stack([y, torch.ones_like(y)], dim=-1), factor)
    constant = solved[..., 0].sum(-1) / (solved[..., 1].sum(-1) + 1.0 / MEAN_VARIANCE)
    return Posterior(factor, solved[..., 0] - constant[:, None] * solved[..., 1], constant)


def evidence(X: Tensor, y: Tensor, process: Covariances) -> Evidence:
    """Slopes and left-out residuals of examples ``X`` (``b x n x d``) and ``y`` (``b x n``)."""
    kernels, slopes = correlations(X, X, process.relevances)
    posterior = condition(kernels, y, process)
    inverse = torch.cholesky_inverse(posterior.factor)
    alpha = posterior.weights
    precision = inverse.diagonal(dim1=-1, dim2=-2)
    # d log N / d theta = tr((alpha alpha' - K^-1) dK/dtheta) / 2, as in gp_fit.
    inner = alpha[:, :, None] * alpha[:, None, :] - inverse
    scaled = process.outputscales[:, :, None, None]
    by_outputscale = 0.5 * (inner[:, None] * kernels * scaled).sum((-1, -2))
    by_noise = 0.5 * process.noise * inner.diagonal(dim1=-1, dim2=-2).sum(-1)
    pull = inner[:, None] * slopes * scaled
    squares = pull.sum(-1) @ X.square()
    crossed = (X.unsqueeze(1) * (pull @ X.unsqueeze(1))).sum(-2)
    return Evidence(
        by_relevance=process.relevances * (squares - crossed),
        by_outputscale=by_outputscale,
        by_noise=by_noise,
        residuals=alpha / precision.sqrt(),
        deviations=precision.rsqrt(),
    )


def predictive(
    X: Tensor, y: Tensor, queries: Tensor, process: Covariances
) -> tuple[Tensor, Tensor]:
    """Mean and variance of observations at ``queries`` (``b x m x d``), each ``b x m``."""
    own, _ = correlations(X, X, process.relevances)
    posterior = condition(own, y, process)
    between, _ = correlations(X, queries, process.relevances)
    cross = (process.outputscales[:, :, None, None] * between).sum(dim=1)
    mean = posterior.constant[:, None] + (cross * posterior.weights[..., None]).sum(dim=1)
    solved = torch.linalg.solve_triangular(posterior.factor, cross, upper=False)
    total = process.outputscales.sum(-1) + process.noise
    return mean, (total[:, None] - solved.square().sum(dim=1)).clamp_min(1e-5)
