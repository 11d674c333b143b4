"""The predictive distribution of an observation at each of many points, and its scores.

Every model answers in the same way: normal marginals (for ensembles, with the mixture's mean and
variance), sent through the inverse target transform where there is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from botorch.models import SingleTaskGP
from botorch.models.model import Model
from scipy.linalg.blas import dtrmm
from scipy.linalg.lapack import dtrtri
from scipy.special import ndtr, ndtri
from torch import Tensor

from surrobench.arrays import FloatArray
from surrobench.base.process_state import standard_numerics
from surrobench.base.wording import counted
from surrobench.metrics.calibration import normal_crps
from surrobench.predictors.composed import MappedInputs, MarginalModel
from surrobench.predictors.gp.dense_covariance import covariance_with, prior_variance
from surrobench.predictors.gp.dense_posterior import is_plain
from surrobench.predictors.gp.fitted_gp import FittedGP, leaves_alone
from surrobench.predictors.gp.tiled_gp import TiledGP
from surrobench.predictors.models import LEAST_ROWS, EnsembleModel
from surrobench.predictors.sparse_gp.model import SparseModel
from surrobench.predictors.transforms import Affine, AffineModel, WarpedModel
from surrobench.predictors.warp import Warp

_LEAST_DEVIATION = 1e-9
_TINIEST = 1e-150
_DENSE_ROWS = 512


@dataclass(frozen=True)
class Predictive:
    """Marginal distributions of observations at ``m`` points, in units of the targets.

    Attributes:
        mean: means, ``m``.
        std: standard deviations, ``m``, positive.
        median: medians, ``m``; the point prediction for ranks and absolute errors.
    """

    mean: FloatArray
    std: FloatArray
    median: FloatArray
    _centre: FloatArray = field(repr=False)
    _scale: FloatArray = field(repr=False)
    _warp: Warp | None = field(repr=False, default=None)

    @classmethod
    def normal(cls, mean: FloatArray, std: FloatArray) -> Predictive:
        """Normal marginals with these means and positive standard deviations, each ``m``."""
        return cls(mean, std, mean, mean, std)

    def quantile(self, p: npt.ArrayLike) -> FloatArray:
        """Quantiles at probabilities ``p`` (``k``, each inside (0, 1)), ``m x k``."""
        probabilities = np.atleast_1d(np.asarray(p, dtype=np.float64))
        if not np.all((probabilities > 0.0) & (probabilities < 1.0)):
            raise ValueError(f"probabilities must lie between 0 and 1; got {probabilities}.")
        scores = self._centre[:, None] + self._scale[:, None] * ndtri(probabilities)
        return scores if self._warp is None else _numpy(self._warp(torch.from_numpy(scores)))

    def cdf(self, y: npt.ArrayLike) -> FloatArray:
        """Distribution functions at ``y`` (``m``): the probability integral transform."""
        score, _ = self._scores(y)
        below: FloatArray = ndtr(score)
        return below

    def log_density(self, y: npt.ArrayLike) -> FloatArray:
        """Log densities at ``y`` (``m``), in units of 1 / target.

        Behind a warp, the density of a target between two training targets depends on their gap; at
        a training target it is the mean of both sides.
        """
        score, slope = self._scores(y)
        density: FloatArray = (
            np.log(slope) - np.log(self._scale) - 0.5 * (score**2 + math.log(2.0 * math.pi))
        )
        return density

    def crps(self, y: npt.ArrayLike) -> FloatArray:
        """Continuous ranked probability scores at ``y`` (``m``), in units of the targets.

        Smaller is better; a point prediction scores its absolute error. In closed form, for the
        normal (Gneiting and Raftery 2007) and behind a warp (see :meth:`~.warp.Warp.crps`).
        """
        if self._warp is not None:
            parts = (self._centre, self._scale, self._targets(y))
            return _numpy(self._warp.crps(*(torch.from_numpy(part) for part in parts)))
        return normal_crps(self._scores(y)[0], self._scale)

    def _targets(self, y: npt.ArrayLike) -> FloatArray:
        targets = np.array(np.broadcast_to(np.asarray(y, dtype=np.float64), self.mean.shape))
        if not np.all(np.isfinite(targets)):
            raise ValueError("the targets to score against must be finite.")
        return targets

    def _scores(self, y: npt.ArrayLike) -> tuple[FloatArray, FloatArray | float]:
        """Standard scores of the targets, and the slope of the inverse warp there."""
        targets = self._targets(y)
        if self._warp is None:
            return (targets - self._centre) / self._scale, 1.0
        tensor = torch.from_numpy(targets)
        latent = _numpy(self._warp.inverse(tensor))
        return (latent - self._centre) / self._scale, _numpy(self._warp.inverse_slope(tensor))


def predict(model: Model, X: Tensor, *, chunk: int | None = None) -> Predictive:
    """Predictive distribution of observations (function plus noise) at ``X`` (``m x d``).

    Exact Gaussian processes are evaluated directly (one Cholesky factorisation, then products with
    its inverse); this equals ``model.posterior`` and is several times as fast. So do forests over a
    pool that is nearly a grid, by sums over leaves instead of walks through trees, to about 1e-12
    of the targets' range and variance. Memory is bounded by ``chunk`` points at a time.

    Args:
        model: a fitted model with one output.
        X: where.
        chunk: points at a time; by default 2,048, more for ensembles of few members and for exact
            processes, which look at few of them at a time by themselves, and all for such forests.

    Raises:
        ValueError: if the model answers in another shape or not with finite numbers.
    """
    if X.ndim != 2:
        raise ValueError(f"X must have the shape m x d; got {tuple(X.shape)}.")
    warp = None
    if isinstance(model, MappedInputs):
        X = model.inputs(X)
        model = model.base
    if isinstance(model, WarpedModel):
        warp, model = model.warp, model.base
    with torch.no_grad():
        centre, variance = _moments(model, X, chunk)
        _check(centre, variance)
        # A certain prediction keeps a deviation that its scores can be divided by.
        least = (_LEAST_DEVIATION * centre.abs()).clamp_min(_TINIEST)
        scale = torch.maximum(variance.clamp_min(0.0).sqrt(), least)
        if warp is None:
            return Predictive.normal(_numpy(centre), _numpy(scale))
        mean, variance = warp.moments(centre, scale)
        _check(mean, variance)
        std, median = _numpy(variance.sqrt()), _numpy(warp(centre))
    return Predictive(_numpy(mean), std, median, _numpy(centre), _numpy(scale), warp)


def _moments(model: Model, X: Tensor, chunk: int | None) -> tuple[Tensor, Tensor]:
    """Mean and variance of observations, each ``m``."""
    if len(X) == 0:
        return X.new_zeros(0), X.new_zeros(0)
    affine = model.transform if isinstance(model, AffineModel) else None
    bare = model.base if isinstance(model, AffineModel) else model
    inputs = X
    if isinstance(bare, MappedInputs):
        inputs = bare.inputs(X)
        bare = bare.base
    if chunk is None and isinstance(bare, EnsembleModel):
        pooled = bare.pooled_moments(inputs)
        if pooled is not None:
            return _scaled_back(*pooled, affine)
    direct = _direct(bare)
    if direct is None:
        inputs = X
    ask = direct or partial(_posterior_moments, model)
    if chunk is None:
        chunk = LEAST_ROWS
        if isinstance(bare, EnsembleModel):
            chunk = bare.rows_at_once
        elif isinstance(direct, DenseGP):
            chunk = direct.rows_at_once
    means, variances = zip(*map(ask, inputs.split(chunk)), strict=True)
    mean, variance = torch.cat(means).to(torch.float64), torch.cat(variances).to(torch.float64)
    return (mean, variance) if direct is None else _scaled_back(mean, variance, affine)


def _scaled_back(mean: Tensor, variance: Tensor, affine: Any) -> tuple[Tensor, Tensor]:
    """Moments of a bare model in the units of the affine transform around it, if there is one."""
    mean, variance = mean.to(torch.float64), variance.to(torch.float64)
    if not isinstance(affine, Affine):
        return mean, variance
    return affine.backward(mean), variance * affine.scale**2


def _direct(model: Model) -> Callable[[Tensor], tuple[Tensor, Tensor]] | None:
    """Mean and variance of observations without a joint posterior, where there is such a way."""
    if isinstance(model, MarginalModel):
        return partial(model.marginals, observation_noise=True)
    return quick_gp(model)


def _posterior_moments(model: Model, X: Tensor) -> tuple[Tensor, Tensor]:
    # BoTorch's type of posteriors declares no moments.
    posterior: Any = model.posterior(X, observation_noise=True)
    mean, variance = posterior.mean, posterior.variance
    if mean.shape != (len(X), 1) or variance.shape != (len(X), 1):
        raise ValueError(
            f"the model answered {counted(len(X), 'point')} with a mean of shape "
            f"{tuple(mean.shape)} and a "
            f"variance of shape {tuple(variance.shape)}; expected {(len(X), 1)}."
        )
    return mean.squeeze(-1), variance.squeeze(-1)


def _check(mean: Tensor, variance: Tensor) -> None:
    for name, values in (("mean", mean), ("variance", variance)):
        wrong = int((~torch.isfinite(values)).sum())
        if wrong:
            where = f"at {wrong} of {counted(len(mean), 'point')}"
            raise ValueError(f"the predicted {name} is not finite {where}.")
    # Rounding may leave a certain prediction slightly negative; anything more is a wrong model.
    size = variance.abs().amax() if len(variance) else variance.sum()
    negative = variance < -1e-6 * (size + mean.square())
    if bool(negative.any()):
        raise ValueError(
            f"the predicted variance is negative at {counted(int(negative.sum()), 'point')}."
        )


def _numpy(values: Tensor) -> FloatArray:
    array: FloatArray = values.detach().cpu().numpy()
    return array


def quick_gp(model: Model) -> Callable[[Tensor], tuple[Tensor, Tensor]] | None:
    """Marginal predictions of a Gaussian process of ours by plain linear algebra, else None.

    Also ``None`` if the training covariance needs more than the model's noise to be positive
    definite; GPyTorch then chooses the jitter.
    """
    if isinstance(model, SparseModel):
        return model.marginals().observed
    if not is_plain(model) or type(model) not in (SingleTaskGP, FittedGP):
        return None
    model.eval()
    return TiledGP.of(model) or DenseGP.of(model)


class DenseGP:
    """Marginal predictions of an exact Gaussian process by plain linear algebra."""

    rows_at_once = 2**14

    def __init__(
        self, model: SingleTaskGP, covariance: Callable[[Tensor], Tensor], factor: Tensor
    ) -> None:
        """Take a model in evaluation mode.

        Args:
            model: the process.
            covariance: of points (``k x d``) with its ``n`` examples, ``k x n``.
            factor: of the covariance of its examples with their noise, ``n x n``.
        """
        self.model, self.covariance = model, covariance
        self.noise = model.likelihood.noise.detach()
        inputs = model.train_inputs[0].detach()
        residual = model.train_targets - model.mean_module(inputs).detach()
        weights = torch.cholesky_solve(residual.unsqueeze(-1), factor)
        self.weights = weights.squeeze(-1).numpy()
        self.inverse, _ = dtrtri(factor.numpy(), lower=1)

    @classmethod
    @standard_numerics()
    def of(cls, model: SingleTaskGP) -> DenseGP | None:
        """For a plain process in evaluation mode; ``None`` if its covariance needs jitter."""
        inputs = model.train_inputs[0].detach()
        covariance = covariance_with(model.covar_module, inputs)
        training = covariance(inputs)
        training.diagonal().add_(model.likelihood.noise.detach())
        factor, failed = torch.linalg.cholesky_ex(training)
        return None if bool(failed) else cls(model, covariance, factor)

    @standard_numerics()
    def __call__(self, X: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of observations at ``X`` (``m x d``), each ``m``."""
        Z = X if leaves_alone(self.model) else self.model.transform_inputs(X)
        shifts, explained = np.empty(len(Z)), np.empty(len(Z))
        # Few rows at a time, so that their covariances stay in the cache.
        for low in range(0, len(Z), _DENSE_ROWS):
            part = slice(low, low + _DENSE_ROWS)
            cross = self.covariance(Z[part]).numpy()
            np.matmul(cross, self.weights, out=shifts[part])
            # Transposed, covariances are in the order of LAPACK and are multiplied in place.
            solved = dtrmm(1.0, self.inverse, cross.T, lower=1, overwrite_b=1)
            np.einsum("ij,ij->j", solved, solved, out=explained[part])
        mean = self.model.mean_module(Z).detach() + torch.from_numpy(shifts)
        variance = prior_variance(self.model.covar_module, Z) + self.noise
        variance -= torch.from_numpy(explained)
        outcome = getattr(self.model, "outcome_transform", None)
        if outcome is None:
            return mean, variance
        shift, scale = outcome.means.squeeze(), outcome.stdvs.squeeze()
        return mean * scale + shift, variance * scale.square()
