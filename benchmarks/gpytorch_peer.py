"""Gaussian processes as one writes them with BoTorch and GPyTorch: our kernels and our priors."""

from __future__ import annotations

import math

import torch
from botorch.fit import fit_gpytorch_mll
from botorch.models import MixedSingleTaskGP, SingleTaskGP
from botorch.models.transforms import Normalize, Standardize
from gpytorch.constraints import GreaterThan
from gpytorch.kernels import MaternKernel, RBFKernel, ScaleKernel
from gpytorch.likelihoods import GaussianLikelihood
from gpytorch.mlls import ExactMarginalLogLikelihood
from gpytorch.priors import LogNormalPrior
from torch import Tensor

CHUNK = 256
"""Points of a posterior at a time: faster than 128, 512 to 2,048, or batches of one point."""

_SMOOTHNESS = {"matern12": 0.5, "matern32": 1.5, "matern52": 2.5}


def new_model(X: Tensor, y: Tensor, name: str, *, standardise: bool = True) -> SingleTaskGP:
    """An unfitted model on ``X`` (``n x d``) and ``y`` (``n x 1``).

    Args:
        X: inputs.
        y: targets.
        name: of one of our predictors, such as ``"gp-matern52-ard"``.
        standardise: the targets, as BoTorch does by itself.
    """
    d, (kernel, _, ard) = X.shape[1], name.removeprefix("gp-").partition("-")
    options = {
        "ard_num_dims": d if ard else None,
        "lengthscale_prior": LogNormalPrior(0.5 + 0.5 * math.log(d), 0.6),
        "lengthscale_constraint": GreaterThan(
            0.025, transform=None, initial_value=0.5 * math.sqrt(d)
        ),
    }
    base = RBFKernel(**options) if kernel == "rbf" else MaternKernel(_SMOOTHNESS[kernel], **options)
    return SingleTaskGP(
        X,
        y,
        likelihood=GaussianLikelihood(
            noise_prior=LogNormalPrior(-3.0, 1.5),
            noise_constraint=GreaterThan(1e-4, transform=None, initial_value=0.1),
        ),
        covar_module=ScaleKernel(
            base,
            outputscale_prior=LogNormalPrior(0.0, 1.0),
            outputscale_constraint=GreaterThan(1e-4, transform=None, initial_value=1.0),
        ),
        input_transform=Normalize(d),
        outcome_transform=Standardize(m=1) if standardise else None,
    )


def objective(model: SingleTaskGP) -> ExactMarginalLogLikelihood:
    """What is maximised: log marginal likelihood plus log priors."""
    return ExactMarginalLogLikelihood(model.likelihood, model)


def fit(X: Tensor, y: Tensor, name: str, *, standardise: bool = True) -> SingleTaskGP:
    """A model fitted by BoTorch."""
    model = new_model(X, y, name, standardise=standardise)
    fit_gpytorch_mll(objective(model))
    return model


def fit_categorical(X: Tensor, y: Tensor) -> SingleTaskGP:
    """BoTorch's model of categories (``n x d`` codes) as it comes, fitted to scaled targets."""
    model = MixedSingleTaskGP(X, y, cat_dims=list(range(X.shape[1])), outcome_transform=None)
    fit_gpytorch_mll(objective(model))
    return model


def log_posterior(model: SingleTaskGP) -> float:
    """Log marginal likelihood plus log priors, by GPyTorch, also of a model that we fitted."""
    model.train()
    with torch.no_grad():
        mean = objective(model)(model(*model.train_inputs), model.train_targets)
    model.eval()
    return float(mean) * len(model.train_targets)


def moments(model: SingleTaskGP, X: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of observations at ``X`` (``m x d``), each ``m``."""
    with torch.no_grad():
        parts = [model.posterior(part, observation_noise=True) for part in X.split(CHUNK)]
        means, variances = ([part.mean for part in parts], [part.variance for part in parts])
    return torch.cat(means).squeeze(-1), torch.cat(variances).squeeze(-1)
