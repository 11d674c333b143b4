"""BoTorch's Monte-Carlo acquisition functions over a pool, with pending points."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.acquisition.logei import (
    qLogExpectedImprovement,
    qLogNoisyExpectedImprovement,
)
from botorch.acquisition.monte_carlo import qExpectedImprovement, qUpperConfidenceBound
from botorch.exceptions.warnings import NumericsWarning
from botorch.sampling.base import MCSampler
from botorch.sampling.normal import SobolQMCNormalSampler
from torch import Tensor

from surrobench.acquisition.acquisition import Acquisition
from surrobench.acquisition.pool_model import PoolModel, as_inputs
from surrobench.acquisition.situation import Situation
from surrobench.options import check_counts, check_number
from surrobench.predictors.belief import Belief
from surrobench.predictors.models import EachMemberSampler

VALUES_AT_ONCE = 4_000_000
"""Samples x candidates x points that are held at a time (32 MB in double precision)."""


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

    def scores(self, situation: Situation) -> Tensor:
        """Values of the allowed candidates, each together with what is pending."""
        return evaluate(self.function(situation), situation, self._width(situation))

    @abstractmethod
    def function(self, situation: Situation) -> AcquisitionFunction:
        """BoTorch's function on a :class:`~.pool_model.PoolModel`."""

    def _width(self, situation: Situation) -> int:
        """Values that one candidate needs."""
        members = situation.belief.members()
        count = self.samples if members is None else len(members)
        return count * (1 + len(situation.pending))

    def _common(self, situation: Situation) -> dict[str, Any]:
        pending = torch.tensor(situation.pending, dtype=torch.long)
        return {
            "model": PoolModel(situation.belief),
            "sampler": make_sampler(situation.belief, self.samples, situation.seed),
            "X_pending": as_inputs(pending) if situation.pending else None,
        }

    def _best(self, situation: Situation) -> float:
        best = situation.best
        return float(situation.belief.mean.min()) if best is None else best


def make_sampler(belief: Belief, samples: int, seed: int) -> MCSampler:
    """A sampler for a belief's posteriors."""
    members = belief.members()
    if members is not None:
        return EachMemberSampler(torch.Size([len(members)]), seed=0)
    return SobolQMCNormalSampler(torch.Size([samples]), seed=seed % 2**31)


def evaluate(function: AcquisitionFunction, situation: Situation, width: int) -> Tensor:
    """A BoTorch function at every allowed row, in chunks of bounded memory."""
    inputs = as_inputs(situation.choices()).unsqueeze(-2)
    chunk = max(1, VALUES_AT_ONCE // max(width, 1))
    with torch.no_grad():
        values = [function(part) for part in inputs.split(chunk)]
    return torch.cat(values) if values else torch.zeros(0, dtype=torch.float64)


@dataclass(frozen=True)
class QExpectedImprovement(MonteCarlo):
    """Expected improvement of a candidate and all pending ones together."""

    def function(self, situation: Situation) -> AcquisitionFunction:
        """BoTorch's ``qExpectedImprovement``."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NumericsWarning)
            return qExpectedImprovement(best_f=self._best(situation), **self._common(situation))


@dataclass(frozen=True)
class QLogExpectedImprovement(MonteCarlo):
    """The logarithm of a smoothed qEI (Ament et al. 2023)."""

    def function(self, situation: Situation) -> AcquisitionFunction:
        """BoTorch's ``qLogExpectedImprovement``."""
        return qLogExpectedImprovement(best_f=self._best(situation), **self._common(situation))


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

    def _width(self, situation: Situation) -> int:
        return super()._width(situation) + self.baseline * self.samples

    def function(self, situation: Situation) -> AcquisitionFunction:
        """BoTorch's ``qLogNoisyExpectedImprovement``."""
        belief = situation.belief
        rows = belief.rows
        if situation.feasible is not None and bool(situation.feasible.any()):
            rows = rows[situation.feasible]
        best = torch.argsort(belief.mean[rows], descending=True, stable=True)[: self.baseline]
        return qLogNoisyExpectedImprovement(
            X_baseline=as_inputs(rows[best]),
            prune_baseline=False,
            cache_root=False,
            **self._common(situation),
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

    def function(self, situation: Situation) -> AcquisitionFunction:
        """BoTorch's ``qUpperConfidenceBound``."""
        return qUpperConfidenceBound(beta=self.beta, **self._common(situation))
