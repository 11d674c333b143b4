"""Transforms of the targets, and models that answer in the original units again.

NAS accuracies are heavy-tailed: a few architectures fail, most crowd below the best. A Gaussian
model of raw accuracies spends itself on the failures. ``quantile-normal`` replaces targets by the
normal scores of their ranks; the fitted model's posterior then goes back through the inverse map.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt
import torch
from botorch.models.model import Model
from botorch.posteriors.gpytorch import GPyTorchPosterior
from botorch.posteriors.posterior import Posterior
from botorch.posteriors.transformed import TransformedPosterior
from gpytorch.distributions import MultivariateNormal
from linear_operator import to_linear_operator
from torch import Tensor

from surrobench.errors import UserError, did_you_mean
from surrobench.predictors.warp import Warp

TargetTransform = Literal["none", "standardise", "quantile-normal"]

_LEAST_SPREAD = 1e-12
_LEAST_SHARE = 1e-10
_TINIEST = 1e-150
RESOLVED = 1e-9
"""Targets closer than this share of their median absolute deviation are equal but for noise."""
ROUNDING = 1e-12
"""So are those closer than this share of their median: floating point has done that."""


class FittedTransform(Protocol):
    """A transform whose constants were learned from training targets."""

    def forward(self, y: Tensor) -> Tensor:
        """Transform targets, ``n x 1`` to ``n x 1``."""
        ...

    def wrap(self, model: Model) -> Model:
        """Turn a model of transformed targets into one in units of the originals."""
        ...


def check_transform(name: str) -> None:
    """Refuse an unknown name.

    Raises:
        UserError: with the nearest valid names.
    """
    valid = get_args(TargetTransform)
    if name not in valid:
        raise UserError(f"unknown target transform {name!r}. " + did_you_mean(name, valid))


def fit_transform(name: str, y: Tensor) -> FittedTransform:
    """Learn a transform from training targets.

    * ``"none"``: as they are (see :func:`fit_inner_transform`).
    * ``"standardise"``: subtract the mean, divide by the standard deviation (``n - 1`` below; 1 for
      a single or constant target).
    * ``"quantile-normal"``: normal scores of ``(rank - 1/2) / n``, ties averaged; targets that
      differ by rounding noise alone (:data:`RESOLVED`, :data:`ROUNDING`) are ties. The inverse is
      linear between the means of blocks of about the cube root of ``n`` neighbouring targets, with
      the tails of :class:`~.warp.Warp` beyond (see :class:`QuantileNormal`).

    Args:
        name: which.
        y: ``n x 1``, finite, ``n`` at least 1.

    Raises:
        UserError: for an unknown name.
        ValueError: for targets of another shape or not finite.
    """
    check_transform(name)
    if y.ndim != 2 or y.shape[1] != 1 or len(y) == 0:
        raise ValueError(f"targets must have the shape n x 1 with n > 0; got {tuple(y.shape)}.")
    if not np.isfinite(y.detach().cpu().numpy()).all():
        raise ValueError("targets must be finite.")
    if name == "none":
        return Identity()
    if name == "standardise":
        return Affine(float(y.mean()), std_of(y))
    return QuantileNormal.learn(y)


def fit_inner_transform(name: str, y: Tensor) -> FittedTransform:
    """What a built-in predictor fits to: as :func:`fit_transform`, but never in units of the task.

    Penalties, steps and least variances are numbers; only with targets of variance 1 do they mean
    the same for a latency in seconds as for an accuracy in percent. So ``"none"``, which leaves the
    shape of the targets alone, is standardised inside.
    """
    return fit_transform("standardise" if name == "none" else name, y)


def least_std(y: Tensor) -> float:
    """Deviations below this are those of a constant: rounding, next to the size of the targets."""
    return max(_LEAST_SPREAD * float(y.detach().abs().max()), _TINIEST)


def std_of(y: Tensor) -> float:
    """Standard deviation of targets (``n - 1`` below); 1 if there is one, or all are equal."""
    std = float(y.std()) if len(y) > 1 else 0.0
    return std if std >= least_std(y) else 1.0


@dataclass(frozen=True)
class Identity:
    """Leaves targets and models as they are."""

    def forward(self, y: Tensor) -> Tensor:
        """``y`` itself."""
        return y

    def wrap(self, model: Model) -> Model:
        """``model`` itself."""
        return model


@dataclass(frozen=True)
class Affine:
    """``z = (y - mean) / scale``."""

    mean: float
    scale: float

    def forward(self, y: Tensor) -> Tensor:
        """Shift and scale."""
        return (y - self.mean) / self.scale

    def backward(self, z: Tensor) -> Tensor:
        """Scale and shift back."""
        return z * self.scale + self.mean

    def wrap(self, model: Model) -> Model:
        """Scale the posterior back."""
        return AffineModel(model, self)


@dataclass(frozen=True)
class QuantileNormal:
    """Normal scores of ranks; :attr:`warp` maps them back to targets.

    A gap between two neighbouring targets of a sample says little about the density there: its log
    is off by Euler's constant on average. A warp with a knot at every target therefore pays about
    0.3 nats a test point for spurious structure. Its knots are the means of blocks of neighbours
    instead (their number, the cube root of ``n``, was chosen on TransNAS-Bench-101 and HAT), and
    the smallest and the largest target.

    Attributes:
        scores: of the distinct training targets, ascending, ``k``.
        distinct: these targets, ``k``: means of those that are closer than targets resolve.
        counts: how many targets each of them stands for, ``k``.
        closest: how close targets are merged.
    """

    scores: Tensor
    distinct: Tensor
    counts: Tensor
    closest: float = 0.0

    @classmethod
    def learn(cls, y: Tensor) -> QuantileNormal:
        """From targets ``n x 1``."""
        values, repeats = np.unique(y.detach().numpy(), return_counts=True)
        closest = _noise(y.detach().numpy())
        first = _starts(values, closest)
        counts = np.add.reduceat(repeats, first)
        distinct = np.add.reduceat(values * repeats, first) / counts
        distinct = np.where(counts == repeats[first], values[first], distinct)
        # The average rank of tied targets, less one half.
        middle = torch.from_numpy((counts.cumsum() - 0.5 * counts) / len(y))
        scores = _normal_quantile(middle).to(y)
        return cls(scores, torch.from_numpy(distinct).to(y), torch.from_numpy(counts), closest)

    @cached_property
    def warp(self) -> Warp:
        """From normal scores to targets; made when it is needed, as a search needs few."""
        z, y, counts = self.scores.numpy(), self.distinct.numpy(), self.counts.numpy()
        first = _blocks(counts, round(int(counts.sum()) ** (1 / 3)))
        sizes = np.add.reduceat(counts, first)
        knots, images = (np.add.reduceat(part * counts, first) / sizes for part in (z, y))
        # The ends of the sample stay: where several values were averaged, as knots of their own.
        several = np.diff(np.append(first, len(y))) > 1
        knots, images = (
            np.concatenate([part[:1][several[:1]], means, part[-1:][several[-1:]]])
            for part, means in ((z, knots), (y, images))
        )
        single = np.flatnonzero(~several) + int(several[0])
        knots[single], images[single] = z[first[~several]], y[first[~several]]
        return Warp(torch.from_numpy(knots), torch.from_numpy(images), 0.5 * self.closest)

    def forward(self, y: Tensor) -> Tensor:
        """Normal scores; exact for training targets, along the warp for others."""
        known, values = self.distinct.numpy(), y.detach().numpy()
        place = np.minimum(np.searchsorted(known, values - self.closest), len(known) - 1)
        if (np.abs(known[place] - values) <= self.closest).all():
            return torch.from_numpy(self.scores.numpy()[place])
        return self.warp.inverse(y)

    def backward(self, z: Tensor) -> Tensor:
        """Targets of normal scores."""
        return self.warp(z)

    def wrap(self, model: Model) -> Model:
        """Send the posterior through the warp."""
        return WarpedModel(model, self)


def _noise(y: npt.NDArray[np.float64]) -> float:
    """How far equal targets may differ: by medians, which single outliers do not move."""
    middle = float(np.median(y))
    return max(RESOLVED * float(np.median(np.abs(y - middle))), ROUNDING * abs(middle))


def _starts(values: npt.NDArray[np.float64], close: float) -> npt.NDArray[np.int_]:
    """Where, among ascending ``values``, those begin that differ by more than ``close``."""
    if not (np.diff(values) <= close).any():
        return np.arange(len(values))
    first = [0]
    for place in range(1, len(values)):
        if values[place] - values[first[-1]] > close:
            first.append(place)
    return np.array(first)


def _blocks(counts: npt.NDArray[np.int_], least: int) -> npt.NDArray[np.int_]:
    """Where blocks of neighbours with at least ``least`` targets each begin."""
    first, total = [0], 0
    for place, count in enumerate(counts.tolist()):
        if total >= least:
            first.append(place)
            total = 0
        total += count
    if total < least and len(first) > 1:
        first.pop()
    return np.array(first)


def _normal_quantile(p: Tensor) -> Tensor:
    return math.sqrt(2.0) * torch.erfinv(2.0 * p.to(torch.float64) - 1.0)


class _TransformedModel(Model):
    """A model of transformed targets, seen from the original units."""

    def __init__(self, base: Model, transform: Affine | QuantileNormal) -> None:
        super().__init__()
        self.base = base
        self.transform = transform

    @property
    def num_outputs(self) -> int:
        """As the base model's."""
        return int(self.base.num_outputs)

    @property
    def batch_shape(self) -> torch.Size:
        """As the base model's."""
        return self.base.batch_shape

    def posterior(
        self,
        X: Tensor,
        output_indices: list[int] | None = None,
        observation_noise: bool | Tensor = False,
        posterior_transform: Any = None,
    ) -> Posterior:
        """Posterior at ``X`` (``batch x q x d``) in the original units.

        Args:
            X: where.
            output_indices: passed on to the base model.
            observation_noise: passed on; a tensor is in the base model's units.
            posterior_transform: applied last.
        """
        posterior = self._back(
            self.base.posterior(
                X, output_indices=output_indices, observation_noise=observation_noise
            )
        )
        return posterior if posterior_transform is None else posterior_transform(posterior)

    def condition_on_observations(self, X: Tensor, Y: Tensor, **kwargs: Any) -> Model:
        """A model that has also seen ``Y`` (original units) at ``X``; the transform stays."""
        base = self.base.condition_on_observations(X, self.transform.forward(Y), **kwargs)
        return type(self)(base, self.transform)

    def _back(self, posterior: Posterior) -> Posterior:
        raise NotImplementedError


