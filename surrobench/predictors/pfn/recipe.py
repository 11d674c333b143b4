"""The in-context predictor: a network chooses the Gaussian process, and nothing is optimised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from botorch.models.model import Model
from botorch.models.transforms import Normalize, Standardize
from gpytorch.kernels import AdditiveKernel, ScaleKernel
from gpytorch.likelihoods import GaussianLikelihood
from torch import Tensor

from surrobench.base.process_state import standard_numerics
from surrobench.predictors.gp.fitted_gp import FittedGP, bounded, checked_examples, stationary
from surrobench.predictors.gp.gp_fit import LOWEST_NOISE
from surrobench.predictors.pfn.network import HyperparameterNetwork
from surrobench.predictors.pfn.process import KERNELS, Covariances, condition, correlations
from surrobench.predictors.pfn.weights import embedded
from surrobench.predictors.recipe import canonical_rows
from surrobench.predictors.transforms import (
    TargetTransform,
    check_transform,
    fit_transform,
    least_std,
)

MOST_READ = 128
"""Examples that the network reads; it was trained on 8 to 96."""
_LEAST_RELEVANCE, _LEAST_LENGTHSCALE, _LEAST_OUTPUTSCALE = 1e-10, 1e-8, 1e-12


@dataclass(frozen=True)
class InContext:
    """A prior-data fitted network (Müller et al., ICLR 2022) that answers a Gaussian process.

    A transformer of 0.16 million parameters reads the examples and answers a covariance of three
    kernels with a relevance of every column for each (:mod:`~.pfn.network`); the distribution is
    the posterior of that process. What it knows it has from made-up tables: those of this package
    were not seen (``benchmarks/pfn_training.py`` trains it, on one core in a quarter of an hour).

    Columns are moved to the unit cube by their ranges over the examples. Neither their order nor
    that of the examples plays a part. Of more than :data:`MOST_READ` examples the network reads so
    many, drawn at random; the process is conditioned on all.

    Args:
        transform: of the targets; the network was trained for ``"quantile-normal"``.
    """

    transform: TargetTransform = "quantile-normal"

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        check_transform(self.transform)

    @standard_numerics()
    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Model:
        """Read ``X`` (``n x d``) and ``y`` (``n x 1``).

        Args:
            X: inputs.
            y: targets.
            seed: says which examples are read where there are many; else it plays no part.

        Returns:
            A :class:`~surrobench.predictors.gp.fitted_gp.FittedGP` in units of ``y``; with
            ``quantile-normal`` targets, a
            :class:`~surrobench.predictors.transforms.WarpedModel` around one (its ``base``).

        Raises:
            ValueError: for wrong shapes or values that are not finite.
        """
        X, y = canonical_rows(*checked_examples(X, y))
        if self.transform == "quantile-normal":
            scores = fit_transform(self.transform, y)
            return scores.wrap(_process(X, scores.forward(y), None, self.network(), seed))
        outcome = Standardize(m=1, min_stdv=least_std(y))
        return _process(X, y, outcome, self.network(), seed)

    def network(self) -> HyperparameterNetwork:
        """What reads the examples: the network of the package."""
        return embedded()


def _process(
    X: Tensor, y: Tensor, outcome: Standardize | None, network: HyperparameterNetwork, seed: int
) -> FittedGP:
    """The process that the network answers, as a model."""
    scaling = _ranges(X)
    targets = (y if outcome is None else outcome(y)[0]).squeeze(-1)
    inputs = scaling(X)
    with torch.no_grad():
        chosen = _answer(network, inputs, targets, seed)
        centred = (inputs - inputs.mean(dim=0)).unsqueeze(0)
        kernels, _ = correlations(centred, centred, chosen.relevances)
        constant = condition(kernels, targets.unsqueeze(0), chosen).constant
    model = FittedGP(
        X,
        y,
        likelihood=GaussianLikelihood(noise_constraint=bounded(LOWEST_NOISE, 0.1)),
        covar_module=_covariance(chosen),
        outcome_transform=outcome,
        input_transform=scaling,
    )
    model.likelihood.noise = chosen.noise
    model.mean_module.constant = constant.squeeze(0)
    return model.eval()


def _answer(network: HyperparameterNetwork, X: Tensor, y: Tensor, seed: int) -> Covariances:
    """What the network answers, in double precision."""
    if len(X) > MOST_READ:
        drawn = np.sort(np.random.default_rng(seed).permutation(len(X))[:MOST_READ])
        X, y = X[drawn], y[drawn]
    real = torch.ones(1, X.shape[1], dtype=torch.bool)
    last = network(X.float().unsqueeze(0), y.float().unsqueeze(0), real)[-1]
    return Covariances(
        last.relevances.double().clamp_min(_LEAST_RELEVANCE),
        last.outputscales.double(),
        last.noise.double(),
    )


def _ranges(X: Tensor) -> Normalize:
    """The map from the ranges of ``X`` (``n x d``) to [0, 1]; constant columns become 0."""
    low, high = X.amin(dim=0), X.amax(dim=0)
    high = torch.where(high > low, high, low + 1.0)
    return Normalize(X.shape[1], bounds=torch.stack([low, high])).to(X)


def _covariance(chosen: Covariances) -> AdditiveKernel:
    terms = []
    for place, name in enumerate(KERNELS):
        relevances = chosen.relevances[0, place]
        base: Any = stationary(
            name,
            ard_num_dims=len(relevances),
            lengthscale_constraint=bounded(_LEAST_LENGTHSCALE, 1.0),
        )
        base.lengthscale = relevances.rsqrt().unsqueeze(0)
        term = ScaleKernel(base, outputscale_constraint=bounded(_LEAST_OUTPUTSCALE, 1.0))
        term.outputscale = chosen.outputscales[0, place]
        terms.append(term)
    return AdditiveKernel(*terms)
