"""Rewards without a unit: what reinforcement learning makes of the values of a task."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from surrobench.arrays import FloatArray

REWARDS = ("rank", "range")


def scale_free(values: FloatArray, kind: str) -> FloatArray:
    """Rewards from 0 to 1 of all values so far, ``n``: unchanged by another unit of the values.

    Args:
        values: finite, ``n``, larger is better.
        kind: ``"rank"``: the share of the other values that is lower, ties counting half, so that
            no outlier matters; ``"range"``: 0 for the worst, 1 for the best, linear in between.
            All rewards are 0.5 where the values do not differ.
    """
    if kind == "rank" and len(values) > 1:
        return np.asarray((rankdata(values) - 1.0) / (len(values) - 1.0))
    spread = float(np.ptp(values)) if len(values) else 0.0
    if spread == 0.0:
        return np.full(len(values), 0.5)
    return np.asarray((values - values.min()) / spread)
