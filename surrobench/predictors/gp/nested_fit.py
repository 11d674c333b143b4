"""Hyperparameters of an exact Gaussian process on thousands of examples, in few evaluations.

The likelihood of all examples is maximised, until a step gains less than a millionth of a nat for
each of them; what is spared is evaluations of it. The search begins where the likelihood of a
random half of the examples has its maximum (found in the same way), with the curvature that it has
there for a quarter, grown to the number of examples. An evaluation on a half costs an eighth, on a
quarter a sixty-fourth.
"""

from __future__ import annotations

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.predictors.gp.correlations import Kernel
from surrobench.predictors.gp.gp_fit import (
    BudgetSpentError,
    FitReport,
    Hyperparameters,
    Priors,
    Search,
    fit_hyperparameters,
    hyperparameters_of,
)
from surrobench.predictors.gp.quasi_newton import GAIN, grown_curvature, minimise
from surrobench.predictors.gp.tiled_likelihood import TiledPosterior
from surrobench.predictors.memory import check_memory

MANY = 2000
"""Examples from which on everything here is done in tiles."""

_FEWER = 2
_FEWEST = 250
_CURVED = 4


def fit_many(
    X: FloatArray,
    y: FloatArray,
    kernel: Kernel,
    *,
    ard: bool,
    priors: Priors,
    max_evaluations: int,
) -> tuple[Hyperparameters, FitReport]:
    """As :func:`~.gp_fit.fit_hyperparameters`, for many examples.

    Args:
        X: ``n x d`` inputs, scaled to about the unit cube.
        y: ``n`` targets, with the variance that the priors were scaled to.
        kernel: name of the kernel.
        ard: one lengthscale per column instead of one shared by all.
        priors: the priors; they are part of the objective.
        max_evaluations: budget of evaluations on all examples; as many again on each subset.

    Returns:
        The hyperparameters, and a report that counts the evaluations on all examples.

    Raises:
        ArithmeticError: if the covariance cannot be factorised.
        UserError: if the covariance does not fit into memory.
    """
    order = np.random.default_rng(len(X)).permutation(len(X))
    check_memory(len(X), len(X), "the covariance of its examples")
    room = np.empty((len(X), len(X)))

    def objective(rows: IntArray) -> TiledPosterior:
        n = len(rows)
        part = room.reshape(-1)[: n * n].reshape(n, n)
        return TiledPosterior(X[rows], y[rows], kernel, ard=ard, priors=priors, room=part)

    sizes = [len(X)]
    while sizes[-1] // _FEWER >= _FEWEST:
        sizes.append(sizes[-1] // _FEWER)
    first = order[: sizes.pop()] if len(sizes) > 1 else order
    start, _ = fit_hyperparameters(
        X[first], y[first], kernel, ard=ard, priors=priors, max_evaluations=max_evaluations
    )
    at = np.log([*start.lengthscales, start.outputscale, start.noise])
    at = np.clip(at, *np.array(objective(first).bounds()).T)
    while sizes:
        rows = order[: sizes.pop()]
        few = order[: max(len(rows) // _CURVED, len(first))]
        curvature = grown_curvature(
            objective(few), at, len(rows) / len(few), priors.parts(len(at) - 2)
        )
        search = Search(objective(rows), max_evaluations)
        try:
            bounds = np.array(search.objective.bounds())
            converged = minimise(search, at, curvature, bounds, decrease=GAIN * len(rows))
        except BudgetSpentError:
            converged = False
        assert search.best is not None
        at = search.best[0]
    return hyperparameters_of(search, converged)