class AffineModel(_TransformedModel):
    """A model of standardised targets in the original units."""

    def __init__(self, base: Model, transform: Affine) -> None:
        super().__init__(base, transform)

    def _back(self, posterior: Posterior) -> Posterior:
        assert isinstance(self.transform, Affine)
        if isinstance(posterior, GPyTorchPosterior):
            return _scaled_normal(posterior, self.transform)
        return AffinePosterior(posterior, self.transform)


class WarpedModel(_TransformedModel):
    """A model of normal scores in the original units."""

    def __init__(self, base: Model, transform: QuantileNormal) -> None:
        super().__init__(base, transform)

    @property
    def warp(self) -> Warp:
        """From normal scores to targets."""
        assert isinstance(self.transform, QuantileNormal)
        return self.transform.warp

    def _back(self, posterior: Posterior) -> Posterior:
        return WarpedPosterior(posterior, self.warp)


def _scaled_normal(posterior: GPyTorchPosterior, affine: Affine) -> GPyTorchPosterior:
    normal = posterior.distribution
    covariance = to_linear_operator(normal.lazy_covariance_matrix) * affine.scale**2
    scaled = _ScaledNormal(affine.backward(normal.mean), covariance)
    scaled.least_variance = _LEAST_SHARE * affine.scale**2
    return GPyTorchPosterior(scaled)


