"""Several candidates chosen at once from one belief."""

from __future__ import annotations

from dataclasses import replace

import torch

from surrobench.acquisition.acquisition import Acquisition
from surrobench.acquisition.situation import Situation
from surrobench.strategies.surrogate import believing


def select_batch(function: Acquisition, situation: Situation, n: int) -> list[int]:
    """Up to ``n`` rows, best first.

    Functions for batches choose by themselves. For the others, what was chosen counts as observed
    at its mean if the posterior is that of a Gaussian process, and is merely left out otherwise.

    Args:
        function: what scores the candidates.
        situation: the moment of the choice.
        n: how many to choose.
    """
    own = function.batch or type(function).select is not Acquisition.select
    if own or n == 1 or any(belief.kind != "gp" for belief in situation.beliefs):
        return function.select(situation, n)
    chosen: list[int] = []
    for _ in range(min(n, int(situation.allowed.sum()))):
        row = function.select(situation, 1)[0]
        chosen.append(row)
        situation = _taken(situation, row)
    return chosen


def _taken(situation: Situation, row: int) -> Situation:
    """The moment after ``row`` was chosen and is believed to do as it is predicted."""
    allowed, feasible = situation.allowed.clone(), situation.feasible
    allowed[row] = False
    if feasible is not None:
        feasible = torch.cat([feasible, feasible.new_zeros(1)])
    return replace(
        situation,
        beliefs=tuple(believing(belief, [row]) for belief in situation.beliefs),
        allowed=allowed,
        seed=situation.seed + 1,
        step=situation.step + 1,
        feasible=feasible,
    )
