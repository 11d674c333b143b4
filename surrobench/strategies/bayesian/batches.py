"""Several candidates chosen at once from one posterior."""

from __future__ import annotations

from dataclasses import replace

import torch

from surrobench.acquisition.acquisition import Acquisition
from surrobench.acquisition.context import AcquisitionContext
from surrobench.strategies.bayesian.surrogate import condition_on_means


def select_batch(function: Acquisition, context: AcquisitionContext, n: int) -> list[int]:
    """Up to ``n`` rows, best first.

    Functions for batches choose by themselves. For the others, what was chosen counts as observed
    at its mean if the posterior is that of a Gaussian process, and is merely left out otherwise.

    Args:
        function: what scores the candidates.
        context: the state of the choice.
        n: how many to choose.
    """
    own = function.batch or type(function).select is not Acquisition.select
    if own or n == 1 or any(posterior.kind != "gp" for posterior in context.posteriors):
        return function.select(context, n)
    chosen: list[int] = []
    for _ in range(min(n, int(context.allowed.sum()))):
        row = function.select(context, 1)[0]
        chosen.append(row)
        context = _taken(context, row)
    return chosen


def _taken(context: AcquisitionContext, row: int) -> AcquisitionContext:
    """The context after ``row`` was chosen and is taken to do as it is predicted."""
    allowed, feasible = context.allowed.clone(), context.feasible
    allowed[row] = False
    if feasible is not None:
        feasible = torch.cat([feasible, feasible.new_zeros(1)])
    return replace(
        context,
        posteriors=tuple(condition_on_means(posterior, [row]) for posterior in context.posteriors),
        allowed=allowed,
        seed=context.seed + 1,
        step=context.step + 1,
        feasible=feasible,
    )
