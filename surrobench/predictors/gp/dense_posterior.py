"""The posterior of a plain exact Gaussian process over a pool, by plain linear algebra.

With ``L`` the factor of the training covariance, ``K`` the covariances between training examples
and pool, and ``W = L⁻¹ K``, everything follows from ``W``: means, variances, covariances between
any candidates, and conditioning, which appends rows to ``L`` and ``W``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeGuard

import torch
from botorch.models import SingleTaskGP
from botorch.models.model import Model
from botorch.models.transforms import Standardize
from gpytorch.likelihoods import GaussianLikelihood
from linear_operator.utils.cholesky import psd_safe_cholesky
from torch import Tensor

from surrobench.predictors.gp.dense_covariance import dense_covariance
from surrobench.predictors.memory import check_memory
from surrobench.predictors.transforms import Affine

_CHUNK = 2048
_LEAST_SHARE = 1e-12


def is_plain(model: Model) -> TypeGuard[SingleTaskGP]:
    """Whether ``model`` is an exact process with one output and one noise level."""
    outcome = getattr(model, "outcome_transform", None)
    return (
        isinstance(model, SingleTaskGP)
        and type(model.likelihood) is GaussianLikelihood
        and model.train_targets.ndim == 1
        and (outcome is None or type(outcome) is Standardize)
    )


def inner_transform(model: Model) -> Affine | None:
    """The standardisation inside a plain process, if there is one."""
    outcome: Any = getattr(model, "outcome_transform", None)
    if outcome is None:
        return None
    return Affine(float(outcome.means.squeeze()), float(outcome.stdvs.squeeze()))


def bare_model(model: Any) -> Any:
    """A copy without the standardisation, which answers on the scale of its training targets."""
    model.prediction_strategy = None  # cached gradients cannot be copied
    bare: Any = copy.deepcopy(model)
    if hasattr(bare, "outcome_transform"):
        del bare.outcome_transform
    return bare.eval()


@dataclass(frozen=True)
class DensePosterior:
    """Means and covariances over a pool, on the scale of the model's training targets.

    Memory is that of ``n x m`` numbers.

    Attributes:
        kernel: from points ``... x k x d`` and ``... x l x d`` to covariances ``... x k x l``.
        pool: the candidates as the kernel sees them, ``m x d``.
        factor: ``L``, ``n x n``.
        whitened: ``W``, ``n x m``.
        weights: ``L⁻¹ (y - prior mean)``, ``n``.
        prior: means and variances before any observation, ``m`` each.
        noise: variance of an observation around the function.
    """

    kernel: Callable[[Tensor, Tensor], Tensor]
    pool: Tensor
    factor: Tensor
    whitened: Tensor
    weights: Tensor
    prior: tuple[Tensor, Tensor]
    noise: float

    @classmethod
    @torch.no_grad()
    def of(cls, model: SingleTaskGP, X: Tensor) -> DensePosterior:
        """From a fitted plain process (:func:`is_plain`) and a pool ``m x d``."""
        model.eval()
        module: Any = model.covar_module
        flat = dense_covariance(module)

        def kernel(a: Tensor, b: Tensor) -> Tensor:
            return flat(a, b) if a.ndim == b.ndim == 2 else module(a, b).to_dense().detach()

        check_memory(len(model.train_targets), len(X), "covariances of its examples with the pool")
        inputs, noise = model.train_inputs[0].detach(), model.likelihood.noise.detach()
        training = flat(inputs, inputs)
        training.diagonal().add_(noise)
        factor = psd_safe_cholesky(training)
        pool = model.transform_inputs(X).detach()
        parts = [
            torch.linalg.solve_triangular(factor, flat(inputs, part), upper=False)
            for part in pool.split(_CHUNK)
        ]
        residual = (model.train_targets - model.mean_module(inputs)).detach().unsqueeze(-1)
        weights = torch.linalg.solve_triangular(factor, residual, upper=False).squeeze(-1)
        prior = model.mean_module(pool).detach(), module(pool, diag=True).detach()
        return cls(kernel, pool, factor, torch.cat(parts, dim=1), weights, prior, float(noise))

    @cached_property
    def mean(self) -> Tensor:
        """Means of the function, ``m``."""
        return self.prior[0] + self.whitened.T @ self.weights

    @cached_property
    def variance(self) -> Tensor:
        """Variances of the function, ``m``, positive."""
        explained = torch.linalg.vector_norm(self.whitened, dim=0).square()
        return torch.maximum(self.prior[1] - explained, _LEAST_SHARE * self.prior[1])

    @torch.no_grad()
    def covariance(self, a: Tensor, b: Tensor) -> Tensor:
        """Posterior covariance, ``... x k x l`` for rows ``... x k`` and ``... x l``."""
        prior = self.kernel(self.pool[a], self.pool[b])
        if a.ndim == b.ndim == 1:
            return prior - self.whitened[:, a].T @ self.whitened[:, b]
        columns = self.whitened.T
        return prior - columns[a] @ columns[b].mT

    @torch.no_grad()
    def appended(self, rows: Tensor, values: Tensor) -> DensePosterior:
        """The posterior after ``values`` (``k``, with noise) at ``rows`` (``k``)."""
        among = self.covariance(rows, rows)
        among.diagonal().add_(self.noise)
        corner = psd_safe_cholesky(0.5 * (among + among.mT))
        n, k = len(self.factor), len(rows)
        factor = self.factor.new_zeros(n + k, n + k)
        factor[:n, :n], factor[n:, n:] = self.factor, corner
        factor[n:, :n] = self.whitened[:, rows].T
        parts = [
            torch.linalg.solve_triangular(corner, self.covariance(rows, part), upper=False)
            for part in torch.arange(len(self.pool)).split(_CHUNK)
        ]
        residual = (values - self.mean[rows]).unsqueeze(-1)
        added = torch.linalg.solve_triangular(corner, residual, upper=False).squeeze(-1)
        return replace(
            self,
            factor=factor,
            whitened=torch.cat([self.whitened, torch.cat(parts, dim=1)]),
            weights=torch.cat([self.weights, added]),
        )
