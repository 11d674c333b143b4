"""Thompson sampling over pools."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from surrobench.acquisition.acquisition import Acquisition
from surrobench.acquisition.context import AcquisitionContext


@dataclass(frozen=True)
class ThompsonSampling(Acquisition):
    """The maximum of one joint sample of the function (Thompson 1933).

    A batch takes one sample for each of its members. Over pools too large for a joint sample, a
    Gaussian process samples over the most promising candidates (see
    :func:`~surrobench.predictors.model_posterior.joint_samples`).
    """

    def scores(self, context: AcquisitionContext) -> Tensor:
        """One joint sample at the allowed candidates."""
        rows = context.choices()
        return context.posterior.sample(1, seed=context.seed, rows=rows)[0]

    def select(self, context: AcquisitionContext, n: int) -> list[int]:
        """The best row of each of ``n`` samples that no earlier sample has taken."""
        rows = context.choices()
        samples = context.posterior.sample(n, seed=context.seed, rows=rows).clone()
        chosen: list[int] = []
        for sample in samples[: len(rows)]:
            place = int(sample.argmax())
            chosen.append(int(rows[place]))
            samples[:, place] = -torch.inf
        return chosen


@dataclass(frozen=True)
class IndependentThompsonSampling(Acquisition):
    """One independent normal sample for each candidate (ITS; White et al. 2021, BANANAS)."""

    def scores(self, context: AcquisitionContext) -> Tensor:
        """Independent samples at the allowed candidates."""
        rows = context.choices()
        posterior = context.posterior
        generator = torch.Generator().manual_seed(context.seed % 2**63)
        # Drawn for the whole pool, so that what is excluded does not shift the others' draws.
        normal = torch.randn(len(posterior.mean), generator=generator, dtype=posterior.mean.dtype)
        return posterior.mean[rows] + posterior.variance[rows].sqrt() * normal[rows]
