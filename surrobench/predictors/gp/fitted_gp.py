"""BoTorch's exact Gaussian process with our fits, and what its inputs and priors go through."""

from __future__ import annotations

import sys
from typing import Any

import gpytorch
import torch
from botorch.models import SingleTaskGP
from botorch.models.transforms import Normalize
from gpytorch.constraints import GreaterThan
from gpytorch.kernels import Kernel as KernelModule
from gpytorch.kernels import MaternKernel, RBFKernel
from gpytorch.likelihoods import GaussianLikelihood
from gpytorch.priors import LogNormalPrior
from torch import Tensor

from surrobench.base.process_state import standard_numerics
from surrobench.predictors.gp.correlations import SMOOTHNESS, Kernel
from surrobench.predictors.gp.gp_fit import LOWEST_NOISE, FitReport, LogNormal

_SMALLEST_VARIANCE = 1e-16


class FittedGP(SingleTaskGP):
    """BoTorch's model with a report of its fit, and exact at any number of training points.

    GPyTorch would switch to conjugate gradients and Lanczos beyond 800 points.
    """

    fit_report: FitReport
    settled = True

    @standard_numerics(gradients=False)
    def posterior(self, *args: Any, **kwargs: Any) -> Any:
        """As :class:`SingleTaskGP`'s, whatever else than gradients is set in the process."""
        return super().posterior(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """As :class:`SingleTaskGP`'s, always through a Cholesky factorisation."""
        with gpytorch.settings.max_cholesky_size(sys.maxsize):
            return super().__call__(*args, **kwargs)


def checked(values: Tensor) -> Tensor:
    """A copy of a matrix, in double precision.

    Raises:
        ValueError: if it is no matrix, or not finite.
    """
    values = values.detach().to(device="cpu", dtype=torch.float64).clone()
    if values.ndim != 2 or not bool(torch.isfinite(values).all()):
        raise ValueError("X and y must be matrices of finite values.")
    return values


def checked_examples(X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Copies of ``X`` (``n x d``) and ``y`` (``n x 1``), in double precision.

    Raises:
        ValueError: for wrong shapes or values that are not finite.
    """
    X, y = checked(X), checked(y)
    if len(X) != len(y) or len(y) == 0 or y.shape[1] != 1 or X.shape[1] == 0:
        raise ValueError(
            "expected X of shape n x d and y of shape n x 1 with n and d positive; "
            f"got {tuple(X.shape)} and {tuple(y.shape)}."
        )
    return X, y


def unit_variance(targets: Tensor) -> float:
    """Variance of targets (``n`` or ``n x 1``) to scale priors by; 1 if there is none."""
    variance = float(targets.var()) if len(targets) > 1 else 1.0
    return variance if variance >= _SMALLEST_VARIANCE else 1.0


def unit_cube(X: Tensor) -> Normalize:
    """The map from the ranges of ``X`` (``n x d``) to [0, 1]; constant columns stay."""
    low, high = X.amin(dim=0), X.amax(dim=0)
    constant = high <= low
    low, high = low.masked_fill(constant, 0.0), high.masked_fill(constant, 1.0)
    return Normalize(X.shape[1], bounds=torch.stack([low, high])).to(X)


def leaves_alone(model: SingleTaskGP) -> bool:
    """Whether inputs are already as the kernel sees them: on the unit cube as examples, or moved.

    Zeros and ones are, if examples have both in each column that varies.
    """
    scaling: Any = getattr(model, "input_transform", None)
    return type(scaling) is Normalize and not scaling.training and _is_identity(scaling)


def _is_identity(scaling: Any) -> bool:
    whole = getattr(scaling, "indices", None) is None and scaling.transform_on_eval
    return (
        whole and bool((scaling.offset == 0.0).all()) and bool((scaling.coefficient == 1.0).all())
    )


def exact(value: float) -> Tensor:
    """A number in double precision (GPyTorch would round it to single)."""
    return torch.tensor(value, dtype=torch.float64)


def prior(chosen: LogNormal) -> LogNormalPrior:
    """A prior for GPyTorch."""
    return LogNormalPrior(exact(chosen.location), exact(chosen.scale))


def bounded(lowest: float, initial: float) -> GreaterThan:
    """A lower bound without a change of variables."""
    return GreaterThan(exact(lowest), transform=None, initial_value=exact(initial))


def likelihood(noise: LogNormal, unit: float) -> GaussianLikelihood:
    """Homoskedastic noise with its prior, for targets of variance ``unit``."""
    bounds = bounded(LOWEST_NOISE * unit, 0.1 * unit)
    return GaussianLikelihood(noise_prior=prior(noise), noise_constraint=bounds)


def stationary(kernel: Kernel, **options: Any) -> KernelModule:
    """GPyTorch's module of a kernel; ``options`` are those that it takes."""
    if kernel == "rbf":
        return RBFKernel(**options)
    return MaternKernel(nu=SMOOTHNESS[kernel], **options)
