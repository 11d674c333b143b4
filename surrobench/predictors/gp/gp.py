"""Exact Gaussian processes: BoTorch's own model, fitted by our closed-form gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import torch
from botorch.models.model import Model
from botorch.models.transforms import Standardize
from gpytorch.kernels import ScaleKernel
from torch import Tensor

from surrobench.base.columns import ColumnBlock
from surrobench.base.options import check_choice, check_counts
from surrobench.base.process_state import standard_numerics
from surrobench.predictors.gp.correlations import Kernel
from surrobench.predictors.gp.fitted_gp import (
    FittedGP,
    bounded,
    checked_examples,
    exact,
    likelihood,
    prior,
    stationary,
    unit_cube,
    unit_variance,
)
from surrobench.predictors.gp.gp_fit import (
    LOWEST_LENGTHSCALE,
    LOWEST_OUTPUTSCALE,
    Hyperparameters,
    Priors,
    PriorShape,
    fit_hyperparameters,
    prior_options,
)
from surrobench.predictors.gp.nested_fit import MANY, fit_many
from surrobench.predictors.gp.recipe import PoolGP
from surrobench.predictors.posterior import PoolSession
from surrobench.predictors.transforms import (
    TargetTransform,
    check_transform,
    fit_transform,
    least_std,
)


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

    From 2,000 examples on, the same likelihood of all examples is maximised from where that of half
    of them has its maximum, which takes fewer evaluations, and everything is computed in tiles: the
    memory is that of one ``n x n`` matrix (:mod:`~.nested_fit`). Beyond some ten thousand examples
    there is ``gp-sparse``.

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
        check_choice(self, "kernel", self.kernel, get_args(Kernel))
        check_counts(self, "max_evaluations")

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
        return self._fit(X, y, outcome_transform=Standardize(m=1, min_stdv=least_std(y)))

    def on_pool(self, X: Tensor) -> PoolSession:
        """Start on a pool ``X`` (``m x d``); columns are scaled by the ranges of the pool."""
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
        fit = fit_many if len(X) >= MANY else fit_hyperparameters
        fitted, report = fit(
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


def _covariance(kernel: Kernel, lengthscales: int, priors: Priors) -> ScaleKernel:
    options: dict[str, Any] = {
        "ard_num_dims": lengthscales if lengthscales > 1 else None,
        "lengthscale_prior": prior(priors.lengthscale),
        "lengthscale_constraint": bounded(LOWEST_LENGTHSCALE, 1.0),
    }
    bounds = bounded(LOWEST_OUTPUTSCALE * priors.unit, priors.unit)
    return ScaleKernel(
        stationary(kernel, **options),
        outputscale_prior=prior(priors.outputscale),
        outputscale_constraint=bounds,
    )


def _set_hyperparameters(model: FittedGP, fitted: Hyperparameters) -> None:
    base = model.covar_module.base_kernel
    base.lengthscale = torch.from_numpy(fitted.lengthscales).reshape(base.lengthscale.shape)
    model.covar_module.outputscale = exact(fitted.outputscale)
    model.likelihood.noise = exact(fitted.noise)
    model.mean_module.constant = exact(fitted.constant)
