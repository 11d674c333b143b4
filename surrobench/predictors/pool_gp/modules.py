"""The processes of this package as models of BoTorch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from botorch.models.transforms import Normalize
from gpytorch.constraints import GreaterThan
from gpytorch.kernels import AdditiveKernel, ScaleKernel
from gpytorch.likelihoods import GaussianLikelihood
from torch import Tensor

from surrobench.predictors.gp import FittedGP
from surrobench.predictors.pool_gp.fit import BlockParameters
from surrobench.predictors.pool_gp.kernels import BlockKernel
from surrobench.predictors.protocol import FloatArray


def botorch_model(
    kernels: Sequence[BlockKernel],
    parameters: BlockParameters,
    constant: float,
    X: Tensor,
    scaled: FloatArray,
    rows: Tensor,
    targets: Tensor,
) -> FittedGP:
    """A model of the targets at ``rows`` of the pool ``X``, with these hyperparameters.

    It takes inputs as ``X`` has them; ``scaled`` is the pool in the unit cube, for their ranges.
    """
    low, high = X.amin(dim=0), X.amax(dim=0)
    constant_columns = high <= low
    bounds = torch.stack(
        [low.masked_fill(constant_columns, 0.0), high.masked_fill(constant_columns, 1.0)]
    )
    parts = []
    lengthscales = parameters.log_lengthscales()
    for kernel, logs, scale in zip(kernels, lengthscales, parameters.outputscales, strict=True):
        part = ScaleKernel(
            kernel.module(torch.from_numpy(logs).exp().numpy()),
            outputscale_constraint=_positive(),
        ).to(torch.float64)
        part.outputscale = torch.tensor(scale, dtype=torch.float64)
        parts.append(part)
    likelihood = GaussianLikelihood(noise_constraint=_positive()).to(torch.float64)
    model = FittedGP(
        X[rows],
        targets.unsqueeze(-1),
        likelihood=likelihood,
        covar_module=parts[0] if len(parts) == 1 else AdditiveKernel(*parts),
        outcome_transform=None,
        input_transform=Normalize(X.shape[1], bounds=bounds).to(X),
    )
    model.likelihood.noise = torch.tensor(parameters.noise, dtype=torch.float64)
    model.mean_module.constant = torch.tensor(constant, dtype=torch.float64)
    return model.eval()


def _positive() -> GreaterThan:
    return GreaterThan(torch.tensor(1e-12, dtype=torch.float64), transform=None)
