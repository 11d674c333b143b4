"""BoTorch models for predictors that are not Gaussian processes: ensembles and moments.

Both answer through ``posterior`` in the shapes of BoTorch (``batch x q x 1``), so that analytic and
Monte-Carlo acquisition functions treat them like a Gaussian process.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from botorch.models.model import Model
from botorch.posteriors.ensemble import EnsemblePosterior
from botorch.posteriors.gpytorch import GPyTorchPosterior
from botorch.posteriors.posterior import Posterior
from botorch.sampling.base import MCSampler
from botorch.sampling.get_sampler import GetSampler
from gpytorch.distributions import MultivariateNormal
from linear_operator.operators import DiagLinearOperator
from torch import Tensor

from surrobench.base.process_state import standard_numerics

MIN_VARIANCE = 1e-9
"""Variances are never smaller than this, in squared units of the model's targets."""

LEAST_ROWS = 2048
_CACHED_ANSWERS = 2**20

Members = Callable[[Tensor], Tensor | tuple[Tensor, Tensor]]
"""From ``n x d`` inputs to the members' means ``s x n``, or to means and variances."""

PooledMoments = Callable[[Tensor], tuple[Tensor, Tensor] | None]
"""From ``n x d`` inputs to mean and variance of the mixture, each ``n``; ``None``: no quick way."""

Moments = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From ``n x d`` inputs to mean and standard deviation, each ``n``."""


class MembersPosterior(EnsemblePosterior):
    """A mixture of ensemble members with equal weights.

    A sample is one member as a function of the inputs. A member with a variance of its own is
    displaced by one standard score of that deviation at all points alike, so that identical
    candidates get identical samples.

    Args:
        values: means of the members, ``batch x s x q x 1``.
        variances: variances within the members, of the same shape, or ``None`` for zero.
        floor: the smallest variance that is reported.
    """

    def __init__(
        self, values: Tensor, variances: Tensor | None = None, floor: float = MIN_VARIANCE
    ) -> None:
        super().__init__(values)
        self.variances = variances
        self.floor = floor

    @property
    def mean(self) -> Tensor:
        """Mean of the mixture, ``batch x q x 1``."""
        return self.values.mean(dim=-3)

    @property
    def variance(self) -> Tensor:
        """Variance of the mixture by the law of total variance, ``batch x q x 1``."""
        # In two passes, which is several times as fast as torch's one.
        deviations = self.values - self.values.mean(dim=-3, keepdim=True)
        variance = deviations.square_().mean(dim=-3)
        if self.variances is not None:
            variance = variance + self.variances.mean(dim=-3)
        return variance.clamp_min(self.floor)

    def rsample(self, sample_shape: torch.Size | None = None) -> Tensor:
        """Samples ``sample_shape x batch x q x 1``: a random member (and score) for each."""
        shape = sample_shape if sample_shape else torch.Size([1])
        drawn = shape + self.batch_shape
        members = torch.randint(self.ensemble_size, drawn, device=self.device)
        scores = torch.randn(drawn, dtype=self.dtype, device=self.device)
        return self._sample(members, scores)

    def rsample_from_base_samples(self, sample_shape: torch.Size, base_samples: Tensor) -> Tensor:
        """Samples of the members named by ``base_samples``, each at its fixed standard score.

        Args:
            sample_shape: shape of the samples to draw.
            base_samples: member indices of shape ``sample_shape`` (the same for every batch
                element) or ``sample_shape x batch``.
        """
        members = base_samples
        if members.shape == sample_shape:
            members = members.reshape(sample_shape + (1,) * len(self.batch_shape))
            members = members.expand(sample_shape + self.batch_shape)
        if members.shape != sample_shape + self.batch_shape:
            raise ValueError(
                f"base samples of shape {tuple(base_samples.shape)} fit neither the sample shape "
                f"{tuple(sample_shape)} nor that with the batch {tuple(self.batch_shape)}."
            )
        return self._sample(members, spread_scores(self.ensemble_size).to(self.values)[members])

    def _sample(self, members: Tensor, scores: Tensor) -> Tensor:
        """Members picked and displaced; both arguments are ``sample_shape x batch``."""
        index = members[..., None, None, None].expand(*members.shape, 1, *self.values.shape[-2:])
        means = _pick(self.values, index)
        if self.variances is None:
            return means
        return means + _pick(self.variances, index).sqrt() * scores[..., None, None]


def _pick(values: Tensor, index: Tensor) -> Tensor:
    """Gather members (dimension -3) of ``batch x s x q x 1`` for every sample."""
    lead = index.ndim - values.ndim
    expanded = values.expand(*index.shape[:lead], *values.shape)
    return expanded.gather(-3, index).squeeze(-3)


def spread_scores(members: int) -> Tensor:
    """Fixed standard scores of ``s`` members: mean 0, variance 1, unrelated to their order."""
    if members == 1:
        return torch.zeros(1, dtype=torch.float64)
    # A golden-ratio sequence is spread evenly over (0, 1) however it is cut.
    uniform = torch.frac((torch.arange(members, dtype=torch.float64) + 0.5) * 0.6180339887498949)
    scores = torch.special.ndtri(uniform.clamp(1e-6, 1 - 1e-6))
    return (scores - scores.mean()) / scores.std(unbiased=False)


class EachMemberSampler(MCSampler):
    """Uses each ensemble member exactly once: the Monte-Carlo average is the mixture's mean."""

    def forward(self, posterior: Posterior) -> Tensor:
        """Samples ``s x batch x q x 1``."""
        members = torch.arange(self.sample_shape.numel()).reshape(self.sample_shape)
        return posterior.rsample_from_base_samples(self.sample_shape, members)

    def _update_base_samples(self, posterior: Posterior, base_sampler: MCSampler) -> None:
        """Nothing to keep: the members are always the same."""


