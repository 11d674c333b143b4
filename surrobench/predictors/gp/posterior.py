"""The posterior of a Gaussian process at every candidate of a pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from surrobench.arrays import FloatArray, IntArray
from surrobench.base.process_state import standard_numerics
from surrobench.base.wording import counted
from surrobench.predictors.gp.factor import PoolFactor
from surrobench.predictors.gp.fitted_gp import FittedGP
from surrobench.predictors.gp.modules import botorch_model
from surrobench.predictors.gp.process import Process
from surrobench.predictors.gp.sampling import joint_samples
from surrobench.predictors.posterior import Kind
from surrobench.predictors.transforms import FittedTransform

_LEAST_SHARE = 1e-12
_MOST_NUMBERS = 2**24
"""Numbers in one temporary array of a batched covariance (128 MiB)."""


class PoolPosterior:
    """An exact posterior over ``m`` candidates.

    A :class:`~surrobench.predictors.posterior.SurrogatePosterior`.

    Mean and variance are kept. Covariances, samples and conditioning read the factor of the
    session, which a later fit of hyperparameters overwrites: they then raise ``RuntimeError``.

    Attributes:
        constant: the prior mean, profiled out.
        jitter: what had to be added to the diagonal, by the fit or since (part of the noise).
    """

    kind: Kind = "gp"
    settled = True

    def __init__(
        self,
        process: Process,
        factor: PoolFactor,
        targets: FloatArray,
        transform: FittedTransform,
    ) -> None:
        """Take a process, the factor of its observations and their values (``n``, its scale)."""
        self.process, self.transform = process, transform
        self._factor, self._generation, self._n = factor, factor.generation, factor.n
        self._noise = process.parameters.noise + factor.jitter
        self.jitter = process.report.jitter + factor.jitter
        self._rows, self._targets = np.array(factor.rows, dtype=np.int64), targets
        self._extra = np.empty((0, factor.m))
        self._extra_L = np.empty((0, self._n))
        self.constant, self._mean = self._means()
        self._variance = self._floored(process.kernel.scale - factor.reduction)

    def _means(self) -> tuple[float, FloatArray]:
        """The prior mean, and the means of all candidates."""
        # With C = L L' the covariance of the observations y, profiling out the constant c gives
        #     c = 1' C^-1 y / 1' C^-1 1    and    mean(x) = c + k(x)' C^-1 (y - c 1).
        # Kernels that are sums over choices apply C^-1 once and add up by choice; others use
        # V = L^-1 K(train, pool), whose column v(x) turns that into v(x)' L^-1 (y - c 1).
        targets, factor, kernel = self._targets, self._factor, self.process.kernel
        both = np.array([targets, np.ones_like(targets)]).T
        if kernel.sums:
            by_target, by_one = factor.solve(both, self._n).T
            constant = float(by_target.sum() / by_one.sum())
            mean = kernel.weighted(self._rows, by_target - constant * by_one)
        else:
            by_target, by_one = factor.whiten(both, self._n).T
            constant = float(by_one @ by_target) / float(by_one @ by_one)
            mean = np.empty(factor.m)
            for span, tile in factor.tiles(self._n):
                np.matmul(by_target - constant * by_one, tile, out=mean[span])
        mean += constant
        return constant, mean

    def _floored(self, variance: FloatArray) -> FloatArray:
        return np.maximum(variance, _LEAST_SHARE * self.process.kernel.scale)

    @property
    def X(self) -> Tensor:  # noqa: N802
        """Candidates, ``m x d``."""
        return self.process.X

    @property
    def mean(self) -> Tensor:
        """Means, ``m``."""
        return torch.from_numpy(self._mean)

    @property
    def variance(self) -> Tensor:
        """Marginal variances, ``m``, positive."""
        return torch.from_numpy(self._variance)

    @property
    def rows(self) -> Tensor:
        """Positions of the observed candidates, ``n``."""
        return torch.from_numpy(self._rows)

    @property
    def targets(self) -> Tensor:
        """Observed values on the surrogate's scale, ``n``."""
        return torch.from_numpy(self._targets)

    @property
    def noise(self) -> float:
        """Variance of an observation around the function."""
        return self._noise

    def to_scale(self, y: Tensor) -> Tensor:
        """Values in units of the task (any shape), moved to the surrogate's scale."""
        return self.transform.forward(y.reshape(-1, 1)).reshape(y.shape)

    def members(self) -> None:
        """A Gaussian process has no members."""
        return

    def whitened(self, rows: IntArray) -> FloatArray:
        """``L^-1 k(train, rows)`` at candidates ``rows`` (``k``), ``n x k``.

        Raises:
            RuntimeError: if the session has chosen hyperparameters anew since.
        """
        self._check_current()
        columns = self._factor.columns(self._n, rows)
        return np.vstack([columns, self._extra[:, rows]]) if len(self._extra) else columns

    def factor(self) -> FloatArray:
        """Cholesky factor ``L`` of the covariance of the observations, ``n x n``."""
        self._check_current()
        n, k = self._n, len(self._extra)
        L = np.zeros((n + k, n + k))
        L[:n, :n], L[n:] = self._factor.L(n), self._extra_L
        return L

    def _check_current(self) -> None:
        if self._factor.generation != self._generation:
            raise RuntimeError(
                "this posterior is out of date: its session has refitted since; use the posterior "
                "of the last update."
            )

    @standard_numerics()
    def covariance(self, a: Tensor, b: Tensor) -> Tensor:
        """Covariance between candidates ``a`` (``... x k``) and ``b`` (``... x l``).

        Memory is bounded, however many there are.
        """
        left, right = a.numpy(), b.numpy()
        batch = np.broadcast_shapes(left.shape[:-1], right.shape[:-1])
        k, width = left.shape[-1], right.shape[-1]
        left = np.broadcast_to(left, (*batch, k)).reshape(-1, k)
        right = np.broadcast_to(right, (*batch, width)).reshape(-1, width)
        result = np.empty((len(left), k, width))
        n = self._n + len(self._extra)
        at_once = max(1, _MOST_NUMBERS // max(1, n * (k + width), k * width))
        # Only a single pair of long row sets is worth splitting along the rows.
        rows = max(1, _MOST_NUMBERS // max(1, n)) if at_once == 1 else k
        for low in range(0, len(left), at_once):
            for first in range(0, k, rows):
                part = slice(low, low + at_once), slice(first, first + rows)
                result[part] = self._covariance(left[part], right[part[0]])
        return torch.from_numpy(result.reshape(*batch, k, width))

    def _covariance(self, a: IntArray, b: IntArray) -> FloatArray:
        """Between rows ``a`` (``s x k``) and ``b`` (``s x l``), ``s x k x l``."""
        # cov(x, x') = k(x, x') - v(x)' v(x'), for many pairs of row sets at once.
        left = self.whitened(a.ravel()).reshape(-1, *a.shape)
        right = self.whitened(b.ravel()).reshape(-1, *b.shape)
        prior = self.process.kernel.between(a, b)
        prior -= left.transpose(1, 2, 0) @ right.transpose(1, 0, 2)
        return prior

    @standard_numerics()
    def sample(self, count: int, *, seed: int, rows: Tensor | None = None) -> Tensor:
        """Joint samples of the function, ``count x m``, or at ``rows`` ``count x k``.

        Exact up to 2,000 candidates; beyond, see :mod:`~.sampling`.
        """
        wanted = np.arange(len(self._mean)) if rows is None else rows.numpy()
        return torch.from_numpy(joint_samples(self, wanted, count, np.random.default_rng(seed)))

    @standard_numerics()
    def condition(self, rows: Sequence[int], values: Tensor) -> PoolPosterior:
        """The posterior after values (on the surrogate's scale) at further candidates.

        Hyperparameters, the prior mean among them, stay. Shares the memory of this posterior.
        """
        self._check_current()
        new = object.__new__(PoolPosterior)
        new.__dict__.update(self.__dict__)
        given = values.detach().numpy().reshape(-1)
        if len(given) != len(rows):
            raise ValueError(f"{counted(len(given), 'value')} for {counted(len(rows), 'row')}.")
        new._mean, reduction = self._mean.copy(), np.zeros_like(self._variance)
        extra = len(self._extra)
        new._extra = np.vstack([self._extra, np.empty((len(rows), len(self._mean)))])
        new._extra_L = np.zeros((extra + len(rows), self._n + extra + len(rows)))
        new._extra_L[:extra, : self._n + extra] = self._extra_L
        kernel, noise = self.process.kernel, self.noise
        for position, (row, value) in enumerate(zip(map(int, rows), given, strict=True)):
            # One more row of L and of V: with v the column of V at the new row r,
            #     pivot² = k(r, r) + noise - v'v,    fresh(x) = cov(r, x) / pivot,
            # and then mean += fresh (value - mean(r)) / pivot, variance -= fresh².
            at = extra + position
            by_factor = self._factor.columns(self._n, np.array([row]))[:, 0]
            by_extra = new._extra[:at, row].copy()
            known = np.concatenate([by_factor, by_extra])
            pivot = np.sqrt(max(kernel.scale + noise - float(known @ known), noise))
            fresh = kernel.row(row)
            for span, tile in self._factor.tiles(self._n):
                fresh[span] -= by_factor @ tile
            fresh -= by_extra @ new._extra[:at]
            fresh /= pivot
            new._extra[at] = fresh
            new._extra_L[at, : len(known)], new._extra_L[at, len(known)] = known, pivot
            new._mean += fresh * ((value - new._mean[row]) / pivot)
            reduction += fresh * fresh
        new._variance = self._floored(self._variance - reduction)
        new._rows = np.concatenate([self._rows, np.array(list(rows), dtype=np.int64)])
        new._targets = np.concatenate([self._targets, given])
        return new

    @standard_numerics()
    def model(self) -> FittedGP:
        """The same process as a BoTorch model on inputs like ``X``, on the surrogate's scale."""
        model = botorch_model(self.process, self.rows, self.targets, self.constant, self._noise)
        model.fit_report = replace(model.fit_report, jitter=self.jitter)
        return model
