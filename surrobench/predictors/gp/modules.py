"""The processes of this package as GPyTorch modules and BoTorch models."""

from __future__ import annotations

from typing import Any

import torch
from gpytorch.kernels import AdditiveKernel, Kernel, ProductKernel
from gpytorch.kernels import ScaleKernel as Scaled
from torch import Tensor

from surrobench.predictors.gp.correlations import Kernel as KernelName
from surrobench.predictors.gp.fitted_gp import (
    FittedGP,
    bounded,
    exact,
    likelihood,
    prior,
    stationary,
    unit_cube,
)
from surrobench.predictors.gp.gp_fit import LOWEST_LENGTHSCALE, LOWEST_OUTPUTSCALE, LogNormal
from surrobench.predictors.gp.kernels import BlockKernel
from surrobench.predictors.gp.process import Process


class TiedKernel(Kernel):
    """An RBF or Matérn kernel whose columns share lengthscales in groups.

    Args:
        kernel: name of the profile.
        groups: the lengthscale of each column.
        options: as for GPyTorch's kernels.
    """

    has_lengthscale = True

    def __init__(self, kernel: KernelName, groups: tuple[int, ...], **options: Any) -> None:
        super().__init__(ard_num_dims=max(groups) + 1, **options)
        self.register_buffer("groups", torch.tensor(groups))
        columns = self.ard_num_dims = len(groups)  # from here on what inputs are checked for
        self.plain: Any = stationary(kernel, ard_num_dims=columns)
        # Inputs come in units of the lengthscales; this one must stay as it is.
        self.plain.requires_grad_(False)
        self.plain.to(torch.float64).lengthscale = torch.ones(columns, dtype=torch.float64)

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **params: Any) -> Any:
        """Covariances of ``... x k x d`` and ``... x l x d``."""
        scale = self.lengthscale[..., self.groups]
        return self.plain.forward(x1 / scale, x2 / scale, diag=diag, **params)


class CategoricalKernel(Kernel):
    """``exp(-sum_v [a_v != b_v] / lengthscale_v²)`` over groups of 0/1 columns.

    Two points differ in a variable if they differ in any of its columns. Not differentiable in the
    points.

    Args:
        variables: the variable of each column.
        shared: one lengthscale for all variables.
        options: as for GPyTorch's kernels.
    """

    has_lengthscale = True

    def __init__(self, variables: tuple[int, ...], shared: bool, **options: Any) -> None:
        self.count = max(variables) + 1
        super().__init__(ard_num_dims=None if shared else self.count, **options)
        self.register_buffer("variables", torch.tensor(variables))
        self.ard_num_dims = len(variables)  # from here on what inputs are checked for

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **params: Any) -> Tensor:
        """Covariances of ``... x k x d`` and ``... x l x d``."""
        rates = self.lengthscale.squeeze(-2).square().reciprocal()
        rates = rates.expand(*rates.shape[:-1], self.count)
        total: Any = 0.0
        for variable in range(self.count):
            a, b = (x[..., self.variables == variable].detach() for x in (x1, x2))
            rate = rates[..., variable]
            if diag:
                differs = (a - b).square().sum(dim=-1) > 0.5
                total = total + differs * rate.unsqueeze(-1)
                continue
            squared = a.square().sum(dim=-1, keepdim=True) - 2.0 * a @ b.transpose(-1, -2)
            squared = squared + b.square().sum(dim=-1).unsqueeze(-2)
            total = total + (squared > 0.5) * rate.unsqueeze(-1).unsqueeze(-1)
        return (-total).exp()


def covariance_module(process: Process) -> Kernel:
    """The covariance with its hyperparameters and priors."""
    covariance, parameters = process.covariance, process.parameters
    lengthscale_priors, scale_prior, _ = covariance.priors(process.unit)
    d = process.X.shape[1]
    parts = []
    for block, lengthscales, chosen in zip(
        covariance.blocks, parameters.lengthscales, lengthscale_priors, strict=True
    ):
        part = _block_module(block, d, chosen)
        part.lengthscale = torch.from_numpy(lengthscales).reshape(part.lengthscale.shape)
        parts.append(part)
    bases = [ProductKernel(*parts)] if covariance.product else parts
    scaled = [
        _scaled(base, float(scale), scale_prior, process.unit)
        for base, scale in zip(bases, parameters.outputscales, strict=True)
    ]
    return scaled[0] if len(scaled) == 1 else AdditiveKernel(*scaled)


def _block_module(block: BlockKernel, d: int, chosen: LogNormal) -> Kernel:
    columns = block.block
    options: dict[str, Any] = {
        "lengthscale_prior": prior(chosen),
        "lengthscale_constraint": bounded(LOWEST_LENGTHSCALE, 1.0),
    }
    if block.dimensions < d:
        options["active_dims"] = tuple(range(columns.start, columns.stop))
    module: Kernel
    if block.categorical:
        module = CategoricalKernel(columns.groups, block.groups is None, **options)
    elif block.groups is not None and block.size < block.dimensions:
        module = TiedKernel(block.kernel, tuple(block.groups.tolist()), **options)
    else:
        options["ard_num_dims"] = block.size if block.size > 1 else None
        module = stationary(block.kernel, **options)
    return module.to(torch.float64)


def _scaled(base: Kernel, scale: float, chosen: LogNormal, unit: float) -> Kernel:
    bounds = bounded(LOWEST_OUTPUTSCALE * unit, unit)
    module = Scaled(base, outputscale_prior=prior(chosen), outputscale_constraint=bounds)
    module.to(torch.float64).outputscale = exact(scale)
    return module


def botorch_model(
    process: Process,
    rows: Tensor,
    targets: Tensor,
    constant: float,
    noise: float | None = None,
) -> FittedGP:
    """A model of ``targets`` (``n``) at ``rows`` of the pool, on inputs as the pool has them.

    ``noise`` replaces that of the process where a later factorisation needed more.
    """
    model = FittedGP(
        process.X[rows],
        targets.unsqueeze(-1).clone(),
        likelihood=likelihood(process.covariance.priors(process.unit)[2], process.unit),
        covar_module=covariance_module(process),
        outcome_transform=None,
        input_transform=unit_cube(process.X),
    )
    model.likelihood.noise = exact(process.parameters.noise if noise is None else noise)
    model.mean_module.constant = exact(constant)
    model.fit_report = process.report
    return model.eval()
