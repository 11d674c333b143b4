"""Maximum a posteriori fit of the intrinsic coregionalisation model, with closed-form gradients.

Bonilla, Chai and Williams, "Multi-task Gaussian Process Prediction" (NIPS 2008): the covariance of
task ``t`` at ``x`` and task ``t'`` at ``x'`` is ``k(x, x') B[t, t']`` with ``B = W W' + diag(v)``,
observed with one noise level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpotri, dpotrs

from surrobench.arrays import FloatArray, IntArray
from surrobench.predictors.gp.correlations import Kernel, shared_correlation
from surrobench.predictors.gp.gp_fit import (
    LOWEST_NOISE,
    LOWEST_OUTPUTSCALE,
    FitReport,
    LogNormal,
    Point,
    Priors,
    Search,
    factorise,
    with_priors,
)

_LARGEST_FACTOR = 1e2
_HIGHEST = 1e8


@dataclass(frozen=True)
class Coregionalised:
    """Fitted hyperparameters.

    Attributes:
        lengthscale: shared by all columns and tasks.
        factors: ``W``, ``T x r``.
        variances: ``v``, ``T``.
        noise: variance of an observation around the function.
        report: of the search.
    """

    lengthscale: float
    factors: FloatArray
    variances: FloatArray
    noise: float
    report: FitReport


class CoregionalisedPosterior:
    """Log posterior density of the hyperparameters, and its gradient.

    The argument is ``[log lengthscale, W row by row, log v, log noise]``. Priors: those of
    :class:`~.gp_fit.Priors` on lengthscale and noise, its outputscale's on each ``v``, and a
    standard normal over the square root of the rank on each entry of ``W``. The mean is zero.

    Args:
        X: inputs of all tasks, scaled to about the unit cube, ``n x d``.
        tasks: index of the task of each row, ``n``, ascending from 0 without gaps.
        y: values with mean 0 and variance 1 within each task, ``n``.
        kernel: name of the kernel over inputs.
        rank: columns of ``W``.
        priors: for inputs of ``d`` dimensions and targets of variance 1.
    """

    def __init__(
        self,
        X: FloatArray,
        tasks: IntArray,
        y: FloatArray,
        kernel: Kernel,
        rank: int,
        priors: Priors,
    ) -> None:
        self._correlation = shared_correlation(X, kernel)
        self._tasks, self._y = tasks, y
        self._first = np.flatnonzero(np.diff(tasks, prepend=-1))
        self._shape = len(self._first), rank
        self._priors, self._deviation = priors, rank**-0.5

    def bounds(self) -> list[tuple[float, float]]:
        """Of each entry of the argument."""
        tasks, rank = self._shape
        lengthscale, _, noise = self._priors.bounds(1)
        variance = (math.log(LOWEST_OUTPUTSCALE), math.log(_HIGHEST))
        factor = (-_LARGEST_FACTOR, _LARGEST_FACTOR)
        return [lengthscale, *[factor] * (tasks * rank), *[variance] * tasks, noise]

    def start(self, dimensions: int) -> FloatArray:
        """All tasks alike but for a third of their variance, and a tenth of noise.

        Further columns of ``W`` start with alternating signs, as from zero nothing would move them.
        """
        tasks, rank = self._shape
        lengthscale, _, noise = self._priors.start(1, dimensions)
        W = np.full((tasks, rank), 0.8)
        for column in range(1, rank):
            W[:, column] = 0.1 * np.where((np.arange(tasks) // column) % 2, 1.0, -1.0)
        return np.concatenate([[lengthscale], W.ravel(), np.full(tasks, math.log(1 / 3)), [noise]])

    def parts(self, parameters: FloatArray) -> tuple[float, FloatArray, FloatArray, float]:
        """Lengthscale, ``W``, ``v`` and noise."""
        tasks, rank = self._shape
        W = parameters[1 : 1 + tasks * rank].reshape(tasks, rank)
        v = np.exp(parameters[1 + tasks * rank : -1])
        return math.exp(parameters[0]), W, v, math.exp(parameters[-1])

    def __call__(self, log_parameters: FloatArray) -> Point:
        """Evaluate value and gradient.

        Raises:
            ArithmeticError: if no jitter makes the covariance positive definite.
        """
        _, W, v, noise = self.parts(log_parameters)
        correlation, pull = self._correlation(log_parameters[:1])
        B = W @ W.T + np.diag(v)
        spread = B[np.ix_(self._tasks, self._tasks)]
        factor, jitter = factorise(correlation * spread, 1.0, noise)
        n = len(self._y)
        alpha = dpotrs(factor, np.asfortranarray(self._y[:, None]), lower=1)[0][:, 0]
        log_determinant = 2.0 * float(np.log(np.diagonal(factor)).sum())
        value = -0.5 * (float(self._y @ alpha) + log_determinant + n * math.log(2.0 * math.pi))
        # d log N / d theta = tr((alpha alpha' - K^-1) dK/dtheta) / 2.
        lower = np.tril(dpotri(factor, lower=1, overwrite_c=1)[0])
        inverse = lower + np.tril(lower, -1).T
        M = np.multiply.outer(alpha, alpha) - inverse
        by_task = M * correlation
        by_task = np.add.reduceat(by_task, self._first, axis=0)
        by_task = np.add.reduceat(by_task, self._first, axis=1)
        gradient = np.concatenate(
            [
                0.5 * pull(M * spread),
                (by_task @ W).ravel(),
                0.5 * v * np.diagonal(by_task),
                [0.5 * noise * float(np.trace(M))],
            ]
        )
        return self._with_priors(log_parameters, Point(value, gradient, 0.0, jitter))

    def _with_priors(self, parameters: FloatArray, point: Point) -> Point:
        tasks, rank = self._shape
        middle = 1 + tasks * rank
        lognormal: list[tuple[LogNormal, slice]] = [
            (self._priors.lengthscale, slice(0, 1)),
            (self._priors.outputscale, slice(middle, middle + tasks)),
            (self._priors.noise, slice(middle + tasks, middle + tasks + 1)),
        ]
        point = with_priors(point, lognormal, parameters)
        value, gradient = point.value, point.gradient
        scores = parameters[1:middle] / self._deviation
        constant = math.log(self._deviation) + 0.5 * math.log(2.0 * math.pi)
        value -= float(0.5 * scores @ scores) + len(scores) * constant
        gradient[1:middle] -= scores / self._deviation
        return Point(value, gradient, 0.0, point.jitter)


def fit_coregionalisation(
    X: FloatArray,
    tasks: IntArray,
    y: FloatArray,
    kernel: Kernel,
    *,
    rank: int,
    priors: Priors,
    max_evaluations: int,
) -> Coregionalised:
    """Maximise the log posterior of the hyperparameters with L-BFGS-B, from one start.

    Args:
        X: see :class:`CoregionalisedPosterior`, as for the others.
        tasks: index of the task of each row.
        y: values.
        kernel: name of the kernel.
        rank: columns of ``W``.
        priors: the priors; they are part of the objective.
        max_evaluations: budget of likelihood evaluations.

    Raises:
        ArithmeticError: if the covariance cannot be factorised.
    """
    objective = CoregionalisedPosterior(X, tasks, y, kernel, rank, priors)
    search = Search(objective, max_evaluations)
    converged = search.run(objective.start(X.shape[1]))
    assert search.best is not None
    parameters, point = search.best
    lengthscale, W, v, noise = objective.parts(parameters)
    report = FitReport(search.evaluations, converged, point.value, point.jitter)
    noise = max(noise + point.jitter, LOWEST_NOISE)
    return Coregionalised(lengthscale, W, v, noise, report)