class _ScaledNormal(MultivariateNormal):
    """A normal whose least variance is in units of the targets (GPyTorch's is 1e-10 in any)."""

    least_variance = 0.0

    @property
    def variance(self) -> Tensor:
        """Marginal variances."""
        diagonal = self.lazy_covariance_matrix.diagonal(dim1=-1, dim2=-2)
        return diagonal.view(self._extended_shape()).clamp_min(self.least_variance)


class _MappedPosterior(TransformedPosterior):
    """Samples of a base posterior sent through a map.

    BoTorch gives it the sampler of the base; samplers of ensembles look for the attributes below.
    """

    @property
    def base(self) -> Any:
        """The posterior of transformed targets (BoTorch's type declares no moments)."""
        return self._posterior

    @property
    def batch_shape(self) -> torch.Size:
        """As the base posterior's."""
        return self.base.batch_shape

    @property
    def ensemble_size(self) -> int:
        """Number of members of an ensemble."""
        return int(self.base.ensemble_size)

    @property
    def mixture_weights(self) -> Tensor:
        """Weights of the members of an ensemble."""
        return self.base.mixture_weights


class AffinePosterior(_MappedPosterior):
    """A posterior that is not normal, scaled and shifted."""

    def __init__(self, posterior: Posterior, affine: Affine) -> None:
        super().__init__(posterior, sample_transform=affine.backward)
        self.affine = affine

    @property
    def mean(self) -> Tensor:
        """Mean, ``batch x q x 1``; the base's variance is not worked out for it."""
        return self.affine.backward(self.base.mean)

    @property
    def variance(self) -> Tensor:
        """Variance, ``batch x q x 1``."""
        variance: Tensor = self.base.variance * self.affine.scale**2
        return variance


