"""Acquisition functions in closed form, for the whole pool in one pass."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from botorch.utils.probability.utils import log_ndtr, ndtr, phi
from scipy import special
from torch import Tensor

from surrobench.acquisition.acquisition import Acquisition, highest
from surrobench.acquisition.context import AcquisitionContext
from surrobench.arrays import FloatArray, IntArray
from surrobench.base.options import check_choice, check_number

Schedule = Literal["constant", "log", "srinivas"]
_CONFIDENCE = 0.1
_ROUNDING = 1e-9
_LOG_ROOT = 0.5 * math.log(2.0 * math.pi)
_ROOT_HALF = math.sqrt(0.5)
_ROOT_HALF_PI = math.sqrt(0.5 * math.pi)
_LARGEST_EXPONENT = 700.0


def improvement_scores(context: AcquisitionContext) -> tuple[Tensor, Tensor]:
    """Standard score of the incumbent's excess ``(mean - best) / deviation``, and the deviation.

    Without an incumbent, the best is the lowest mean: every candidate improves.
    """
    return _standardised(context, context.choices())


def _standardised(context: AcquisitionContext, rows: Tensor) -> tuple[Tensor, Tensor]:
    std = context.posterior.variance[rows].sqrt()
    return (context.posterior.mean[rows] - incumbent(context)) / std, std


def incumbent(context: AcquisitionContext) -> float:
    """The best observed target, or the lowest mean if there is none."""
    best = context.best
    return float(context.posterior.mean.min()) if best is None else best


def log_improvement(u: Tensor) -> Tensor:
    """``log(phi(u) + u Phi(u))``, accurate for any ``u`` (Ament et al. 2023, appendix A)."""
    return torch.from_numpy(_log_improvement(u.detach().numpy()))


def _log_improvement(u: FloatArray) -> FloatArray:
    # NumPy and SciPy: half of torch's time on a few candidates is the calls.
    result, near = np.empty_like(u), u > -1.0
    high = u[near]
    result[near] = np.log(np.exp(-0.5 * high * high - _LOG_ROOT) + high * special.ndtr(high))
    low = np.maximum(u[~near], -1e6)
    # Mills' ratio Phi(u) / phi(u), by the scaled complementary error function.
    ratio = special.erfcx(-_ROOT_HALF * low) * _ROOT_HALF_PI
    # Below -1e3 the difference 1 - |u| ratio loses its digits; it tends to u^-2.
    gap = np.where(low < -1e3, 1.0 / (low * low), 1.0 + low * ratio)
    result[~near] = np.log(np.maximum(gap, 1e-300)) - 0.5 * low * low - _LOG_ROOT
    return result


def least_score(level: float) -> float:
    """A number just below every ``u`` with ``log_improvement(u) >= level``.

    From above zero, ``u + phi(0)`` bounds the improvement, and below, ``phi(u) / (1 + u²)`` (by
    Mills' ratio). The logarithm of the latter is concave, so that Newton's steps from a bound end
    at a bound.
    """
    if level >= -_LOG_ROOT:
        return math.exp(min(level, _LARGEST_EXPONENT)) - math.exp(-_LOG_ROOT)
    fall = -level - _LOG_ROOT
    u = math.sqrt(2.0 * fall)
    for _ in range(4):
        excess = 0.5 * u * u + math.log1p(u * u) - fall
        u -= excess / (u + 2.0 * u / (1.0 + u * u))
    return -u


@dataclass(frozen=True)
class PosteriorMean(Acquisition):
    """The posterior mean: exploitation alone."""

    def scores(self, context: AcquisitionContext) -> Tensor:
        """Means of the allowed candidates."""
        return context.posterior.mean[context.choices()]


@dataclass(frozen=True)
class ExpectedImprovement(Acquisition):
    """``E max(f - best, 0)`` (Mockus 1975; Jones et al. 1998)."""

    def scores(self, context: AcquisitionContext) -> Tensor:
        """Expected improvements of the allowed candidates."""
        u, std = improvement_scores(context)
        return std * (phi(u) + u * ndtr(u))


@dataclass(frozen=True)
class LogExpectedImprovement(Acquisition):
    """The logarithm of expected improvement, which does not underflow (Ament et al. 2023)."""

    def scores(self, context: AcquisitionContext) -> Tensor:
        """Log expected improvements of the allowed candidates."""
        u, std = improvement_scores(context)
        return log_improvement(u) + std.log()

    def best(self, context: AcquisitionContext, n: int) -> list[int]:
        """Up to ``n`` rows with the highest scores; those that cannot be among them are left out.

        Scores grow with the mean and with the deviation. Candidates whose mean is too low even for
        the largest deviation of all are never scored, nor those with too low a standard score.
        """
        rows = _promising(context, n)
        if rows is None:
            return super().best(context, n)
        moments = (context.posterior.mean.numpy()[rows], context.posterior.variance.numpy()[rows])
        scores = _log_expected_improvement(*moments, incumbent(context))
        return highest(torch.from_numpy(rows), torch.from_numpy(scores), n)


def _log_expected_improvement(mean: FloatArray, variance: FloatArray, best: float) -> FloatArray:
    std = np.sqrt(variance)
    return _log_improvement((mean - best) / std) + np.log(std)


def _promising(context: AcquisitionContext, n: int) -> IntArray | None:
    """Ascending rows with those of the ``n`` highest log improvements; None if it is unclear."""
    posterior, allowed, best = context.posterior, context.allowed.numpy(), incumbent(context)
    variance = posterior.variance.numpy()
    mean = np.where(allowed, posterior.mean.numpy(), -np.inf)
    widest = math.sqrt(float(variance.max()))
    if not 1 <= n <= np.count_nonzero(allowed) or not 0.0 < widest < math.inf:
        return None

    def level(rows: IntArray) -> float:
        lowest = float(_log_expected_improvement(mean[rows], variance[rows], best).min())
        return lowest - _ROUNDING * (1.0 + abs(lowest))

    # The highest means set a level that the others have to reach.
    first = np.argpartition(mean, len(mean) - n)[-n:] if n > 1 else np.array([mean.argmax()])
    least = level(first)
    if not math.isfinite(least):
        return None
    rows = np.flatnonzero(mean >= best + widest * least_score(least - math.log(widest)))
    u = (mean[rows] - best) / np.sqrt(variance[rows])
    if n == 1:
        least = max(least, level(rows[[int(u.argmax())]]))
    return rows[u >= least_score(least - math.log(widest))]


@dataclass(frozen=True)
class ProbabilityOfImprovement(Acquisition):
    """The log probability that a candidate beats the incumbent (Kushner 1964).

    Taken as a logarithm so that candidates far below the incumbent still differ.
    """

    def scores(self, context: AcquisitionContext) -> Tensor:
        """Log probabilities of improvement of the allowed candidates."""
        return log_ndtr(improvement_scores(context)[0])


@dataclass(frozen=True)
class UpperConfidenceBound(Acquisition):
    """``mean + sqrt(beta) * deviation`` (Srinivas et al. 2010), as BoTorch writes it.

    The lower bound is the same function for minimisation; here larger is always better.

    Args:
        beta: squared multiple of the deviation.
        schedule: ``"constant"``; ``"log"``: ``beta * log(e + step)``; ``"srinivas"``:
            ``beta * log(m * (step + 1)**2 * pi**2 / 0.6)``, which for beta 2 is their first theorem
            for ``m`` candidates and a confidence of 90 %.
    """

    beta: float = 2.0
    schedule: Schedule = "constant"

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        check_choice(self, "schedule", self.schedule, get_args(Schedule))
        check_number(self, "beta", self.beta, 0.0)

    def beta_at(self, step: int, candidates: int = 1) -> float:
        """Beta after so many choices, over a pool of so many candidates."""
        if self.schedule == "log":
            return self.beta * math.log(math.e + step)
        if self.schedule == "srinivas":
            growth = candidates * (step + 1) ** 2 * math.pi**2 / (6 * _CONFIDENCE)
            return self.beta * math.log(growth)
        return self.beta

    def scores(self, context: AcquisitionContext) -> Tensor:
        """Upper bounds of the allowed candidates."""
        rows = context.choices()
        mean, variance = context.posterior.mean, context.posterior.variance
        beta = self.beta_at(context.step, len(mean))
        return mean[rows] + math.sqrt(beta) * variance[rows].sqrt()
