"""Inducing points: those examples that leave the least variance unexplained."""

from __future__ import annotations

import math

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.predictors.gp.covariance import BoundCovariance

LEAST_VARIANCE = 1e-8
"""An example whose variance, given the inducing points, is a smaller share is none."""


def conditional_variance(kernel: BoundCovariance, n: int, most: int) -> IntArray:
    """Choose one example after the other: where its variance given those before is largest.

    This is a Cholesky factorisation with pivots, which reads one row of the covariance for each
    point (Burt et al. 2020, section 4.2.2).

    Args:
        kernel: the covariance with its hyperparameters, over ``n`` examples.
        n: number of examples.
        most: inducing points; fewer where the others add nothing.

    Returns:
        Positions of the examples, in the order in which they were chosen.
    """
    left = np.full(n, kernel.scale)
    factor: FloatArray = np.empty((min(most, n), n))
    chosen: list[int] = []
    while len(chosen) < len(factor):
        at = int(np.argmax(left))
        if left[at] <= LEAST_VARIANCE * kernel.scale:
            break
        known = factor[: len(chosen)]
        fresh = kernel.row(at)
        fresh -= known[:, at] @ known
        fresh /= math.sqrt(left[at])
        factor[len(chosen)] = fresh
        left -= np.square(fresh, out=fresh)
        left[at] = 0.0
        chosen.append(at)
    return np.array(chosen, dtype=np.int64)
