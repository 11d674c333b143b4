"""Exact Gaussian processes: BoTorch's own model, fitted by our closed-form gradients."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, get_args

import gpytorch
import torch
from botorch.models import SingleTaskGP
from botorch.models.model import Model
from botorch.models.transforms import Normalize, Standardize
from gpytorch.constraints import GreaterThan
from gpytorch.kernels import Kernel as KernelModule
from gpytorch.kernels import MaternKernel, RBFKernel, ScaleKernel
from gpytorch.likelihoods import GaussianLikelihood
from gpytorch.priors import LogNormalPrior
from torch import Tensor

from surrobench.columns import ColumnBlock
from surrobench.errors import UserError, did_you_mean
from surrobench.predictors.belief import PoolSession
from surrobench.predictors.correlations import Kernel
from surrobench.predictors.gp_fit import (
    LOWEST_LENGTHSCALE,
    LOWEST_NOISE,
    LOWEST_OUTPUTSCALE,
    FitReport,
    Hyperparameters,
    LogNormal,
    Priors,
    PriorShape,
    fit_hyperparameters,
    prior_options,
)
from surrobench.predictors.transforms import (
    TargetTransform,
    check_transform,
    fit_transform,
    least_deviation,
)
from surrobench.process_state import standard_numerics

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


@dataclass(frozen=True)
class ExactGP(PriorShape):
    """Exact Gaussian-process regression with a constant mean and homoskedastic noise.

    Inputs are moved to the unit cube by their training ranges (constant columns are left alone).
    Hyperparameters maximise likelihood times priors (:class:`~.gp_fit.Priors`).

    Args:
        kernel: ``"rbf"``, ``"matern-1/2"``, ``"matern-3/2"`` or ``"matern-5/2"``.
        ard: one lengthscale per column instead of one shared by all.
        transform: of the targets, see :func:`~.transforms.fit_inner_transform`.
        max_evaluations: budget of likelihood evaluations of a fit. One shared lengthscale takes
            about 20 of them, one per column 20 to 80.

    Where the priors lie, and how wide, are further options (:class:`~.gp_fit.PriorShape`). Their
    defaults are for one shared lengthscale; ``gp-…-ard`` are registered with their own.
    """

    kernel: Kernel = "matern-5/2"
    ard: bool = False
    transform: TargetTransform = "standardise"
    max_evaluations: int = 100

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        super().__post_init__()
        check_transform(self.transform)
        if self.kernel not in get_args(Kernel):
            raise UserError(
                f"unknown kernel {self.kernel!r}. " + did_you_mean(self.kernel, get_args(Kernel))
            )
        if not isinstance(self.max_evaluations, int) or self.max_evaluations < 1:
            raise UserError(
                f"max_evaluations is {self.max_evaluations!r}; it must be a positive whole number."
            )

    @standard_numerics()
    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Model:
        """Fit to ``X`` (``n x d``) and ``y`` (``n x 1``); the fit is deterministic.

        Args:
            X: inputs.
            y: targets.
            seed: not used.

        Returns:
            A :class:`FittedGP` in units of ``y``; with ``quantile-normal`` targets, a
            :class:`~.transforms.WarpedModel` around one (its ``base``).

        Raises:
            ValueError: for wrong shapes or values that are not finite.
        """
        X, y = checked_examples(X, y)
        if self.transform == "quantile-normal":
            transform = fit_transform(self.transform, y)
            return transform.wrap(self._fit(X, transform.forward(y), outcome_transform=None))
        return self._fit(X, y, outcome_transform=Standardize(m=1, min_stdv=least_deviation(y)))

    def on_pool(self, X: Tensor) -> PoolSession:
        """Start on a pool ``X`` (``m x d``); columns are scaled by the ranges of the pool."""
        # The session builds models of this module.
        from surrobench.predictors.pool_gp.recipe import PoolGP

        same = PoolGP(
            self.kernel,
            "column" if self.ard else "shared",
            transform=self.transform,
            max_evaluations=self.max_evaluations,
            **prior_options(self),
            blocks=(ColumnBlock("columns", 0, X.shape[-1]),),
        )
        return same.on_pool(X)

    def _fit(self, X: Tensor, y: Tensor, outcome_transform: Standardize | None) -> FittedGP:
        scaling = unit_cube(X)
        targets = y if outcome_transform is None else outcome_transform(y)[0]
        priors = Priors.scaled_to(X.shape[1], unit_variance(targets), self)
        fitted, report = fit_hyperparameters(
            scaling(X).numpy(),
            targets.squeeze(-1).numpy(),
            self.kernel,
            ard=self.ard,
            priors=priors,
            max_evaluations=self.max_evaluations,
        )
        model = FittedGP(
            X,
            y,
            likelihood=likelihood(priors.noise, priors.unit),
            covar_module=_covariance(self.kernel, X.shape[1] if self.ard else 1, priors),
            outcome_transform=outcome_transform,
            input_transform=scaling,
        )
        _set_hyperparameters(model, fitted)
        model.fit_report = report
        return model.eval()


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


def _covariance(kernel: Kernel, lengthscales: int, priors: Priors) -> ScaleKernel:
    options: dict[str, Any] = {
        "ard_num_dims": lengthscales if lengthscales > 1 else None,
        "lengthscale_prior": prior(priors.lengthscale),
        "lengthscale_constraint": bounded(LOWEST_LENGTHSCALE, 1.0),
    }
    base: KernelModule
    if kernel == "rbf":
        base = RBFKernel(**options)
    else:
        nu = {"matern-1/2": 0.5, "matern-3/2": 1.5, "matern-5/2": 2.5}[kernel]
        base = MaternKernel(nu=nu, **options)
    bounds = bounded(LOWEST_OUTPUTSCALE * priors.unit, priors.unit)
    return ScaleKernel(
        base, outputscale_prior=prior(priors.outputscale), outputscale_constraint=bounds
    )


def _set_hyperparameters(model: FittedGP, fitted: Hyperparameters) -> None:
    base = model.covar_module.base_kernel
    base.lengthscale = torch.from_numpy(fitted.lengthscales).reshape(base.lengthscale.shape)
    model.covar_module.outputscale = exact(fitted.outputscale)
    model.likelihood.noise = exact(fitted.noise)
    model.mean_module.constant = exact(fitted.constant)