class WarpedPosterior(_MappedPosterior):
    """A posterior of normal scores sent through a warp.

    Samples are warped samples of the base. Mean, variance, quantiles and densities are those of the
    warped normal marginals with the base's mean and variance (an ensemble is matched in its
    moments). The median is a strictly increasing function of the base's mean.
    """

    def __init__(self, posterior: Posterior, warp: Warp) -> None:
        super().__init__(posterior, sample_transform=warp)
        self.warp = warp

    def _marginals(self) -> tuple[Tensor, Tensor]:
        return self.base.mean, self.base.variance.clamp_min(1e-16).sqrt()

    @property
    def mean(self) -> Tensor:
        """Mean of the warped marginals, ``batch x q x 1``."""
        return self.warp.moments(*self._marginals())[0]

    @property
    def variance(self) -> Tensor:
        """Variance of the warped marginals, ``batch x q x 1``."""
        return self.warp.moments(*self._marginals())[1]

    def quantile(self, value: Tensor) -> Tensor:
        """Quantiles at probabilities ``value`` (shape ``k``), ``k x batch x q x 1``."""
        mean, std = self._marginals()
        scores = _normal_quantile(value).to(mean).reshape(-1, *[1] * mean.ndim)
        return self.warp(mean + std * scores)

    def density(self, value: Tensor) -> Tensor:
        """Marginal densities at targets ``value`` (shape ``k``), ``k x batch x q x 1``."""
        mean, std = self._marginals()
        y = value.to(mean).reshape(-1, *[1] * mean.ndim)
        u = (self.warp.inverse(y) - mean) / std
        normal = torch.exp(-0.5 * u * u) / (std * math.sqrt(2.0 * math.pi))
        return normal * self.warp.inverse_slope(y)
