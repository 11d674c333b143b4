"""BoTorch's Monte-Carlo acquisition functions over a pool, with pending points."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.acquisition.logei import (
    TAU_RELU,
    qLogExpectedImprovement,
    qLogNoisyExpectedImprovement,
)
from botorch.acquisition.monte_carlo import qExpectedImprovement, qUpperConfidenceBound
from botorch.exceptions.warnings import NumericsWarning
from botorch.sampling.base import MCSampler
from botorch.sampling.normal import SobolQMCNormalSampler
from botorch.utils.sampling import draw_sobol_normal_samples
from torch import Tensor

from surrobench.acquisition.acquisition import Acquisition
from surrobench.acquisition.context import AcquisitionContext
from surrobench.acquisition.pool_model import PoolModel, as_inputs, safe_normal
from surrobench.acquisition.smoothing import fat_softplus_parts
from surrobench.arrays import FloatArray
from surrobench.base.options import check_counts, check_number
from surrobench.predictors.models import EachMemberSampler
from surrobench.predictors.posterior import SurrogatePosterior

VALUES_AT_ONCE = 4_000_000
"""Samples x candidates x points that are held at a time (32 MB in double precision)."""
_NUMBERS_IN_CACHE = 2**15


@dataclass(frozen=True)
class MonteCarlo(Acquisition):
    """What the Monte-Carlo functions share.

    Args:
        samples: Sobol samples of a Gaussian posterior; an ensemble uses each member once.
    """

    samples: int = 128

    batch: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        check_counts(self, "samples")

    def scores(self, context: AcquisitionContext) -> Tensor:
        """Values of the allowed candidates, each together with what is pending."""
        return evaluate(self.function(context), context, self._width(context))

    @abstractmethod
    def function(self, context: AcquisitionContext) -> AcquisitionFunction:
        """BoTorch's function on a :class:`~.pool_model.PoolModel`."""

    def _width(self, context: AcquisitionContext) -> int:
        """Values that one candidate needs."""
        members = context.posterior.members()
        count = self.samples if members is None else len(members)
        return count * (1 + len(context.pending))

    def _common(self, context: AcquisitionContext) -> dict[str, Any]:
        pending = torch.tensor(context.pending, dtype=torch.long)
        return {
            "model": PoolModel(context.posterior),
            "sampler": make_sampler(context.posterior, self.samples, context.seed),
            "X_pending": as_inputs(pending) if context.pending else None,
        }

    def _best(self, context: AcquisitionContext) -> Tensor:
        best = context.best
        # As a float BoTorch would keep it in single precision, which log-improvements far below it
        # can tell.
        return (
            context.posterior.mean.min()
            if best is None
            else torch.tensor(best, dtype=torch.float64)
        )


def make_sampler(posterior: SurrogatePosterior, samples: int, seed: int) -> MCSampler:
    """A sampler for a posterior's posteriors."""
    members = posterior.members()
    if members is not None:
        return EachMemberSampler(torch.Size([len(members)]), seed=0)
    return SobolQMCNormalSampler(torch.Size([samples]), seed=seed % 2**31)


