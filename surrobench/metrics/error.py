"""Are the values right? Errors in the units of the target."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from surrobench.metrics.arrays import aligned


def mae(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    """Mean absolute error; the best point prediction for it is the predictive median."""
    t, p = aligned(truth=truth, prediction=prediction)
    return float(np.mean(np.abs(t - p)))


def rmse(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    """Root mean squared error; the best point prediction for it is the predictive mean."""
    t, p = aligned(truth=truth, prediction=prediction)
    return float(np.sqrt(np.mean(np.square(t - p))))