def _each_member_sampler(
    posterior: MembersPosterior, sample_shape: torch.Size, *, seed: int | None = None
) -> EachMemberSampler:
    # The seed is given because BoTorch would draw one from the global generator.
    return EachMemberSampler(torch.Size([posterior.ensemble_size]), seed=seed or 0)


GetSampler.register(MembersPosterior)(_each_member_sampler)


class OneOutput(Model):
    """A model of a single function."""

    @property
    def num_outputs(self) -> int:
        """Always 1."""
        return 1

    @property
    def batch_shape(self) -> torch.Size:
        """Always empty: one model, not a batch of them."""
        return torch.Size([])

    def posterior(
        self,
        X: Tensor,
        output_indices: list[int] | None = None,
        observation_noise: bool | Tensor = False,
        posterior_transform: Any = None,
    ) -> Any:
        """Posterior at ``X`` (``batch x q x d``), with values ``batch x q x 1``.

        Args:
            X: inputs.
            output_indices: nothing or ``[0]``.
            observation_noise: whether to add the model's noise variance, or a variance to add.
            posterior_transform: applied to the posterior.

        Raises:
            ValueError: for outputs that the model does not have.
        """
        check_one_output(output_indices)
        found = self._posterior_at(X, observation_noise)
        return found if posterior_transform is None else posterior_transform(found)

    def _posterior_at(self, X: Tensor, observation_noise: bool | Tensor) -> Any:
        raise NotImplementedError


def check_one_output(output_indices: list[int] | None) -> None:
    """Refuse other outputs than the only one that a model has.

    Raises:
        ValueError: for anything but nothing and ``[0]``.
    """
    if output_indices is not None and list(output_indices) != [0]:
        raise ValueError(f"output_indices {output_indices}: the model has one output.")


class PointwiseModel(OneOutput):
    """What the two models share: one output, no batches, inputs flattened to ``n x d``.

    Attributes:
        settled: whether they answer alike whatever is set in the process that asks.
    """

    settled = False

    def __init__(self, noise: float, floor: float) -> None:
        super().__init__()
        if not (noise >= 0 and floor > 0):
            raise ValueError(f"noise {noise} must be >= 0 and floor {floor} > 0.")
        self.noise = float(noise)
        self.floor = float(floor)

    def _posterior_at(self, X: Tensor, observation_noise: bool | Tensor) -> Posterior:
        noise: float | Tensor = 0.0
        if isinstance(observation_noise, Tensor):
            noise = observation_noise
        elif observation_noise:
            noise = self.noise
        with standard_numerics() if self.settled else nullcontext():
            return self._marginals_at(X, noise)

    def _marginals_at(self, X: Tensor, noise: float | Tensor) -> Posterior:
        raise NotImplementedError


