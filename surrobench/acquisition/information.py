"""Information about the optimum: BoTorch's entropy searches over a pool.

They need samples of the optimum. BoTorch would maximise sample paths or approximate the maximum's
distribution; over a finite pool the maxima of joint samples are what is wanted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from botorch.acquisition.joint_entropy_search import qJointEntropySearch
from botorch.acquisition.max_value_entropy_search import (
    qLowerBoundMaxValueEntropy,
    qMaxValueEntropy,
)
from torch import Tensor

from surrobench.acquisition.acquisition import Acquisition
from surrobench.acquisition.context import AcquisitionContext
from surrobench.acquisition.monte_carlo import evaluate
from surrobench.acquisition.pool_model import PoolModel, as_inputs
from surrobench.base.options import check_counts
from surrobench.predictors.posterior import Kind


@dataclass(frozen=True)
class _OptimumSamples(Acquisition):
    """What the functions of this module share.

    Args:
        optima: joint samples of the function whose maxima stand for the unknown one.
    """

    optima: int = 16

    batch: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        check_counts(self, *vars(self))

    def sampled_optima(self, context: AcquisitionContext) -> tuple[Tensor, Tensor]:
        """Rows and values of the maxima of joint samples, each ``optima``.

        The maximum is taken over what may be chosen, is pending or was observed. Over pools too
        large for a joint sample of all, a Gaussian process samples the most promising part.
        """
        posterior = context.posterior
        known = torch.cat([posterior.rows, torch.tensor(context.pending, dtype=torch.long)])
        rows = torch.unique(torch.cat([context.choices(), known]))
        samples = posterior.sample(self.optima, seed=context.seed, rows=rows)
        best = samples.argmax(dim=1)
        return rows[best], samples.gather(1, best.unsqueeze(1)).squeeze(1)


@dataclass(frozen=True)
class MaxValueEntropy(_OptimumSamples):
    """Mutual information of a noisy observation and the maximum (Wang and Jegelka 2017).

    BoTorch's ``qMaxValueEntropy`` (Takeno et al. 2020 for the noise); what is pending is averaged
    over fantasies of its outcome, which only a Gaussian process can do.

    Args:
        samples: of the observation at each candidate.
        fantasies: of the outcomes that are pending.
    """

    samples: int = 64
    fantasies: int = 4

    serves: ClassVar[frozenset[Kind]] = frozenset({"gp"})

    def scores(self, context: AcquisitionContext) -> Tensor:
        """Information gains of the allowed candidates, in nats."""
        with _seeded(context.seed):
            function = _MaxValueEntropy(
                num_y_samples=self.samples,
                num_fantasies=self.fantasies,
                num_mv_samples=self.optima,
                **_common(context),
            )
            function.posterior_max_values = self.sampled_optima(context)[1].unsqueeze(-1)
            fantasies = self.fantasies if context.pending else 1
            return evaluate(function, context, self.optima * self.samples * fantasies)


@dataclass(frozen=True)
class Gibbon(_OptimumSamples):
    """A lower bound on the information about the maximum, for batches (Moss et al. 2021).

    BoTorch's ``qLowerBoundMaxValueEntropy``: the gain of each candidate and a repulsion from what
    is pending by their correlation. Ensembles enter with their means and covariances.
    """

    def scores(self, context: AcquisitionContext) -> Tensor:
        """Gains of the allowed candidates."""
        with _seeded(context.seed):
            function = _LowerBound(num_mv_samples=self.optima, **_common(context))
            function.posterior_max_values = self.sampled_optima(context)[1].unsqueeze(-1)
            return evaluate(function, context, self.optima + (1 + len(context.pending)) ** 2)


@dataclass(frozen=True)
class JointEntropy(_OptimumSamples):
    """Mutual information of observations and the optimum with its place (Hvarfner et al. 2022).

    BoTorch's ``qJointEntropySearch`` by its lower bound (Tu et al. 2022), the process conditioned
    on each sampled optimum in turn.
    """

    serves: ClassVar[frozenset[Kind]] = frozenset({"gp"})

    def scores(self, context: AcquisitionContext) -> Tensor:
        """Gains of the allowed candidates together with what is pending."""
        rows, values = self.sampled_optima(context)
        with _seeded(context.seed):
            function = qJointEntropySearch(
                PoolModel(context.posterior),
                optimal_inputs=as_inputs(rows),
                optimal_outputs=values.unsqueeze(-1),
                X_pending=_pending(context),
            )
            width = self.optima * (1 + len(context.pending)) ** 2
            return evaluate(function, context, width)


class _GivenMaxima:
    """Leaves the drawing of maxima to the caller."""

    posterior_max_values: Tensor

    def _sample_max_values(self, num_samples: int, X_pending: Tensor | None = None) -> None:
        """Nothing: ``posterior_max_values`` is set afterwards."""


class _MaxValueEntropy(_GivenMaxima, qMaxValueEntropy):
    """``qMaxValueEntropy`` with given maxima."""


class _LowerBound(_GivenMaxima, qLowerBoundMaxValueEntropy):
    """``qLowerBoundMaxValueEntropy`` with given maxima."""


def _common(context: AcquisitionContext) -> dict[str, Any]:
    return {
        "model": PoolModel(context.posterior, normal=True),
        "candidate_set": as_inputs(context.choices()),
        "X_pending": _pending(context),
    }


def _pending(context: AcquisitionContext) -> Tensor | None:
    if not context.pending:
        return None
    return as_inputs(torch.tensor(context.pending, dtype=torch.long))


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """BoTorch's entropy searches make samplers of their own, seeded by the global generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed % 2**63)
        yield
