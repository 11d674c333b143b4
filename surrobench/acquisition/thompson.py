"""Thompson sampling over pools."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from surrobench.acquisition.acquisition import Acquisition
from surrobench.acquisition.situation import Situation


@dataclass(frozen=True)
class ThompsonSampling(Acquisition):
    """The maximum of one joint sample of the function (Thompson 1933).

    A batch takes one sample for each of its members. Over pools too large for a joint sample, a
    Gaussian process samples over the most promising candidates (see
    :func:`~surrobench.predictors.model_belief.joint_samples`).
    """

    def scores(self, situation: Situation) -> Tensor:
        """One joint sample at the allowed candidates."""
        rows = situation.choices()
        return situation.belief.sample(1, seed=situation.seed, rows=rows)[0]

    def select(self, situation: Situation, n: int) -> list[int]:
        """The best row of each of ``n`` samples that no earlier sample has taken."""
        rows = situation.choices()
        samples = situation.belief.sample(n, seed=situation.seed, rows=rows).clone()
        chosen: list[int] = []
        for sample in samples[: len(rows)]:
            place = int(sample.argmax())
            chosen.append(int(rows[place]))
            samples[:, place] = -torch.inf
        return chosen


@dataclass(frozen=True)
class IndependentThompsonSampling(Acquisition):
    """One independent normal sample for each candidate (ITS; White et al. 2021, BANANAS)."""

    def scores(self, situation: Situation) -> Tensor:
        """Independent samples at the allowed candidates."""
        rows = situation.choices()
        belief = situation.belief
        generator = torch.Generator().manual_seed(situation.seed % 2**63)
        # Drawn for the whole pool, so that what is excluded does not shift the others' draws.
        normal = torch.randn(len(belief.mean), generator=generator, dtype=belief.mean.dtype)
        return belief.mean[rows] + belief.variance[rows].sqrt() * normal[rows]
