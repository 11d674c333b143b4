"""A quasi-Newton search between bounds that begins with a known curvature."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from surrobench.arrays import FloatArray
from surrobench.predictors.gp.gp_fit import LogNormal, Objective

Function = Callable[[FloatArray], tuple[float, FloatArray]]
"""From a point to the value that is minimised and its gradient."""

GAIN = 1e-6
"""A step that raises a log posterior by less, for each example, is the last."""

_NUDGE = 1e-3
_LONGEST = 2.0
_LEAST_CURVATURE = 1e-3
_DECREASE = 1e-4


def minimise(
    function: Function,
    start: FloatArray,
    curvature: FloatArray,
    bounds: FloatArray,
    *,
    decrease: float,
    slope: float = 1e-3,
) -> bool:
    """Projected BFGS (Bertsekas 1982) from ``start``; whether it converged.

    It stops when a step lowers the value by too little, or the projected gradient vanishes. SciPy's
    searches between bounds take no curvature to begin with.

    Args:
        function: what is minimised; it remembers the best point itself.
        start: between the bounds, ``k``.
        curvature: the Hessian there, as far as it is known, ``k x k``.
        bounds: lower and upper bound of each entry, ``k x 2``.
        decrease: of the value, the least that a step must give.
        slope: the least entry of the projected gradient.
    """
    low, high = bounds.T
    at = np.clip(start, low, high)
    value, gradient = function(at)
    hessian = positive_definite(curvature)
    while True:
        if np.abs(np.clip(at - gradient, low, high) - at).max() <= slope:
            return True
        held = ((at <= low) & (gradient > 0.0)) | ((at >= high) & (gradient < 0.0))
        free = np.flatnonzero(~held)
        step = np.zeros_like(at)
        step[free] = -np.linalg.solve(hessian[np.ix_(free, free)], gradient[free])
        step *= min(1.0, _LONGEST / np.abs(step).max())
        share = 1.0
        while True:
            there = np.clip(at + share * step, low, high)
            lower, slopes = function(there)
            moved = there - at
            if lower <= value + _DECREASE * min(float(gradient @ moved), 0.0):
                break
            share *= _interpolated(value, lower, float(gradient @ moved))
            if share < 1e-6:
                return False
        hessian = updated(hessian, moved, slopes - gradient)
        gained, at, value, gradient = value - lower, there, lower, slopes
        if gained <= decrease:
            return True


def _interpolated(value: float, there: float, slope: float) -> float:
    """By how much to shorten a step that was too long: to the minimum of a parabola."""
    bend = there - value - slope
    if not math.isfinite(bend) or bend <= 0.0 or slope >= 0.0:
        return 0.25
    return min(max(-0.5 * slope / bend, 0.1), 0.5)


def updated(hessian: FloatArray, moved: FloatArray, change: FloatArray) -> FloatArray:
    """The curvature after a step, damped so that it stays positive definite (Powell 1978)."""
    predicted = hessian @ moved
    expected, found = float(moved @ predicted), float(moved @ change)
    if found < 0.2 * expected:
        share = 0.8 * expected / (expected - found)
        change = share * change + (1.0 - share) * predicted
        found = float(moved @ change)
    if expected <= 0.0 or found <= 0.0:
        return hessian
    rises = np.multiply.outer(change, change) / found
    falls = np.multiply.outer(predicted, predicted) / expected
    after: FloatArray = hessian + rises - falls
    return after


def positive_definite(curvature: FloatArray) -> FloatArray:
    """A symmetric matrix with the size of its eigenvalues as eigenvalues, none too small."""
    values, vectors = np.linalg.eigh(0.5 * (curvature + curvature.T))
    sizes = np.maximum(np.abs(values), _LEAST_CURVATURE * max(float(np.abs(values).max()), 1e-12))
    definite: FloatArray = (vectors * sizes) @ vectors.T
    return definite


def grown_curvature(
    objective: Objective,
    at: FloatArray,
    times: float,
    priors: Sequence[tuple[LogNormal, slice]],
) -> FloatArray:
    """The curvature of minus the log posterior of more examples, by differences, ``k x k``.

    Args:
        objective: of few examples.
        at: log hyperparameters.
        times: how many times as many examples there are.
        priors: each with the entries that it is for; they do not grow.
    """
    here = objective(at).gradient
    rows = []
    for entry in range(len(at)):
        there = at.copy()
        there[entry] += _NUDGE
        rows.append((here - objective(there).gradient) / _NUDGE)
    of_priors = np.zeros(len(at))
    for prior, part in priors:
        of_priors[part] = prior.scale**-2.0
    kept = np.diag(of_priors)
    grown: FloatArray = times * (np.array(rows) - kept) + kept
    return grown