def evaluate(function: AcquisitionFunction, context: AcquisitionContext, width: int) -> Tensor:
    """A BoTorch function at every allowed row, in chunks of bounded memory."""
    inputs = as_inputs(context.choices()).unsqueeze(-2)
    chunk = max(1, VALUES_AT_ONCE // max(width, 1))
    with torch.no_grad():
        values = [function(part) for part in inputs.split(chunk)]
    return torch.cat(values) if values else torch.zeros(0, dtype=torch.float64)


@dataclass(frozen=True)
class QExpectedImprovement(MonteCarlo):
    """Expected improvement of a candidate and all pending ones together."""

    def function(self, context: AcquisitionContext) -> AcquisitionFunction:
        """BoTorch's ``qExpectedImprovement``."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NumericsWarning)
            return qExpectedImprovement(best_f=self._best(context), **self._common(context))


@dataclass(frozen=True)
class QLogExpectedImprovement(MonteCarlo):
    """The logarithm of a smoothed qEI (Ament et al. 2023).

    BoTorch takes the logarithm of the improvement in each sample and exponentials again to average
    over them. While nothing is pending, the mean of the improvements is summed as it is.
    """

    def scores(self, context: AcquisitionContext) -> Tensor:
        """Values of the allowed candidates, each together with what is pending."""
        if context.pending or context.posterior.kind == "ensemble":
            return super().scores(context)
        posterior, best = context.posterior, float(self._best(context))
        draws = draw_sobol_normal_samples(
            d=1, n=self.samples, dtype=torch.float64, seed=context.seed % 2**31
        )
        parts: list[FloatArray] = [np.empty(0)]
        for rows in context.choices().split(max(1, VALUES_AT_ONCE // self.samples)):
            if len(rows) == 0:
                break
            variance = posterior.variance[rows].reshape(-1, 1, 1)
            normal = safe_normal(posterior.mean[rows].unsqueeze(-1), variance, 0.0)
            mean, std = normal.mean.squeeze(-1).numpy(), normal.stddev.squeeze(-1).numpy()
            parts.append(_log_mean_improvements(mean, std, best, draws.squeeze(-1).numpy()))
        return torch.from_numpy(np.concatenate(parts))

    def function(self, context: AcquisitionContext) -> AcquisitionFunction:
        """BoTorch's ``qLogExpectedImprovement``."""
        return qLogExpectedImprovement(best_f=self._best(context), **self._common(context))


def _log_mean_improvements(
    mean: FloatArray, std: FloatArray, best: float, draws: FloatArray
) -> FloatArray:
    """Log of the mean of ``t (softplus(u) + 0.1 / (1 + u²))`` with ``u = (value - best) / t``.

    Args:
        mean: of each candidate, ``m``.
        std: of each candidate, ``m``.
        best: value of the incumbent.
        draws: standard normal, ``s``; values are ``mean + std * draw``.
    """
    totals, samples = np.empty(len(mean)), len(draws)
    at_once = max(1, _NUMBERS_IN_CACHE // samples)
    room = np.empty((2, min(at_once, len(mean)), samples))
    with np.errstate(divide="ignore"):
        for low in range(0, len(mean), at_once):
            part = slice(low, low + at_once)
            u, tail = room[:, : len(mean[part])]
            np.multiply(std[part, None], draws, out=u)
            u += mean[part, None]
            u -= best
            u /= TAU_RELU
            fat_softplus_parts(u, tail)
            totals[part] = u.sum(axis=1) + tail.sum(axis=1)
        scores: FloatArray = np.log(totals * (TAU_RELU / samples))
    return scores


@dataclass(frozen=True)
class QLogNoisyExpectedImprovement(MonteCarlo):
    """Improvement over the best of the posterior at what was observed, not of noisy values.

    Args:
        baseline: observed candidates that the incumbent may be, the best by posterior mean.
    """

    baseline: int = 20

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        check_counts(self, "samples", "baseline")

    def _width(self, context: AcquisitionContext) -> int:
        return super()._width(context) + self.baseline * self.samples

    def function(self, context: AcquisitionContext) -> AcquisitionFunction:
        """BoTorch's ``qLogNoisyExpectedImprovement``."""
        posterior = context.posterior
        rows = posterior.rows
        if context.feasible is not None and bool(context.feasible.any()):
            rows = rows[context.feasible]
        best = torch.argsort(posterior.mean[rows], descending=True, stable=True)[: self.baseline]
        return qLogNoisyExpectedImprovement(
            X_baseline=as_inputs(rows[best]),
            prune_baseline=False,
            cache_root=False,
            **self._common(context),
        )


@dataclass(frozen=True)
class QUpperConfidenceBound(MonteCarlo):
    """The expected best of upper bounds of a candidate and all pending ones.

    Args:
        beta: squared multiple of the deviation.
    """

    beta: float = 2.0

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        check_counts(self, "samples")
        check_number(self, "beta", self.beta, 0.0)

    def function(self, context: AcquisitionContext) -> AcquisitionFunction:
        """BoTorch's ``qUpperConfidenceBound``."""
        return qUpperConfidenceBound(beta=self.beta, **self._common(context))
