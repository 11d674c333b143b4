"""Few-shot deep kernel learning: networks that have learned of other tasks, tuned to this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import torch
from botorch.models.model import Model
from botorch.posteriors.gpytorch import GPyTorchPosterior
from gpytorch.distributions import MultivariateNormal
from torch import Tensor

from surrobench.base.process_state import standard_numerics
from surrobench.predictors.composed import MarginalModel
from surrobench.predictors.gp.gp import ExactGP
from surrobench.predictors.posterior import Kind
from surrobench.predictors.protocol import Source
from surrobench.predictors.recipe import canonical_rows, check_option, option, rounded
from surrobench.predictors.transfer.deep_kernels import (
    DeepKernels,
    Points,
    covariance,
    prior_variance,
)
from surrobench.predictors.transfer.meta_training import (
    Tasks,
    fine_tune,
    fit_to_held_out,
    meta_train,
)
from surrobench.predictors.transfer.source_models import enough, some_of
from surrobench.predictors.transforms import check_transform, fit_inner_transform

_LEAST_VARIANCE = 1e-9


@dataclass(frozen=True, kw_only=True)
class FewShotDeepKernel:
    """Gaussian processes on features of meta-learned networks, fine-tuned to the target.

    After Wistuba and Grabocka, "Few-shot Bayesian optimization with deep kernel surrogates" (ICLR
    2021): one network for all tasks, trained on the marginal likelihood of small batches of each
    source (:mod:`~.meta_training`), is the start of a few steps on the examples of the target, on
    which the process is then conditioned. What a task is made of: :mod:`~.deep_kernels`.

    A network that has seen all sources believes itself, on few hundred examples the more so. Unlike
    the paper's, here several networks each leave one source out, on which the hyperparameters of
    their processes are fitted; their posteriors are averaged, with the covariance of the mixture.
    Without sources it is ``gp-matern52``.

    The settings were chosen on the first seed of TransNAS-Bench-101's macro space and of
    NAS-Bench-MR, with 20 examples; networks that Reptile (Nichol, Achiam and Schulman, 2018) trains
    on squared errors ranked worse on both.

    Args:
        members: networks.
        width: units of each of the two hidden layers.
        features: that a network hands to its process.
        steps: of AdamW on the sources.
        learning_rate: at the start of their cosine schedule.
        held_out_steps: of AdamW for the hyperparameters, on the source that was left out.
        shots: examples that are looked at together there.
        fine_tuning_steps: of AdamW on the target; 0 conditions the processes as they are.
        fine_tuning_rate: their learning rate.
        source_examples: that are used of each source, drawn where there are more.
        transform: of the targets, those of each source by their own values.
    """

    transfer: ClassVar[bool] = True
    posterior_kind: ClassVar[Kind] = "moments"

    members: int = option(6, least=1, most=100)
    width: int = option(16, least=1, most=1024)
    features: int = option(8, least=1, most=256)
    steps: int = option(100, least=1, most=1_000_000)
    learning_rate: float = option(1e-2, least=1e-9, most=1.0)
    held_out_steps: int = option(40, least=0, most=1_000_000)
    shots: int = option(20, least=2, most=1000)
    fine_tuning_steps: int = option(10, least=0, most=1_000_000)
    fine_tuning_rate: float = option(2e-3, least=1e-9, most=1.0)
    source_examples: int = option(200, least=2, most=5_000)
    transform: str = "standardise"

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        check_transform(self.transform)
        for field in fields(self):
            check_option(self, field, getattr(self, field.name))

    def with_sources(self, sources: Sequence[Source], *, seed: int) -> _AfterSources:
        """What has learned of the sources and is fitted to targets."""
        known = sorted(enough(sources), key=lambda source: source.name)
        if not known:
            return _AfterSources(self, None, None)
        told = [some_of(source, self.source_examples, seed) for source in known]
        scaling = Scaling.of(torch.cat([source.X for source in told]))
        rng = np.random.default_rng([seed % 2**32, len(told), 2101_07667])
        examples = [(scaling(source.X), self._targets(source.y)) for source in told]
        tasks = Tasks.of(examples, self.members, rng)
        kernels = DeepKernels(self.members, told[0].X.shape[1], self.width, self.features)
        kernels.draw(torch.Generator().manual_seed(int(rng.integers(2**62))))
        meta_train(kernels, tasks, rng, steps=self.steps, learning_rate=self.learning_rate)
        fit_to_held_out(kernels, tasks, rng, steps=self.held_out_steps, shots=self.shots)
        return _AfterSources(self, kernels, scaling)

    def fit(self, X: Tensor, y: Tensor, *, seed: int, sources: Sequence[Source] = ()) -> Model:
        """Fit to ``X`` (``n x d``) and ``y`` (``n x 1``), with what is known of other tasks."""
        with standard_numerics():
            return self.with_sources(sources, seed=seed).fit(X, y, seed=seed)

    def _targets(self, y: Tensor) -> Tensor:
        values = fit_inner_transform(self.transform, y).forward(y)
        return torch.from_numpy(rounded(values.numpy()))


@dataclass(frozen=True)
class Scaling:
    """From the ranges of the sources to the unit cube, centred on their mean.

    Attributes:
        low: of each column, ``d``.
        width: of its range; 1 where the sources have one value.
        centre: mean on the unit cube.
        varies: whether there is more than one value.
    """

    low: Tensor
    width: Tensor
    centre: Tensor
    varies: Tensor

    @classmethod
    def of(cls, X: Tensor) -> Scaling:
        """From inputs ``n x d``."""
        low, width = X.amin(dim=0), X.amax(dim=0) - X.amin(dim=0)
        varies = width > 0
        width = torch.where(varies, width, torch.ones_like(width))
        return cls(low, width, ((X - low) / width).mean(dim=0), varies)

    def __call__(self, X: Tensor) -> Tensor:
        """Scaled inputs, ``... x d``."""
        return (X - self.low) / self.width - self.centre

    def completed(self, X: Tensor) -> Scaling:
        """With the ranges of ``X`` (``n x d``) for columns in which the sources do not vary."""
        own = Scaling.of(X)
        low, width, centre = (
            torch.where(self.varies, ours, theirs)
            for ours, theirs in (
                (self.low, own.low),
                (self.width, own.width),
                (self.centre, own.centre),
            )
        )
        return Scaling(low, width, centre, self.varies | own.varies)


@dataclass(frozen=True)
class _AfterSources:
    """Networks that have learned of the sources."""

    recipe: FewShotDeepKernel
    kernels: DeepKernels | None
    scaling: Scaling | None

    @standard_numerics()
    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Model:
        """Fit to ``X`` (``n x d``) and ``y`` (``n x 1``)."""
        recipe = self.recipe
        if self.kernels is None or self.scaling is None:
            of_targets: Any = recipe.transform
            return ExactGP(transform=of_targets).fit(X, y, seed=seed)
        X, y = canonical_rows(X, y)
        transform = fit_inner_transform(recipe.transform, y)
        targets = torch.from_numpy(rounded(transform.forward(y).squeeze(-1).numpy()))
        kernels, scaling = self.kernels.copy(), self.scaling.completed(X)
        if bool((targets != targets[0]).any()):
            rng = np.random.default_rng([seed % 2**32, len(y), 2101_07667])
            steps, rate = recipe.fine_tuning_steps, recipe.fine_tuning_rate
            fine_tune(kernels, scaling(X), targets, rng, steps=steps, learning_rate=rate)
        return transform.wrap(DeepProcesses(kernels, scaling, X, targets))


class DeepProcesses(MarginalModel):
    """The members conditioned on the examples of the target, averaged.

    Mean and covariance are those of the mixture: the mean covariance of the members, and the
    covariance of their means.

    Args:
        kernels: networks and hyperparameters.
        scaling: of the inputs.
        X: inputs of the examples, ``n x d``.
        y: their targets, ``n``.
    """

    settled = True

    def __init__(self, kernels: DeepKernels, scaling: Scaling, X: Tensor, y: Tensor) -> None:
        super().__init__()
        self.kernels, self.scaling = kernels, scaling
        with torch.no_grad():
            self._examples = self._points(X)
            K = covariance(kernels.hyperparameters, self._examples, self._examples)
            noise = kernels.noise()[:, None].expand(-1, len(y))
            self._factor = torch.linalg.cholesky(K + torch.diag_embed(noise))
            residual = (y - self._examples.level)[..., None]
            self._alpha = torch.cholesky_solve(residual, self._factor)

    @property
    def noise(self) -> float:
        """Variance of an observation around the function."""
        return float(self.kernels.noise().mean())

    def marginals(self, X: Tensor, observation_noise: bool) -> tuple[Tensor, Tensor]:
        """Means and variances at ``X`` (``m x d``), each ``m``."""
        with standard_numerics(), torch.no_grad():
            asked = self._points(X)
            means, explained = self._conditioned(asked)
            prior = prior_variance(self.kernels.hyperparameters, asked)
            within = (prior - explained.square().sum(dim=-2)).mean(dim=0)
            variance = within + means.var(dim=0, unbiased=False)
            if observation_noise:
                variance = variance + self.noise
            return means.mean(dim=0), variance.clamp_min(_LEAST_VARIANCE)

    def _points(self, X: Tensor) -> Points:
        """What every network says of ``X`` (``m x d``)."""
        scaled = self.scaling(X.to(torch.float64))
        return Points.of(self.kernels, scaled.expand(self.kernels.members, *scaled.shape))

    def _conditioned(self, asked: Points) -> tuple[Tensor, Tensor]:
        """Means ``e x m``, and what squares to the variance that examples take, ``e x n x m``."""
        cross = covariance(self.kernels.hyperparameters, self._examples, asked)
        means = asked.level + (cross * self._alpha).sum(dim=-2)
        return means, torch.linalg.solve_triangular(self._factor, cross, upper=False)

    def _posterior_at(self, X: Tensor, observation_noise: bool | Tensor) -> Any:
        with standard_numerics(gradients=False):
            *batch, q, _ = X.shape
            flat = self._points(X.reshape(-1, X.shape[-1]))
            means, explained = self._conditioned(flat)
            members = self.kernels.members
            means = means.reshape(members, *batch, q)
            shape = (members, *batch, q)
            grouped = Points(
                flat.X.reshape(*shape, -1),
                flat.features.reshape(*shape, -1),
                flat.level.reshape(shape),
            )
            explained = explained.mT.reshape(*shape, -1)
            within = covariance(self.kernels.hyperparameters, grouped, grouped)
            within = (within - explained @ explained.mT).mean(dim=0)
            mean = means.mean(dim=0)
            centred = (means - mean).movedim(0, -1)
            joint = within + centred @ centred.mT / members
            if isinstance(observation_noise, Tensor):
                joint = joint + torch.diag_embed(observation_noise.reshape(mean.shape))
            elif observation_noise:
                joint = joint + self.noise * torch.eye(q, dtype=joint.dtype)
            return GPyTorchPosterior(MultivariateNormal(mean, joint))
