"""Acquisition functions in closed form, for the whole pool in one pass."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from botorch.utils.probability.utils import log_ndtr, log_phi, ndtr, phi
from torch import Tensor

from surrobench.acquisition.acquisition import Acquisition, highest
from surrobench.acquisition.options import check_not_negative
from surrobench.acquisition.situation import Situation
from surrobench.errors import UserError, did_you_mean

Schedule = Literal["constant", "log", "srinivas"]
_CONFIDENCE = 0.1
_AT_ONCE = 512
_ROUNDING = 1e-9


def improvement_scores(situation: Situation) -> tuple[Tensor, Tensor]:
    """Standard score of the incumbent's excess ``(mean - best) / deviation``, and the deviation.

    Without an incumbent, the best is the lowest mean: every candidate improves.
    """
    rows = situation.choices()
    mean = situation.belief.mean[rows]
    deviation = situation.belief.variance[rows].sqrt()
    best = situation.best
    best = float(situation.belief.mean.min()) if best is None else best
    return (mean - best) / deviation, deviation


def log_improvement(u: Tensor) -> Tensor:
    """``log(phi(u) + u Phi(u))``, accurate for any ``u`` (Ament et al. 2023, appendix A)."""
    near = torch.log(phi(u.clamp_min(-1.0)) + u.clamp_min(-1.0) * ndtr(u.clamp_min(-1.0)))
    low = u.clamp(-1e6, -1.0)
    # Mills' ratio Phi(u) / phi(u), by the scaled complementary error function.
    ratio = torch.special.erfcx(-low / math.sqrt(2.0)) * math.sqrt(math.pi / 2.0)
    # Below -1e3 the difference 1 - |u| ratio loses its digits; it tends to u^-2.
    gap = torch.where(low < -1e3, low.square().reciprocal(), 1.0 + low * ratio)
    far = log_phi(low) + torch.log(gap.clamp_min(1e-300))
    return torch.where(u > -1.0, near, far)


@dataclass(frozen=True)
class PosteriorMean(Acquisition):
    """The posterior mean: exploitation alone."""

    def scores(self, situation: Situation) -> Tensor:
        """Means of the allowed candidates."""
        return situation.belief.mean[situation.choices()]


@dataclass(frozen=True)
class ExpectedImprovement(Acquisition):
    """``E max(f - best, 0)`` (Mockus 1975; Jones et al. 1998)."""

    def scores(self, situation: Situation) -> Tensor:
        """Expected improvements of the allowed candidates."""
        u, deviation = improvement_scores(situation)
        return deviation * (phi(u) + u * ndtr(u))


@dataclass(frozen=True)
class LogExpectedImprovement(Acquisition):
    """The logarithm of expected improvement, which does not underflow (Ament et al. 2023)."""

    def scores(self, situation: Situation) -> Tensor:
        """Log expected improvements of the allowed candidates."""
        u, deviation = improvement_scores(situation)
        return log_improvement(u) + deviation.log()

    def best(self, situation: Situation, n: int) -> list[int]:
        """Up to ``n`` rows with the highest scores, most of the others left unscored.

        Scores grow with ``u`` and with the deviation. Candidates are scored from the highest ``u``
        on, until no other would be among the best even with the largest deviation of all.
        """
        rows = situation.choices()
        u, deviation = improvement_scores(situation)
        if n < 1 or not len(rows) or not bool(torch.isfinite(u).all()):
            return super().best(situation, n)
        widest, at_once = float(deviation.max().log()), max(_AT_ONCE, 4 * n)
        while at_once < len(rows):
            among = np.argpartition(u.numpy(), len(u) - at_once)[len(u) - at_once :]
            among.sort()
            some = torch.from_numpy(among)
            gains = log_improvement(u[some])
            scores = gains + deviation[some].log()
            level = float(scores.topk(n).values[-1])
            if float(gains.min()) + widest < level - _ROUNDING * (1.0 + abs(level)):
                return highest(rows[some], scores, n)
            at_once *= 4
        return super().best(situation, n)


@dataclass(frozen=True)
class ProbabilityOfImprovement(Acquisition):
    """The log probability that a candidate beats the incumbent (Kushner 1964).

    Taken as a logarithm so that candidates far below the incumbent still differ.
    """

    def scores(self, situation: Situation) -> Tensor:
        """Log probabilities of improvement of the allowed candidates."""
        return log_ndtr(improvement_scores(situation)[0])


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
        if self.schedule not in get_args(Schedule):
            raise UserError(
                f"acquisition 'ucb': unknown schedule {self.schedule!r}. "
                + did_you_mean(str(self.schedule), get_args(Schedule))
            )
        check_not_negative(self, "beta")

    def beta_at(self, step: int, candidates: int = 1) -> float:
        """Beta after so many choices, over a pool of so many candidates."""
        if self.schedule == "log":
            return self.beta * math.log(math.e + step)
        if self.schedule == "srinivas":
            growth = candidates * (step + 1) ** 2 * math.pi**2 / (6 * _CONFIDENCE)
            return self.beta * math.log(growth)
        return self.beta

    def scores(self, situation: Situation) -> Tensor:
        """Upper bounds of the allowed candidates."""
        rows = situation.choices()
        mean, variance = situation.belief.mean, situation.belief.variance
        beta = self.beta_at(situation.step, len(mean))
        return mean[rows] + math.sqrt(beta) * variance[rows].sqrt()
