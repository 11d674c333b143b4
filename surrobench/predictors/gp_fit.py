"""Maximum a posteriori fit of an exact Gaussian process, with closed-form gradients.

The objective is the one GPyTorch's ``ExactMarginalLogLikelihood`` sees (times ``n``): the log
marginal likelihood of ``y ~ N(c, s K + noise I)`` plus the log densities of the priors on
lengthscales, outputscale and noise. The constant ``c`` has no prior and is profiled out. Values and
gradients equal automatic differentiation; they cost one Cholesky factorisation, one inverse and a
few passes over an ``n x n`` matrix, whatever the number of lengthscales (Rasmussen and Williams
2006, chapter 5).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

if TYPE_CHECKING:
    from surrobench.predictors.protocol import FloatArray

Kernel = Literal["rbf", "matern-1/2", "matern-3/2", "matern-5/2"]

LOWEST_LENGTHSCALE = 0.025
LOWEST_OUTPUTSCALE = 1e-4
LOWEST_NOISE = 1e-4
_HIGHEST = 1e8
_COINCIDENT = 1e-14
_JITTERS = (0.0, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)


@dataclass(frozen=True)
class LogNormal:
    """A log-normal prior: ``log x ~ N(location, scale²)``."""

    location: float
    scale: float

    def log_density(self, log_x: FloatArray) -> tuple[float, FloatArray]:
        """Summed log density of ``x`` (not of ``log x``), and its slope in each ``log x``."""
        z = (log_x - self.location) / self.scale
        constant = math.log(self.scale) + 0.5 * math.log(2.0 * math.pi)
        return float(-np.sum(log_x + constant + 0.5 * z * z)), -1.0 - z / self.scale


@dataclass(frozen=True)
class Priors:
    """Priors on the hyperparameters, for inputs in the unit cube.

    Attributes:
        lengthscale: for each lengthscale.
        outputscale: for the variance of the function.
        noise: for the variance of an observation around the function.
        unit: variance of the targets; bounds and the start of the search are multiples of it.
    """

    lengthscale: LogNormal
    outputscale: LogNormal
    noise: LogNormal
    unit: float = 1.0

    @classmethod
    def scaled_to(cls, dimensions: int, variance: float = 1.0) -> Priors:
        """Priors for inputs of so many dimensions and targets of this variance.

        Lengthscales grow with the square root of the dimension (Hvarfner et al. 2024). The spread
        is narrower than theirs (0.6 instead of sqrt 3 in the logarithm): with 25 to 100
        architectures and one lengthscale per column the wide prior let columns be switched off by
        chance, and the narrow one ranked better on NAS-Bench-201, TransNAS-Bench-101, HW-GPT-Bench
        and NAS-Bench-MR; from 200 architectures on the two agree.
        """
        growth, shift = 0.5 * math.log(max(dimensions, 1)), math.log(variance)
        return cls(
            lengthscale=LogNormal(0.5 + growth, 0.6),
            outputscale=LogNormal(shift, 1.0),
            noise=LogNormal(shift - 3.0, 1.5),
            unit=variance,
        )

    def start(self, lengthscales: int, dimensions: int) -> FloatArray:
        """Log hyperparameters to search from: smooth over the cube, one tenth of it noise."""
        smooth = [0.5 * math.sqrt(dimensions)] * lengthscales
        return np.log([*smooth, self.unit, 0.1 * self.unit])

    def bounds(self, lengthscales: int) -> list[tuple[float, float]]:
        """Bounds of the log hyperparameters."""
        lengthscale = (math.log(LOWEST_LENGTHSCALE), math.log(_HIGHEST))
        highest = math.log(_HIGHEST * self.unit)
        outputscale = (math.log(LOWEST_OUTPUTSCALE * self.unit), highest)
        noise = (math.log(LOWEST_NOISE * self.unit), highest)
        return [lengthscale] * lengthscales + [outputscale, noise]


@dataclass(frozen=True)
class FitReport:
    """What a fit did; nothing in it depends on the clock.

    Attributes:
        evaluations: likelihood evaluations spent.
        converged: whether the optimiser stopped by itself within its budget.
        log_posterior: log marginal likelihood plus log priors at the optimum.
        jitter: what had to be added to the diagonal (it is part of the model's noise).
    """

    evaluations: int
    converged: bool
    log_posterior: float
    jitter: float


@dataclass(frozen=True)
class Hyperparameters:
    """The fitted values: ``lengthscales`` has 1 or ``d`` entries."""

    lengthscales: FloatArray
    outputscale: float
    noise: float
    constant: float


@dataclass(frozen=True)
class Point:
    """The objective at one setting of the hyperparameters."""

    value: float
    gradient: FloatArray
    constant: float
    jitter: float


def _rbf(squared: FloatArray) -> tuple[FloatArray, FloatArray]:
    k = np.exp(-0.5 * squared)
    return k, k


def _matern12(squared: FloatArray) -> tuple[FloatArray, FloatArray]:
    r = np.sqrt(squared)
    k = np.exp(-r)
    # The distance of coincident points does not depend on the lengthscale.
    weight = np.divide(k, r, out=np.zeros_like(k), where=squared > 0.0)
    return k, weight


def _matern32(squared: FloatArray) -> tuple[FloatArray, FloatArray]:
    r = np.sqrt(3.0 * squared)
    e = np.exp(-r)
    r += 1.0
    r *= e
    e *= 3.0
    return r, e


def _matern52(squared: FloatArray) -> tuple[FloatArray, FloatArray]:
    k = squared * (5.0 / 3.0)
    r = np.sqrt(5.0 * squared)
    e = np.exp(-r)
    r += 1.0
    k += r
    k *= e
    r *= e
    r *= 5.0 / 3.0
    return k, r


# Each maps squared scaled distances to the kernel and to the weight w in
# d kernel / d log lengthscale_j = w * (x_j - x'_j)² / lengthscale_j².
PROFILES: dict[str, Callable[[FloatArray], tuple[FloatArray, FloatArray]]] = {
    "rbf": _rbf,
    "matern-1/2": _matern12,
    "matern-3/2": _matern32,
    "matern-5/2": _matern52,
}


class LogPosterior:
    """Log marginal likelihood plus log priors, a function of log hyperparameters.

    The argument holds the logarithms of the lengthscales (1 or ``d``), the outputscale and the
    noise, in this order.
    """

    def __init__(
        self, X: FloatArray, y: FloatArray, kernel: Kernel, *, ard: bool, priors: Priors
    ) -> None:
        """Take ``X`` (``n x d``, already scaled) and ``y`` (``n``)."""
        self.X = np.ascontiguousarray(X - X.mean(axis=0))
        self.y = y
        self.ard = ard
        self.priors = priors
        self._profile = PROFILES[kernel]
        self._targets = np.asfortranarray(np.stack([y, np.ones_like(y)], axis=1))
        self._squared = None if ard else cdist(X, X, "sqeuclidean")
        self._squares = self.X * self.X

    @property
    def size(self) -> int:
        """Length of the argument."""
        return (self.X.shape[1] if self.ard else 1) + 2

    def bounds(self) -> list[tuple[float, float]]:
        """Bounds of the log hyperparameters."""
        return self.priors.bounds(self.size - 2)

    def __call__(self, log_parameters: FloatArray) -> Point:
        """Evaluate value and gradient.

        Raises:
            ArithmeticError: if no jitter makes the covariance positive definite.
        """
        log_lengthscales, (log_outputscale, log_noise) = log_parameters[:-2], log_parameters[-2:]
        inverse_squares = np.exp(-2.0 * log_lengthscales)
        outputscale, noise = math.exp(log_outputscale), math.exp(log_noise)
        squared = self._scaled_distances(inverse_squares)
        correlation, weight = self._profile(squared)
        factor, jitter = factorise(correlation, outputscale, noise)
        solved = dpotrs(factor, self._targets, lower=1)[0]
        constant = float(solved[:, 0].sum() / solved[:, 1].sum())
        alpha = solved[:, 0] - constant * solved[:, 1]
        residual = self.y - constant
        n, fit = len(self.y), float(residual @ alpha)
        log_determinant = 2.0 * float(np.log(np.diagonal(factor)).sum())
        value = -0.5 * (fit + log_determinant + n * math.log(2.0 * math.pi))

        # The transpose is in C order and upper triangular: half of the symmetric inverse.
        inverse = dpotri(factor, lower=1, overwrite_c=1)[0].T
        curvature = float(alpha @ alpha) - float(np.trace(inverse))
        added = noise + jitter
        by_lengthscale = self._lengthscale_slopes(weight, alpha, inverse, squared, inverse_squares)
        gradient = np.concatenate(
            [
                0.5 * outputscale * by_lengthscale,
                [0.5 * (fit - n - added * curvature), 0.5 * noise * curvature],
            ]
        )
        return self._with_priors(log_parameters, Point(value, gradient, constant, jitter))

    def _scaled_distances(self, inverse_squares: FloatArray) -> FloatArray:
        if self._squared is not None:
            return self._squared * inverse_squares[0]
        Z = self.X * np.sqrt(inverse_squares)
        norms = np.einsum("ij,ij->i", Z, Z)
        squared = Z @ Z.T
        squared *= -2.0
        squared += norms[:, None]
        squared += norms
        # What is left of coincident points is rounding, sometimes negative.
        squared[squared < _COINCIDENT] = 0.0
        return squared

    def _lengthscale_slopes(
        self,
        weight: FloatArray,
        alpha: FloatArray,
        inverse: FloatArray,
        squared: FloatArray,
        inverse_squares: FloatArray,
    ) -> FloatArray:
        """``sum_ij M_ij w_ij (x_ik - x_jk)² / lengthscale_k²`` with ``M = a a' - inverse``."""
        # Twice one triangle of the inverse stands for both; its diagonal meets distance zero.
        inverse *= -2.0
        inverse += np.multiply.outer(alpha, alpha)
        inverse *= weight
        if self._squared is not None:
            return np.array([np.vdot(inverse, squared)])
        sums = inverse.sum(axis=0) + inverse.sum(axis=1)
        cross = np.einsum("ij,ij->j", self.X, inverse @ self.X)
        slopes: FloatArray = (sums @ self._squares - 2.0 * cross) * inverse_squares
        return slopes

    def _with_priors(self, log_parameters: FloatArray, point: Point) -> Point:
        value, gradient = point.value, point.gradient
        k = len(log_parameters) - 2
        parts = ((self.priors.lengthscale, slice(0, k)), (self.priors.outputscale, slice(k, k + 1)))
        for prior, part in (*parts, (self.priors.noise, slice(k + 1, k + 2))):
            density, slope = prior.log_density(log_parameters[part])
            value += density
            gradient[part] += slope
        return Point(value, gradient, point.constant, point.jitter)


def factorise(
    correlation: FloatArray, outputscale: float, noise: float
) -> tuple[FloatArray, float]:
    """Lower Cholesky factor of ``outputscale * correlation + (noise + jitter) I``, and jitter."""
    for relative in _JITTERS:
        jitter = relative * outputscale
        covariance = correlation * outputscale
        covariance.flat[:: len(covariance) + 1] += noise + jitter
        factor, failed = dpotrf(covariance.T, lower=1, clean=1, overwrite_a=1)
        if failed == 0 and np.isfinite(np.diagonal(factor)).all():
            return factor, jitter
    raise ArithmeticError(
        "the covariance of the training points is not positive definite, even with "
        f"{_JITTERS[-1]:g} of the outputscale on its diagonal; look for infinite or huge values."
    )


class _BudgetSpentError(Exception):
    """Ends the optimisation from inside; the best point seen so far is the answer."""


class Objective(Protocol):
    """A log posterior density of log hyperparameters."""

    def __call__(self, log_parameters: FloatArray) -> Point:
        """Value and gradient."""
        ...

    def bounds(self) -> list[tuple[float, float]]:
        """Bounds of each log hyperparameter."""
        ...


class Search:
    """Minimises the negative log posterior and remembers the best point it saw."""

    def __init__(self, objective: Objective, budget: int) -> None:
        self.objective = objective
        self.budget = budget
        self.evaluations = 0
        self.best: tuple[FloatArray, Point] | None = None

    def __call__(self, log_parameters: FloatArray) -> tuple[float, FloatArray]:
        """Negative value and gradient; ends the search when the budget is spent."""
        if self.evaluations >= self.budget:
            raise _BudgetSpentError
        self.evaluations += 1
        point = self.objective(log_parameters)
        if self.best is None or point.value > self.best[1].value:
            self.best = log_parameters.copy(), point
        return -point.value, -point.gradient

    def run(self, start: FloatArray) -> bool:
        """Search from one start; whether it converged."""
        bounds = self.objective.bounds()
        options = {"maxiter": self.budget, "maxfun": self.budget, "ftol": 1e-7, "gtol": 1e-3}
        try:
            result = minimize(
                self, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options
            )
        except _BudgetSpentError:
            return False
        return bool(result.success)


def fit_hyperparameters(
    X: FloatArray,
    y: FloatArray,
    kernel: Kernel,
    *,
    ard: bool,
    priors: Priors,
    max_evaluations: int,
) -> tuple[Hyperparameters, FitReport]:
    """Maximise the log posterior of the hyperparameters with L-BFGS-B.

    One start is enough: from starts as different as "all noise" and "no noise" the searches met in
    the same optimum on NAS tables, and a start from the optimum of a subset saved no evaluations.

    Args:
        X: ``n x d`` inputs, scaled to about the unit cube.
        y: ``n`` targets, with the variance that the priors were scaled to.
        kernel: name of the kernel.
        ard: one lengthscale per column instead of one shared by all.
        priors: the priors; they are part of the objective.
        max_evaluations: budget of likelihood evaluations.

    Raises:
        ArithmeticError: if the covariance cannot be factorised.
    """
    objective = LogPosterior(X, y, kernel, ard=ard, priors=priors)
    start = priors.start(objective.size - 2, X.shape[1])
    search = Search(objective, max_evaluations)
    converged = search.run(start)
    assert search.best is not None
    log_parameters, point = search.best
    values = np.exp(log_parameters)
    fitted = Hyperparameters(
        lengthscales=values[:-2],
        outputscale=float(values[-2]),
        noise=float(values[-1]) + point.jitter,
        constant=point.constant,
    )
    report = FitReport(search.evaluations, converged, point.value, point.jitter)
    return fitted, report
