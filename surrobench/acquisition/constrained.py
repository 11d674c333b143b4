"""Improvement under constraints that surrogates learn."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from botorch.utils.probability.utils import log_ndtr
from torch import Tensor

from surrobench.acquisition.acquisition import Acquisition
from surrobench.acquisition.analytic import improvement_scores, log_improvement
from surrobench.acquisition.situation import Situation


def log_feasibility(situation: Situation) -> Tensor:
    """Log probability that each allowed candidate keeps all learned constraints."""
    rows = situation.choices()
    total = torch.zeros(len(rows), dtype=situation.belief.mean.dtype)
    for constraint in situation.constraints:
        mean = constraint.belief.mean[rows]
        deviation = constraint.belief.variance[rows].sqrt()
        total += log_ndtr(constraint.sign * (constraint.bound - mean) / deviation)
    return total


@dataclass(frozen=True)
class ConstrainedExpectedImprovement(Acquisition):
    """Log expected improvement plus log probability of feasibility (Gardner et al. 2014).

    Until something feasible was seen, the probability of feasibility alone. Constraints known
    before training never reach it: they decide which candidates are allowed.
    """

    def scores(self, situation: Situation) -> Tensor:
        """Constrained log improvements of the allowed candidates."""
        feasible = log_feasibility(situation)
        if situation.best is None:
            return feasible
        u, deviation = improvement_scores(situation)
        return log_improvement(u) + deviation.log() + feasible
