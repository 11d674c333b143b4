"""A sparse process as a BoTorch model, and its quick marginal predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from botorch.posteriors.gpytorch import GPyTorchPosterior
from gpytorch.distributions import MultivariateNormal
from linear_operator import to_linear_operator
from scipy.linalg.blas import dtrmm
from torch import Tensor

from surrobench.arrays import FloatArray, IntArray
from surrobench.base.process_state import standard_numerics
from surrobench.predictors.gp.dense_covariance import dense_covariance, prior_variance
from surrobench.predictors.gp.fitted_gp import unit_cube
from surrobench.predictors.gp.gp_fit import FitReport
from surrobench.predictors.gp.kernel_tiles import KernelTiles
from surrobench.predictors.gp.modules import covariance_module
from surrobench.predictors.gp.process import Process
from surrobench.predictors.gp.tiled_gp import stationary_name
from surrobench.predictors.models import OneOutput
from surrobench.predictors.sparse_gp.bound import Collapsed, Projection

_LEAST_SHARE = 1e-12
_MOST_ROWS = 512


class SparseModel(OneOutput):
    """The posterior of a sparse process, on the scale of its targets.

    Attributes:
        inducing: inducing points on inputs as the model is asked about, ``m x d``.
        covar_module: the covariance of the process, on inputs in the unit cube.
        noise: variance of an observation around the function.
        fit_report: what the fit did.
    """

    settled = True

    def __init__(
        self,
        process: Process,
        scaling: Any,
        data: tuple[Tensor, Tensor],
        inducing: Tensor,
        collapsed: Collapsed,
    ) -> None:
        """Take a process, the map to the unit cube, examples (``n x d`` and ``n``) and the rest."""
        super().__init__()
        self.process, self.scaling, self._data = process, scaling, data
        self.inducing, self.collapsed = inducing, collapsed
        self.covar_module = covariance_module(process)
        self.noise = process.parameters.noise
        self._points = scaling(inducing)
        self._weights = torch.from_numpy(collapsed.weights)
        self._explained = torch.from_numpy(collapsed.explained)

    @classmethod
    def of(cls, process: Process, y: FloatArray, chosen: IntArray, found: Collapsed) -> SparseModel:
        """Of a process whose pool are the ``n`` examples, of which some are inducing points."""
        data = process.X, torch.from_numpy(y)
        inducing = process.X[torch.from_numpy(chosen)]
        return cls(process, unit_cube(process.X), data, inducing, found).eval()

    @property
    def fit_report(self) -> FitReport:
        """What the fit of the hyperparameters did."""
        return self.process.report

    @standard_numerics(gradients=False)
    def _posterior_at(self, X: Tensor, observation_noise: bool | Tensor) -> Any:
        Z = self.scaling(X)
        points = self._points.expand(*Z.shape[:-2], *self._points.shape)
        cross = self.covar_module(Z, points).to_dense()
        mean = self.collapsed.constant + cross @ self._weights
        seen = cross @ self._explained.T
        covariance = self.covar_module(Z).to_dense() - seen @ seen.mT
        added: Any = observation_noise
        if not isinstance(observation_noise, Tensor):
            added = self.noise if observation_noise else 0.0
        variance = covariance.diagonal(dim1=-2, dim2=-1)
        floor = _LEAST_SHARE * float(self.process.kernel.scale)
        more = (floor - variance).clamp_min(0.0)
        more = more + (added.squeeze(-1) if isinstance(added, Tensor) else added)
        covariance = covariance + torch.diag_embed(more)
        return GPyTorchPosterior(MultivariateNormal(mean, to_linear_operator(covariance)))

    @standard_numerics(gradients=False)
    @torch.no_grad()
    def condition_on_observations(self, X: Tensor, Y: Tensor, **kwargs: Any) -> SparseModel:
        """The process after ``Y`` (``k x 1``) at ``X`` (``k x d``), which become inducing points.

        Hyperparameters stay.

        Raises:
            ValueError: for batches of observations.
        """
        if X.ndim != 2 or Y.shape != (len(X), 1):
            raise ValueError(
                f"expected X of shape k x d and Y of shape k x 1; got {tuple(X.shape)} and "
                f"{tuple(Y.shape)}. A sparse process is conditioned on one batch at a time."
            )
        data = torch.cat([self._data[0], X.detach()]), torch.cat([self._data[1], Y.detach()[:, 0]])
        inducing = torch.cat([self.inducing, X.detach()])
        kernel, scale = dense_covariance(self.covar_module), float(self.process.kernel.scale)
        Z = self.scaling(inducing)
        among, across = kernel(Z, Z).numpy(), kernel(Z, self.scaling(data[0])).numpy()
        found = Projection(among / scale, across, scale, self.noise, data[1].numpy()).collapsed()
        return SparseModel(self.process, self.scaling, data, inducing, found).eval()

    def marginals(self) -> Marginals:
        """Quicker than :meth:`posterior`, and in bounded memory."""
        return Marginals(self)


class Marginals:
    """From ``m x d`` inputs to mean and variance of the function there, each ``m``."""

    def __init__(self, model: SparseModel) -> None:
        self.model = model
        self.cross = _cross(model)

    @standard_numerics(gradients=False)
    @torch.no_grad()
    def __call__(self, X: Tensor) -> tuple[Tensor, Tensor]:
        """Predict, a few points at a time."""
        found, Z = self.model.collapsed, self.model.scaling(X)
        prior = prior_variance(self.model.covar_module, Z).numpy()
        mean, explained = np.full(len(Z), found.constant), np.empty(len(Z))
        for low in range(0, len(Z), _MOST_ROWS):
            part = slice(low, low + _MOST_ROWS)
            cross = self.cross(Z[part])
            mean[part] += cross @ found.weights
            # Transposed, covariances are in the order of LAPACK and are multiplied in place.
            seen = dtrmm(1.0, found.explained, cross.T, lower=0, overwrite_b=1)
            explained[part] = np.einsum("ij,ij->j", seen, seen)
        variance = np.maximum(prior - explained, _LEAST_SHARE * prior)
        return torch.from_numpy(mean), torch.from_numpy(variance)

    def observed(self, X: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of observations: with the noise."""
        mean, variance = self(X)
        return mean, variance + self.model.noise


def _cross(model: SparseModel) -> Callable[[Tensor], FloatArray]:
    """From points in the unit cube (``k x d``) to covariances with the inducing points (new)."""
    module: Any = model.covar_module
    points = model.scaling(model.inducing)
    kernel = stationary_name(module)
    if kernel is None:
        dense = dense_covariance(module)
        return lambda Z: np.ascontiguousarray(dense(Z, points).numpy())
    tiles = KernelTiles(
        points.numpy(), kernel, module.base_kernel.lengthscale.detach().numpy().reshape(-1)
    )
    scale, room = float(module.outputscale.detach()), np.empty((_MOST_ROWS, len(points)))

    def cross(Z: Tensor) -> FloatArray:
        covariances = room[: len(Z)]
        tiles.fill(tiles.scaled(Z.numpy()), covariances)
        covariances *= scale
        return covariances

    return cross
