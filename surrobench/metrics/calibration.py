"""Is the stated uncertainty honest? Scores of predictive distributions.

The probability integral transform (``pit``) of an observation is the predictive distribution
function at it; for an honest prediction it is uniform on [0, 1].
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from surrobench.arrays import FloatArray
from surrobench.metrics.arrays import aligned

LEVELS = np.arange(1, 20) / 20
"""Nominal levels of the central intervals: 0.05, 0.10, …, 0.95."""


def nll(log_density: npt.ArrayLike) -> float:
    """Negative log-likelihood: minus the mean log predictive density at the truth, in nats."""
    (values,) = aligned(log_density=log_density)
    return float(-np.mean(values))


def coverage(pit: npt.ArrayLike, level: float) -> float:
    """Observed share of truths inside the central predictive interval of nominal ``level``.

    Raises:
        ValueError: if ``level`` or a value of ``pit`` is outside [0, 1].
    """
    return float(coverages(pit, np.array([level]))[0])


def coverages(pit: npt.ArrayLike, levels: FloatArray = LEVELS) -> FloatArray:
    """Observed coverage of the central interval at each of ``levels`` (same shape).

    Raises:
        ValueError: if a level or a value of ``pit`` is outside [0, 1].
    """
    (values,) = aligned(pit=pit)
    for name, array in (("pit", values), ("level", levels)):
        if (array < 0).any() or (array > 1).any():
            raise ValueError(f"{name} must lie in [0, 1]")
    depth = np.sort(2 * np.abs(values - 0.5))
    inside = np.searchsorted(depth, levels, side="right")
    return np.asarray(inside / values.size, dtype=np.float64)


def calibration_error(pit: npt.ArrayLike) -> float:
    """Mean absolute difference between nominal and observed coverage over :data:`LEVELS`.

    0 is perfect; 0.5 is the worst, reached when every interval is far too narrow or too wide. The
    mean absolute calibration error of Chung et al., "Uncertainty Toolbox", 2021, on central
    intervals, after Kuleshov et al., "Accurate uncertainties for deep learning using calibrated
    regression", ICML 2018.
    """
    return float(np.mean(np.abs(coverages(pit) - LEVELS)))


def sharpness(std: npt.ArrayLike) -> float:
    """Mean predictive standard deviation, in units of the target; smaller says more."""
    (values,) = aligned(std=std)
    return float(np.mean(values))


def gaussian_crps(truth: npt.ArrayLike, mean: npt.ArrayLike, std: npt.ArrayLike) -> FloatArray:
    """Continuous ranked probability score of normal predictions, ``n`` values in target units.

    ``std * (z (2 Φ(z) - 1) + 2 φ(z) - 1/√π)`` with ``z = (truth - mean) / std``: Gneiting and
    Raftery, "Strictly proper scoring rules, prediction, and estimation", JASA 2007.

    Raises:
        ValueError: if a standard deviation is not positive.
    """
    t, m, s = aligned(truth=truth, mean=mean, std=std)
    if (s <= 0).any():
        raise ValueError("std must be positive")
    return normal_crps((t - m) / s, s)


def normal_crps(z: FloatArray, std: FloatArray) -> FloatArray:
    """The same of standard scores ``z`` (``n``), which are not checked."""
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    score = std * (z * (2 * special.ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi))
    return np.asarray(score, dtype=np.float64)
