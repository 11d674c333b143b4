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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs
from scipy.optimize import minimize

from surrobench.errors import UserError
from surrobench.predictors.gp.correlations import (
    Correlation,
    DenseCorrelation,
    Kernel,
    shared_correlation,
)

if TYPE_CHECKING:
    from surrobench.arrays import FloatArray

LOWEST_LENGTHSCALE = 0.025
LOWEST_OUTPUTSCALE = 1e-4
LOWEST_NOISE = 1e-4
_HIGHEST = 1e8
JITTERS = (0.0, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
"""Shares of the outputscale that are tried on the diagonal, one after the other."""


@dataclass(frozen=True)
class LogNormal:
    """A log-normal prior: ``log x ~ N(location, scale²)``."""

    location: float
    scale: float

    def log_density(self, log_x: FloatArray) -> tuple[float, FloatArray]:
        """Summed log density of ``x`` (not of ``log x``), and its slope in each ``log x``."""
        constant = math.log(self.scale) + 0.5 * math.log(2.0 * math.pi)
        if log_x.size == 1:  # in Python's numbers, which are quicker than arrays and the same
            x = log_x.item()
            score = (x - self.location) / self.scale
            slope = np.full_like(log_x, -1.0 - score / self.scale)
            return -(x + constant + 0.5 * score * score), slope
        z = (log_x - self.location) / self.scale
        return float(-np.sum(log_x + constant + 0.5 * z * z)), -1.0 - z / self.scale


@dataclass(frozen=True, kw_only=True)
class PriorShape:
    """Where the priors lie, and how wide: for inputs of one dimension and targets of variance 1.

    Args:
        lengthscale_location: mean of the log lengthscale; half the log dimension is added.
        lengthscale_spread: its standard deviation.
        outputscale_spread: standard deviation of the log outputscale, whose mean is 0.
        noise_location: mean of the log noise variance.
        noise_spread: its standard deviation.

    Raises:
        UserError: for a value that is not a finite number, or a spread that is not positive.
    """

    lengthscale_location: float = 0.5
    lengthscale_spread: float = 0.6
    outputscale_spread: float = 1.0
    noise_location: float = -3.0
    noise_spread: float = 1.5

    def __post_init__(self) -> None:
        """Refuse values that are not valid."""
        for field in fields(PriorShape):
            value = getattr(self, field.name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not math.isfinite(value):
                raise UserError(f"{field.name} is {value!r}; it must be a finite number.")
            if field.name.endswith("spread") and value <= 0:
                raise UserError(f"{field.name} is {value!r}; it must be positive.")


def prior_options(shape: PriorShape) -> dict[str, Any]:
    """The options of a shape, or of a predictor that has them, by name."""
    return {field.name: getattr(shape, field.name) for field in fields(PriorShape)}


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
    def scaled_to(
        cls, dimensions: int, variance: float = 1.0, shape: PriorShape | None = None
    ) -> Priors:
        """Priors for inputs of so many dimensions and targets of this variance.

        Lengthscales grow with the square root of the dimension (Hvarfner et al. 2024). The spread
        is narrower than theirs (sqrt 3 in the logarithm). The shape's defaults were chosen on
        NAS-Bench-201, TransNAS-Bench-101, HW-GPT-Bench and NAS-Bench-MR, and kept: no trial of
        ``benchmarks/tuning.py`` was surely better on its development tables without losing
        noise-free searches (``results/tuning``).
        """
        shape = shape or PriorShape()
        growth, shift = 0.5 * math.log(max(dimensions, 1)), math.log(variance)
        return cls(
            lengthscale=LogNormal(shape.lengthscale_location + growth, shape.lengthscale_spread),
            outputscale=LogNormal(shift, shape.outputscale_spread),
            noise=LogNormal(shift + shape.noise_location, shape.noise_spread),
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

    def parts(self, lengthscales: int) -> list[tuple[LogNormal, slice]]:
        """Each prior with the log hyperparameters that it is for."""
        k = lengthscales
        return [
            (self.lengthscale, slice(0, k)),
            (self.outputscale, slice(k, k + 1)),
            (self.noise, slice(k + 1, k + 2)),
        ]


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


def with_priors(
    point: Point, priors: Iterable[tuple[LogNormal, slice]], log_parameters: FloatArray
) -> Point:
    """A likelihood made a posterior: the log densities of priors added, in place in the gradient.

    Args:
        point: of the likelihood.
        priors: each with the entries of the argument that it is for.
        log_parameters: the argument.
    """
    value, gradient = point.value, point.gradient
    for prior, part in priors:
        density, slope = prior.log_density(log_parameters[part])
        value += density
        gradient[part] += slope
    return Point(value, gradient, point.constant, point.jitter)


class SumPosterior:
    """Log marginal likelihood plus log priors, a function of log hyperparameters.

    The covariance is ``sum_t s_t C_t + noise I``. The argument holds the logarithms of the
    lengthscales of each term ``C_t`` in turn, of the outputscales ``s_t`` and of the noise.

    Args:
        terms: correlations of the ``n`` training points.
        y: targets, ``n``.
        priors: one or more for neighbouring entries of the argument, from the first to the last.
        bounds: of each entry.
    """

    def __init__(
        self,
        terms: Sequence[Correlation],
        y: FloatArray,
        priors: Sequence[tuple[LogNormal, slice]],
        bounds: list[tuple[float, float]],
    ) -> None:
        self.terms, self.y = terms, y
        self._parts, self._bounds = priors, bounds
        self._first_scale = sum(term.size for term in terms)
        ends = np.cumsum([0, *(term.size for term in terms)]).tolist()
        self._lengthscales = [slice(*span) for span in pairwise(ends)]
        # Arrays of this size are new pages of memory each time, which cost as much as what is
        # computed in them.
        self._covariance, self._products = np.empty((2, len(y), len(y)))
        self._targets = np.asfortranarray(np.stack([y, np.ones_like(y)], axis=1))

    @property
    def size(self) -> int:
        """Length of the argument."""
        return self._first_scale + len(self.terms) + 1

    def bounds(self) -> list[tuple[float, float]]:
        """Bounds of the log hyperparameters."""
        return self._bounds

    def __call__(self, log_parameters: FloatArray) -> Point:
        """Evaluate value and gradient.

        Raises:
            ArithmeticError: if no jitter makes the covariance positive definite.
        """
        scales = np.exp(log_parameters[self._first_scale : -1])
        outputscale, noise = float(scales.sum()), math.exp(log_parameters[-1])
        spans = zip(self.terms, self._lengthscales, strict=True)
        parts = [term(log_parameters[span]) for term, span in spans]
        correlation = parts[0][0]
        if len(parts) > 1:
            shares = scales / outputscale
            correlation = sum(
                (share * matrix for share, (matrix, _) in zip(shares, parts, strict=True)),
                start=np.zeros_like(correlation),
            )
        # log N(y | c 1, K) = -(r' K^-1 r + log |K| + n log 2 pi) / 2 with r = y - c 1, the constant
        # c = 1' K^-1 y / 1' K^-1 1 profiled out (its slope vanishes), and alpha = K^-1 r:
        #     d log N / d theta = tr((alpha alpha' - K^-1) dK/dtheta) / 2.
        factor, jitter = factorise(correlation, outputscale, noise, room=self._covariance)
        solved = dpotrs(factor, self._targets, lower=1)[0]
        constant = float(solved[:, 0].sum() / solved[:, 1].sum())
        alpha = solved[:, 0] - constant * solved[:, 1]
        residual = self.y - constant
        n, fit = len(self.y), float(residual @ alpha)
        log_determinant = 2.0 * float(np.log(factor.diagonal()).sum())
        value = -0.5 * (fit + log_determinant + n * math.log(2.0 * math.pi))

        # The transpose is in C order and upper triangular: half of the symmetric inverse.
        inverse = dpotri(factor, lower=1, overwrite_c=1)[0].T
        trace = float(inverse.trace())
        curvature = float(alpha @ alpha) - trace
        # Twice one triangle of the inverse stands for both.
        inverse *= -2.0
        inverse += np.multiply(alpha[:, None], alpha, out=self._products)
        if len(parts) == 1:
            # What noise and jitter do not explain, the only term does.
            by_scale = [fit - n - (noise + jitter) * curvature]
        else:
            by_scale = [
                scale * (float(np.vdot(inverse, matrix)) + trace)
                for scale, (matrix, _) in zip(scales, parts, strict=True)
            ]
        # Jitter is a share of the outputscale.
        by_scale = [
            slope + jitter * curvature * scale / outputscale if jitter else slope
            for slope, scale in zip(by_scale, scales, strict=True)
        ]
        last = len(parts) - 1
        by_lengthscale = [
            scale * pull(inverse if i == last else inverse.copy())
            for i, (scale, (_, pull)) in enumerate(zip(scales, parts, strict=True))
        ]
        gradient = 0.5 * np.concatenate([*by_lengthscale, by_scale, [noise * curvature]])
        return with_priors(Point(value, gradient, constant, jitter), self._parts, log_parameters)


class LogPosterior(SumPosterior):
    """The same for one kernel over all columns with 1 or ``d`` lengthscales."""

    def __init__(
        self, X: FloatArray, y: FloatArray, kernel: Kernel, *, ard: bool, priors: Priors
    ) -> None:
        """Take ``X`` (``n x d``, already scaled) and ``y`` (``n``)."""
        term: Correlation = (
            DenseCorrelation(X, kernel, np.arange(X.shape[1]))
            if ard
            else shared_correlation(X, kernel)
        )
        super().__init__([term], y, priors.parts(term.size), priors.bounds(term.size))


def factorise(
    correlation: FloatArray, outputscale: float, noise: float, *, room: FloatArray | None = None
) -> tuple[FloatArray, float]:
    """Lower Cholesky factor of ``outputscale * correlation + (noise + jitter) I``, and jitter.

    Args:
        correlation: ``n x n``.
        outputscale: variance of the function.
        noise: variance of an observation around it.
        room: ``n x n`` numbers in C order that the factor may take the place of.

    Raises:
        ArithmeticError: if no jitter makes the covariance positive definite.
    """
    for relative in JITTERS:
        jitter = relative * outputscale
        covariance: FloatArray = np.multiply(correlation, outputscale, out=room)
        diagonal = covariance.reshape(-1)[:: len(covariance) + 1]
        diagonal += noise + jitter
        factor, failed = dpotrf(covariance.T, lower=1, clean=1, overwrite_a=1)
        if failed == 0 and np.isfinite(factor.diagonal()).all():
            return factor, jitter
    raise not_positive_definite()


def not_positive_definite() -> ArithmeticError:
    """What is raised where no jitter helps."""
    return ArithmeticError(
        "the covariance of the training points is not positive definite, even with "
        f"{JITTERS[-1]:g} of the outputscale on its diagonal; look for infinite or huge values."
    )


class BudgetSpentError(Exception):
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
            raise BudgetSpentError
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
        except BudgetSpentError:
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
    return hyperparameters_of(search, converged)


def hyperparameters_of(search: Search, converged: bool) -> tuple[Hyperparameters, FitReport]:
    """The best point that a search of one kernel's hyperparameters saw, and what it did."""
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
