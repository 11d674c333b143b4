"""Kernels of GPyTorch as plain functions of two matrices, without gradients.

RBF, Matérn and categorical kernels, with or without a scale, and sums and products of them, are
evaluated in few passes over memory; any other kernel by its own module.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from gpytorch.kernels import (
    AdditiveKernel,
    Kernel,
    MaternKernel,
    ProductKernel,
    RBFKernel,
    ScaleKernel,
)
from torch import Tensor

from surrobench.arrays import FloatArray
from surrobench.predictors.gp.correlations import DistanceTable, is_binary, mismatches
from surrobench.predictors.gp.modules import CategoricalKernel, TiedKernel
from surrobench.predictors.gp.structure import indicators, labels_of

Covariance = Callable[[Tensor, Tensor], Tensor]
"""From points ``k x d`` and ``l x d`` to covariances ``k x l`` (new)."""


def dense_covariance(module: Kernel) -> Covariance:
    """A kernel as a function of two matrices of points."""
    known = _known(module)
    if known is not None:
        return known
    return lambda A, B: module(A, B).to_dense().detach().clone()


def covariance_with(module: Kernel, B: Tensor) -> Callable[[Tensor], Tensor]:
    """A kernel between any points (``k x d``) and fixed points ``B`` (``n x d``), ``k x n``.

    What depends on ``B`` alone is computed once, and the next call may overwrite the result of the
    last; values are those of :func:`dense_covariance`.
    """
    covariance, by_distance = dense_covariance(module), _by_distance(module, B)
    if by_distance is None:
        return lambda A: covariance(A, B)
    lookup = DistanceTable(B.numpy(), by_distance.numpy())

    def looked_up(A: Tensor) -> Tensor:
        points = A.numpy()
        return torch.from_numpy(lookup(points)) if is_binary(points) else covariance(A, B)

    return looked_up


def prior_variance(module: Kernel, X: Tensor) -> Tensor:
    """The kernel's variances at ``X`` (``m x d``), ``m``."""
    known = _known(module)
    if known is not None:  # all of these are stationary
        return known(X[:1], X[:1])[0].expand(len(X))
    variances: Tensor = module(X, diag=True).detach()
    return variances


def _known(module: Kernel) -> Covariance | None:
    covariance, columns = _on_own_columns(module), module.active_dims
    if covariance is None or columns is None:
        return covariance
    return lambda A, B: covariance(A[:, columns], B[:, columns])


def _on_own_columns(module: Kernel) -> Covariance | None:
    """The kernel as its ``forward`` is: of the columns that it is for."""
    own: Any = module
    if own.batch_shape:
        return None
    if type(module) in (AdditiveKernel, ProductKernel):
        return _combined(module)
    if type(module) is ScaleKernel:
        # Scaled kernels take over the columns of their base.
        base, outputscale = _on_own_columns(own.base_kernel), own.outputscale.detach()
        return None if base is None else lambda A, B: base(A, B).mul_(outputscale)
    if type(module) is CategoricalKernel:
        return _categorical(module)
    if type(module) in (RBFKernel, MaternKernel):
        return _stationary(own, own.lengthscale.detach())
    if type(module) is TiedKernel:
        return _stationary(own.plain, own.lengthscale.detach()[..., own.groups])
    return None


def _combined(module: Kernel) -> Covariance | None:
    own: Any = module
    parts = [_known(part) for part in own.kernels]
    known: Sequence[Covariance] = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    combine = torch.add if type(module) is AdditiveKernel else torch.mul

    def covariance(A: Tensor, B: Tensor) -> Tensor:
        total = known[0](A, B)
        for part in known[1:]:
            combine(total, part(A, B), out=total)
        return total

    return covariance


def _by_distance(module: Kernel, B: Tensor) -> Tensor | None:
    """The kernel by squared distance, if all columns of ``B`` count alike and are 0 or 1."""
    own: Any = module
    if own.batch_shape or own.active_dims is not None:
        return None
    if type(module) is ScaleKernel:
        base = _by_distance(own.base_kernel, B)
        return None if base is None else base * own.outputscale.detach()
    if type(module) in (RBFKernel, MaternKernel):
        return _table(own, own.lengthscale.detach(), B)
    return None


def _table(kernel: Any, lengthscale: Tensor, B: Tensor) -> Tensor | None:
    if lengthscale.numel() > 1 or not is_binary(B.numpy()):
        return None
    whole = torch.arange(B.shape[1] + 1, dtype=B.dtype)
    return _profile(kernel)(whole / lengthscale.reshape(()).square())


def _profile(kernel: Any) -> Callable[[Tensor], Tensor]:
    # Twice the smoothness; infinite for the RBF kernel.
    return _PROFILES[0 if type(kernel) is RBFKernel else round(2 * kernel.nu)]


def _stationary(kernel: Any, lengthscale: Tensor) -> Covariance:
    profile = _profile(kernel)

    @lru_cache(maxsize=1)
    def table(B: Tensor) -> FloatArray | None:
        values = _table(kernel, lengthscale, B)
        return None if values is None else values.numpy()

    def covariance(A: Tensor, B: Tensor) -> Tensor:
        by_distance = table(B)
        if by_distance is not None and is_binary(A.numpy()):
            return torch.from_numpy(np.take(by_distance, mismatches(A.numpy(), B.numpy())))
        shift = B.mean(dim=0)
        A, B = (A - shift) / lengthscale, (B - shift) / lengthscale
        squared = torch.addmm(B.square().sum(dim=1), A, B.T, alpha=-2.0)
        squared.add_(A.square().sum(dim=1, keepdim=True)).clamp_min_(0.0)
        return profile(squared)

    return covariance


def _categorical(kernel: CategoricalKernel) -> Covariance:
    """Equal choices are counted by a product of indicators."""
    variables = kernel.variables.numpy()
    rates = kernel.lengthscale.detach().reshape(-1).square().reciprocal().expand(kernel.count)

    def covariance(A: Tensor, B: Tensor) -> Tensor:
        columns, groups = indicators(labels_of(np.vstack([A.numpy(), B.numpy()]), variables))
        equal = torch.from_numpy(columns)
        weights = rates[torch.from_numpy(groups)]
        exponent = (equal[: len(A)] * weights) @ equal[len(A) :].T
        return exponent.sub_(rates.sum()).exp_()

    return covariance


def _rbf(squared: Tensor) -> Tensor:
    return squared.mul_(-0.5).exp_()


def _matern12(squared: Tensor) -> Tensor:
    return squared.sqrt_().neg_().exp_()


def _matern32(squared: Tensor) -> Tensor:
    r = squared.mul_(3.0).sqrt_()
    decay = torch.exp(-r)
    return r.add_(1.0).mul_(decay)


def _matern52(squared: Tensor) -> Tensor:
    r = squared.mul_(5.0).sqrt()
    decay = torch.exp(-r)
    return squared.mul_(1.0 / 3.0).add_(r).add_(1.0).mul_(decay)


_PROFILES: dict[int, Callable[[Tensor], Tensor]] = {
    0: _rbf,
    1: _matern12,
    3: _matern32,
    5: _matern52,
}