class EnsembleModel(PointwiseModel):
    """An ensemble: the posterior is the mixture of its members.

    Mean and variance follow the law of total variance; Monte-Carlo acquisition functions use each
    member exactly once.

    Args:
        members: from ``n x d`` inputs to the members' means ``s x n``, or to a pair of means and
            variances within the members, each ``s x n``.
        noise: variance of an observation around the function.
        floor: the smallest variance that is reported.
        size: number of members, as far as it is known; it decides how many points at a time.
        pooled: a quicker way to the mixture's moments without noise, where the members are not
            asked for one by one.
    """

    def __init__(
        self,
        members: Members,
        noise: float = 0.0,
        floor: float = MIN_VARIANCE,
        *,
        size: int = 512,
        pooled: PooledMoments | None = None,
    ) -> None:
        super().__init__(noise, floor)
        self.members = members
        self.size = size
        self._pooled = pooled

    @property
    def rows_at_once(self) -> int:
        """Points to ask about at a time: few calls, and answers that stay near the processor."""
        return max(LEAST_ROWS, _CACHED_ANSWERS // self.size)

    def pooled_moments(self, X: Tensor) -> tuple[Tensor, Tensor] | None:
        """Mean and variance of observations at ``X`` (``n x d``), each ``n``, as of the posterior.

        ``None`` unless there is a quicker way to them than the answers of all members.
        """
        if self._pooled is None:
            return None
        with standard_numerics() if self.settled else nullcontext():
            found = self._pooled(X)
        if found is None:
            return None
        mean, variance = found
        return mean.to(X), (variance + self.noise).clamp_min(self.floor).to(X)

    def _marginals_at(self, X: Tensor, noise: float | Tensor) -> MembersPosterior:
        predicted = self.members(X.reshape(-1, X.shape[-1]))
        means, within = predicted if isinstance(predicted, tuple) else (predicted, None)
        values = _batched(means, X)
        variances = None if within is None else _batched(within, X)
        if isinstance(noise, Tensor):
            noise = noise.unsqueeze(-3)
        if isinstance(noise, Tensor) or noise > 0:
            added = torch.as_tensor(noise, dtype=values.dtype, device=values.device)
            variances = added.expand_as(values) if variances is None else variances + added
        return MembersPosterior(values, variances, self.floor)


def _batched(values: Tensor, X: Tensor) -> Tensor:
    """From ``s x n`` to ``batch x s x q x 1`` for inputs ``batch x q x d``."""
    return values.reshape(-1, *X.shape[:-1]).movedim(0, -2).unsqueeze(-1).to(X)


class MomentsModel(PointwiseModel):
    """Independent normals: a mean and a standard deviation at each input.

    Args:
        moments: from ``n x d`` inputs to mean and standard deviation, each ``n``.
        noise: variance of an observation around the function.
        floor: the smallest variance that is reported.
    """

    def __init__(self, moments: Moments, noise: float = 0.0, floor: float = MIN_VARIANCE) -> None:
        super().__init__(noise, floor)
        self.moments = moments

    def _marginals_at(self, X: Tensor, noise: float | Tensor) -> GPyTorchPosterior:
        mean, std = self.moments(X.reshape(-1, X.shape[-1]))
        variance = std.reshape(X.shape[:-1]).to(X).square()
        variance = variance + (noise.squeeze(-1) if isinstance(noise, Tensor) else noise)
        covariance = DiagLinearOperator(variance.clamp_min(self.floor))
        return GPyTorchPosterior(MultivariateNormal(mean.reshape(X.shape[:-1]).to(X), covariance))
