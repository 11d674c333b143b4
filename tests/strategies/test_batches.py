"""Batches of functions that choose one candidate at a time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from toy_pool import belief, situation

from surrobench.acquisition.acquisition import Acquisition
from surrobench.acquisition.context import AcquisitionContext
from surrobench.strategies.bayesian.batches import select_batch


def test_every_member_of_a_batch_is_a_step_of_its_own() -> None:
    """Schedules go on within a batch, and functions that draw draw anew."""
    seen: list[tuple[int, int, int]] = []

    class Recorder(Acquisition):
        def scores(self, context: AcquisitionContext) -> Tensor:
            seen.append((context.step, context.seed, int(context.allowed.sum())))
            return context.posterior.mean[context.choices()]

    context = situation(belief("gp-matern52"), step=7, seed=3, pending=())
    count = int(context.allowed.sum())
    chosen = select_batch(Recorder(), context, 3)
    assert seen == [(7, 3, count), (8, 4, count - 1), (9, 5, count - 2)]
    means: Any = belief("gp-matern52").mean[context.choices()]
    best = context.choices()[torch.argsort(means, descending=True)[:3]]
    assert chosen == best.tolist()
