"""Ranking-weighted Gaussian process ensemble: processes of sources beside that of the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from botorch.models.model import Model
from botorch.posteriors.gpytorch import GPyTorchPosterior
from gpytorch.distributions import MultivariateNormal
from torch import Tensor

from surrobench.arrays import FloatArray
from surrobench.base.options import check_whole
from surrobench.base.process_state import standard_numerics
from surrobench.predictors.composed import MarginalModel
from surrobench.predictors.gp.dense_covariance import dense_covariance
from surrobench.predictors.gp.fitted_gp import FittedGP
from surrobench.predictors.gp.gp import ExactGP
from surrobench.predictors.posterior import Kind
from surrobench.predictors.protocol import Source
from surrobench.predictors.recipe import canonical_rows
from surrobench.predictors.transfer.ranking_weights import (
    LeftOut,
    ranking_losses,
    ranking_weights,
    root,
)
from surrobench.predictors.transfer.source_models import SourceProcess, enough, source_processes
from surrobench.predictors.transforms import check_transform, fit_inner_transform


@dataclass(frozen=True, kw_only=True)
class RGPE:
    """Gaussian processes of the sources and of the target, weighted by how well they rank.

    Each process is fitted to the standardised values of its own task. The mean of the ensemble is
    ``sum_k w_k mu_k(x)`` and its covariance ``sum_k w_k² K_k(x, x')``, as published: that of a
    weighted sum of independent functions. It is read in the units of the target by the target's
    own mean and deviation; where all its values are equal, its process answers alone. The weights
    (:mod:`~.ranking_weights`) are shares of posterior draws in which a process ranks the target's
    examples best; the target's process is judged on examples left out, with the hyperparameters of
    the whole fit. After Feurer, Letham, Hutter and Bakshy, "Practical transfer learning for
    Bayesian optimization" (2018). Without sources it is ``gp-matern52``.

    As published, the variance shrinks when many processes share the weight, and knows nothing of
    how far the scales of two tasks differ: intervals may be too narrow.

    Args:
        kernel: of all processes.
        samples: functions drawn from each posterior.
        source_examples: that are used of each source, drawn where there are more.
        ranked_examples: of the target that the losses are counted on, drawn where there are more.
        prevent_dilution: whether sources that rank worse than the target's own process leave.
        transform: of the targets, those of each source by their own values.
    """

    transfer: ClassVar[bool] = True
    posterior_kind: ClassVar[Kind] = "moments"

    kernel: str = "matern-5/2"
    samples: int = 256
    source_examples: int = 200
    ranked_examples: int = 100
    prevent_dilution: bool = True
    transform: str = "standardise"

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        check_transform(self.transform)
        check_whole(self, "samples", self.samples, 1, 100_000)
        check_whole(self, "source_examples", self.source_examples, 2, 5_000)
        check_whole(self, "ranked_examples", self.ranked_examples, 2, 1_000)
        self._process()

    def with_sources(self, sources: Sequence[Source], *, seed: int) -> _AfterSources:
        """What has learned of the sources and is fitted to targets."""
        known = enough(sources)
        models = source_processes(
            known, self._process(), self.transform, self.source_examples, seed
        )
        return _AfterSources(self, tuple(models))

    def fit(self, X: Tensor, y: Tensor, *, seed: int, sources: Sequence[Source] = ()) -> Model:
        """Fit to ``X`` (``n x d``) and ``y`` (``n x 1``), with what is known of other tasks."""
        with standard_numerics():
            return self.with_sources(sources, seed=seed).fit(X, y, seed=seed)

    def _process(self) -> ExactGP:
        kernel: Any = self.kernel  # which is checked there
        return ExactGP(kernel=kernel)


@dataclass(frozen=True)
class _AfterSources:
    """The ensemble but for the target's process and the weights."""

    recipe: RGPE
    models: tuple[SourceProcess, ...]

    @standard_numerics()
    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Model:
        """Fit to ``X`` (``n x d``) and ``y`` (``n x 1``)."""
        X, y = canonical_rows(X, y)
        transform = fit_inner_transform(self.recipe.transform, y)
        targets = transform.forward(y)
        own: Any = self.recipe._process().fit(X, targets, seed=seed)
        if not self.models or bool((targets == targets[0]).all()):  # nothing to rank
            return transform.wrap(own)
        weights = self.weights(own, X, targets, seed)
        processes = (*self.models, SourceProcess(own))
        members = [(model, w) for model, w in zip(processes, weights, strict=True) if w > 0]
        return transform.wrap(WeightedProcesses(members))

    def weights(self, own: FittedGP, X: Tensor, z: Tensor, seed: int) -> FloatArray:
        """Of the sources' processes and, last, of the target's own; they sum to 1.

        Args:
            own: fitted to ``X`` (``n x d``) and ``z`` (``n x 1``).
            X: inputs.
            z: transformed targets.
            seed: of the draws.
        """
        rng = np.random.default_rng([seed % 2**32, len(z), 1802_02219])
        if len(z) > self.recipe.ranked_examples:
            rows = np.sort(rng.permutation(len(z))[: self.recipe.ranked_examples])
        else:
            rows = np.arange(len(z))
        y = z.squeeze(-1).numpy()[rows]
        losses = [
            ranking_losses(self._drawn(known.model, X[rows], rng), y) for known in self.models
        ]
        left_out = left_out_of(own, rows)
        losses.append(ranking_losses(left_out.sample(self.recipe.samples, rng), y))
        return ranking_weights(losses, prevent_dilution=self.recipe.prevent_dilution)

    def _drawn(self, model: Any, X: Tensor, rng: np.random.Generator) -> FloatArray:
        with torch.no_grad():
            normal = model.posterior(X).distribution
            mean, covariance = normal.mean.numpy(), normal.covariance_matrix.numpy()
        scores = rng.standard_normal((self.recipe.samples, len(mean)))
        values: FloatArray = mean + scores @ root(covariance).T
        return values


def left_out_of(model: FittedGP, rows: Any) -> LeftOut:
    """Posteriors of a fitted process without one example each, for the examples at ``rows``.

    Those at other rows are taken to be unknown throughout.
    """
    model.eval()
    inputs = model.train_inputs[0].detach()[rows]
    covariance = dense_covariance(model.covar_module)(inputs, inputs).numpy()
    noise = float(model.likelihood.noise.detach().reshape(()))
    constant = float(model.mean_module.constant.detach())
    return LeftOut.of(covariance, noise, model.train_targets.detach().numpy()[rows], constant)


class WeightedProcesses(MarginalModel):
    """A weighted sum of independent Gaussian processes.

    Args:
        members: fitted processes with their weights.
    """

    settled = True

    def __init__(self, members: Sequence[tuple[SourceProcess, float]]) -> None:
        super().__init__()
        self.members = [(process, float(weight)) for process, weight in members]

    @property
    def noise(self) -> float:
        """Variance of an observation around the function."""
        return sum(weight**2 * _noise_of(process.model) for process, weight in self.members)

    def marginals(self, X: Tensor, observation_noise: bool) -> tuple[Tensor, Tensor]:
        """Means and variances at ``X`` (``m x d``), each ``m``."""
        mean, variance = X.new_zeros(len(X)), X.new_zeros(len(X))
        with standard_numerics(), torch.no_grad():
            for process, weight in self.members:
                own_mean, own_variance = process.marginals(X)
                mean = mean + weight * own_mean
                variance = variance + weight**2 * own_variance
        return mean, variance if observation_noise else (variance - self.noise).clamp_min(1e-12)

    def _posterior_at(self, X: Tensor, observation_noise: bool | Tensor) -> Any:
        mean: Any = 0.0
        covariance: Any = 0.0
        with standard_numerics(gradients=False):
            for process, weight in self.members:
                asked: Any = process.model.posterior(X, observation_noise=observation_noise)
                found = asked.distribution
                mean = mean + weight * found.mean
                covariance = covariance + weight**2 * found.covariance_matrix
            return GPyTorchPosterior(MultivariateNormal(mean, covariance))


def _noise_of(model: Any) -> float:
    noise = model.likelihood.noise.detach().reshape(())
    return float(noise * model.outcome_transform.stdvs.squeeze().square())
