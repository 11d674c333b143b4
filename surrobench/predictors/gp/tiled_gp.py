"""Marginal predictions of an exact Gaussian process with thousands of examples."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from botorch.models import SingleTaskGP
from gpytorch.kernels import MaternKernel, RBFKernel, ScaleKernel
from scipy.linalg.blas import dtrmm
from scipy.linalg.lapack import dpotrs, dtrtri
from torch import Tensor

from surrobench.arrays import FloatArray
from surrobench.base.process_state import standard_numerics
from surrobench.predictors.gp.correlations import SMOOTHNESS, Kernel
from surrobench.predictors.gp.kernel_tiles import KernelTiles
from surrobench.predictors.gp.nested_fit import MANY
from surrobench.predictors.gp.tiled_likelihood import lower_factor

_MOST_ROWS = 512
_CROSS_NUMBERS = 2**23
"""Covariances between points and examples at a time (64 MiB)."""


class TiledGP:
    """An RBF or Matérn process over all columns, in the memory of one ``n x n`` matrix.

    Beside the inverse factor there is only one array of covariances with a few points.
    """

    def __init__(self, model: SingleTaskGP, kernel: Kernel) -> None:
        """Take a model in evaluation mode and the name of its kernel.

        Raises:
            ArithmeticError: if its covariance needs more than its noise to be positive definite.
        """
        module: Any = model.covar_module
        self.model = model
        self.inputs: FloatArray = model.train_inputs[0].detach().numpy()
        lengthscales = module.base_kernel.lengthscale.detach().numpy().reshape(-1)
        self.scale = float(module.outputscale.detach())
        self.noise = float(model.likelihood.noise.detach())
        self.tiles = KernelTiles(self.inputs, kernel, lengthscales)
        n = len(self.inputs)
        room = np.empty((n, n))
        if lower_factor(self.tiles, self.scale, self.noise, room) > 0.0:
            raise ArithmeticError("the covariance of the examples needs jitter.")
        prior = model.mean_module(model.train_inputs[0]).detach()
        residual = (model.train_targets - prior).detach().numpy()
        self.weights = dpotrs(room.T, residual, lower=0)[0].reshape(-1) * self.scale
        self.inverse, _ = dtrtri(room.T, lower=0, overwrite_c=1)
        self._cross = np.empty((min(_MOST_ROWS, max(_CROSS_NUMBERS // n, 1)), n))

    @classmethod
    def of(cls, model: SingleTaskGP) -> TiledGP | None:
        """For a plain process of many examples and one scaled stationary kernel, else None."""
        kernel = stationary_name(model.covar_module)
        if kernel is None or len(model.train_targets) < MANY:
            return None
        try:
            return cls(model, kernel)
        except ArithmeticError:
            return None

    @standard_numerics(gradients=False)
    def __call__(self, X: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of observations at ``X`` (``m x d``), each ``m``."""
        inputs = self.model.transform_inputs(X)
        mean = self.model.mean_module(inputs).detach().clone()
        explained = np.empty(len(X))
        Z = self.tiles.scaled(inputs.detach().numpy())
        for low in range(0, len(Z), len(self._cross)):
            part = slice(low, low + len(self._cross))
            cross = self._cross[: len(Z[part])]
            self.tiles.fill(Z[part], cross)
            mean[part] += torch.from_numpy(cross @ self.weights)
            # k' K^-1 k is the squared length of U^-T k, which takes the place of k.
            solved = dtrmm(1.0, self.inverse, cross.T, lower=0, trans_a=1, overwrite_b=1)
            explained[part] = np.einsum("ij,ij->j", solved, solved)
        variance = self.scale + self.noise - self.scale**2 * torch.from_numpy(explained)
        outcome: Any = getattr(self.model, "outcome_transform", None)
        if outcome is None:
            return mean, variance
        shift, scale = outcome.means.squeeze(), outcome.stdvs.squeeze()
        return mean * scale + shift, variance * scale.square()


def stationary_name(module: Any) -> Kernel | None:
    """The kernel, if a module is one RBF or Matérn kernel over all columns times a scale."""
    if type(module) is not ScaleKernel or module.batch_shape or module.active_dims is not None:
        return None
    base: Any = module.base_kernel
    if base.batch_shape or base.active_dims is not None:
        return None
    if type(base) is RBFKernel:
        return "rbf"
    if type(base) is MaternKernel:
        return next(name for name, nu in SMOOTHNESS.items() if nu == base.nu)
    return None
