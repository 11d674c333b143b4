"""The sparse variational Gaussian process as a predictor."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from botorch.models.model import Model
from torch import Tensor

from surrobench.arrays import FloatArray, IntArray
from surrobench.base.columns import ColumnBlock
from surrobench.base.options import check_counts
from surrobench.base.process_state import standard_numerics
from surrobench.predictors.gp.covariance import Combine, PoolCovariance
from surrobench.predictors.gp.fitted_gp import checked_examples, unit_variance
from surrobench.predictors.gp.gp_fit import BudgetSpentError, FitReport, Search
from surrobench.predictors.gp.kernels import BlockKernelName, Lengthscales
from surrobench.predictors.gp.process import Process
from surrobench.predictors.gp.quasi_newton import GAIN, grown_curvature, minimise
from surrobench.predictors.gp.recipe import BlockGP
from surrobench.predictors.recipe import canonical_rows
from surrobench.predictors.sparse_gp.bound import SparsePosterior
from surrobench.predictors.sparse_gp.inducing import conditional_variance
from surrobench.predictors.sparse_gp.model import SparseModel
from surrobench.predictors.transforms import fit_inner_transform

_ROUNDS = 2
_FIRST_EXAMPLES = 500


@dataclass(frozen=True)
class SparseGP(BlockGP):
    """A sparse variational Gaussian process: time and memory grow with the examples, not faster.

    ``m`` of the ``n`` examples are inducing points; a fit takes time ``O(n m²)`` and memory
    ``O(n m)``. Hyperparameters maximise the collapsed bound (Titsias 2009) on the likelihood of all
    examples times the priors that the exact processes have. Inducing points are the examples that
    leave the least variance unexplained (Burt et al. 2020): first for hyperparameters fitted to
    500 random examples exactly, then again for those that the bound chose.

    With no more examples than inducing points it is the exact process. Kernels, and so the exact
    counterparts: over all columns ``gp-matern52-ard`` (the default) and, with
    ``lengthscales = "shared"``, ``gp-matern52``; with ``kernel = "categorical"`` and
    ``lengthscales = "variable"``, ``gp-mixed`` (or ``gp-blocks``, if ``combine = "sum"``), which
    give each block of columns a kernel of its own.

    Args:
        kernel: ``"rbf"``, ``"matern-1/2"``, ``"matern-3/2"`` or ``"matern-5/2"`` over all columns,
            or ``"categorical"``: over one-hot blocks the product over variables of
            ``exp(-[a_v != b_v] / lengthscale_v²)``, over numeric blocks Matérn-5/2.
        lengthscales: ``"shared"``, ``"variable"`` (in one-hot blocks) or ``"column"``.
        combine: ``"product"`` or ``"sum"`` of the kernels of blocks, where they have their own.
        transform: of the targets.
        ard: with a categorical kernel, encodings whose columns have an RBF kernel with a
            lengthscale each.
        inducing: inducing points, at most.
        max_evaluations: budget of evaluations of the bound.
        blocks: set by :meth:`for_blocks`.

    Where the priors lie, and how wide, are further options
    (:class:`~surrobench.predictors.gp.gp_fit.PriorShape`).
    """

    kernel: BlockKernelName = "matern-5/2"
    lengthscales: Lengthscales = "column"
    combine: Combine = "product"
    inducing: int = 500
    max_evaluations: int = 60

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        super().__post_init__()
        check_counts(self, "inducing", "max_evaluations")

    @standard_numerics()
    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Model:
        """Fit to ``X`` (``n x d``) and ``y`` (``n x 1``); deterministic, ``seed`` is not used.

        The order of the examples plays no part.

        Returns:
            A :class:`~.model.SparseModel` in units of ``y``.

        Raises:
            ValueError: for wrong shapes or values that are not finite.
        """
        X, y = canonical_rows(*checked_examples(X, y))
        transform = fit_inner_transform(self.transform, y)
        targets = transform.forward(y).reshape(-1).numpy().copy()
        fit = _Fit(self._over(X).covariance(X), targets, self.inducing, self.max_evaluations)
        log_parameters, chosen, report = fit.run()
        parameters = fit.covariance.parameters(log_parameters, report.jitter)
        kernel = fit.covariance.bind(parameters)
        process = Process(X, fit.covariance, parameters, kernel, fit.unit, report)
        logs = log_parameters.copy()
        logs[-1] = np.log(parameters.noise)
        found = SparsePosterior.of(fit.covariance, chosen, targets, fit.unit).collapsed(logs)
        return transform.wrap(SparseModel.of(process, targets, chosen, found))

    def _over(self, X: Tensor) -> SparseGP:
        """The recipe as the exact one would have it: but for "categorical", one block of all."""
        if self.kernel == "categorical":
            return self
        return replace(self, blocks=(ColumnBlock("columns", 0, X.shape[1]),), ard=())


class _Fit:
    """Hyperparameters and inducing points, in turn."""

    def __init__(
        self, covariance: PoolCovariance, y: FloatArray, inducing: int, max_evaluations: int
    ) -> None:
        self.covariance, self.y, self.inducing = covariance, y, inducing
        self.budget = max_evaluations
        self.unit = unit_variance(torch.from_numpy(y))

    def run(self) -> tuple[FloatArray, IntArray, FitReport]:
        """Log hyperparameters, inducing points, and what was done."""
        n, covariance = len(self.y), self.covariance
        few = np.random.default_rng(n).permutation(n)[: min(_FIRST_EXAMPLES, self.inducing)]
        if n <= self.inducing:
            few = np.arange(n)
        at, report = covariance.fit(few, self.y[few], self.unit, None, self.budget)
        if n <= self.inducing:
            return at, self._chosen(at), report
        exact = covariance.objective(few, self.y[few], self.unit)
        priors, bounds = covariance.prior_parts(self.unit), np.array(covariance.bounds(self.unit))
        best: tuple[float, FloatArray, IntArray] | None = None
        used, converged = 0, False
        for _ in range(_ROUNDS):
            if used >= self.budget:
                break
            chosen = self._chosen(at)
            objective = SparsePosterior.of(covariance, chosen, self.y, self.unit)
            search = Search(objective, self.budget - used)
            curvature = grown_curvature(exact, at, n / len(few), priors)
            try:
                converged = minimise(search, at, curvature, bounds, decrease=GAIN * n)
            except BudgetSpentError:
                converged = False
            used += search.evaluations
            assert search.best is not None
            at, point = search.best
            if best is None or point.value > best[0]:
                best = point.value, at, chosen
        assert best is not None
        value, at, chosen = best
        return at, chosen, FitReport(used, converged, value, 0.0)

    def _chosen(self, log_parameters: FloatArray) -> IntArray:
        kernel = self.covariance.bind(self.covariance.parameters(log_parameters, 0.0))
        return conditional_variance(kernel, len(self.y), self.inducing)
