"""Improvement under constraints that surrogates learn."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from botorch.utils.probability.utils import log_ndtr
from torch import Tensor

from surrobench.acquisition.acquisition import Acquisition
from surrobench.acquisition.analytic import improvement_scores, log_improvement
from surrobench.acquisition.context import AcquisitionContext


def log_feasibility(context: AcquisitionContext) -> Tensor:
    """Log probability that each allowed candidate keeps all learned constraints."""
    rows = context.choices()
    total = torch.zeros(len(rows), dtype=context.posterior.mean.dtype)
    for constraint in context.constraints:
        mean = constraint.posterior.mean[rows]
        std = constraint.posterior.variance[rows].sqrt()
        total += log_ndtr(constraint.sign * (constraint.bound - mean) / std)
    return total


@dataclass(frozen=True)
class ConstrainedExpectedImprovement(Acquisition):
    """Log expected improvement plus log probability of feasibility (Gardner et al. 2014).

    Until something feasible was seen, the probability of feasibility alone. Constraints known
    before training never reach it: they decide which candidates are allowed.
    """

    def scores(self, context: AcquisitionContext) -> Tensor:
        """Constrained log improvements of the allowed candidates."""
        feasible = log_feasibility(context)
        if context.best is None:
            return feasible
        u, std = improvement_scores(context)
        return log_improvement(u) + std.log() + feasible
