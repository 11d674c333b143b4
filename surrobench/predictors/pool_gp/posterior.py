"""The posterior over a whole pool, kept while observations are appended.

With the Cholesky factor ``L`` of the training covariance, ``V = L^-1 K(train, pool)`` gives the
posterior covariance between any two candidates as ``k(i, j) - V_i · V_j``. One more observation
adds a row to ``L`` and to ``V``, which costs one product with ``V`` instead of a factorisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from botorch.models.model import Model
from scipy.linalg import solve_triangular
from torch import Tensor

from surrobench.predictors.belief import Kind
from surrobench.predictors.model_belief import joint_samples
from surrobench.predictors.pool_gp.fit import BlockParameters
from surrobench.predictors.pool_gp.kernels import BlockKernel
from surrobench.predictors.pool_gp.modules import botorch_model
from surrobench.predictors.protocol import FloatArray
from surrobench.predictors.transforms import FittedTransform

IntArray = npt.NDArray[np.int64]
_LEAST_VARIANCE = 1e-12
_CHUNK = 4096


class PoolFactor:
    """``L`` and ``V`` for fixed hyperparameters; grows by one observation at a time.

    Args:
        kernels: the blocks.
        parameters: their hyperparameters.
        m: size of the pool.
    """

    def __init__(
        self, kernels: Sequence[BlockKernel], parameters: BlockParameters, m: int, room: int
    ) -> None:
        self.kernels, self.parameters = kernels, parameters
        self.scale = float(parameters.outputscales.sum())
        self.n = 0
        self.rows: list[int] = []
        self._L = np.zeros((room, room))
        self._V = np.empty((room, m))
        self.reduction = np.zeros(m)

    @property
    def L(self) -> FloatArray:  # noqa: N802
        """Cholesky factor of the training covariance, ``n x n``."""
        return self._L[: self.n, : self.n]

    @property
    def V(self) -> FloatArray:  # noqa: N802
        """``L^-1 K(train, pool)``, ``n x m``."""
        return self._V[: self.n]

    def covariance(self, pairs: Sequence[npt.NDArray[Any]]) -> FloatArray:
        """Prior covariances of any array of pairs."""
        parameters = self.parameters
        parts = zip(
            self.kernels, pairs, parameters.outputscales, parameters.log_lengthscales(), strict=True
        )
        total = None
        for kernel, known, scale, logs in parts:
            part = kernel.correlation(known, logs)
            part *= scale
            total = part if total is None else np.add(total, part, out=total)
        assert total is not None
        return total

    def begin(self, rows: Sequence[int], pairs: Sequence[Sequence[npt.NDArray[Any]]]) -> None:
        """Factorise for ``n`` observations at once; for each block, the pairs of each row."""
        n = len(rows)
        self._reserve(n)
        at = np.array(rows)
        training = self.covariance([np.stack([known[at] for known in block]) for block in pairs])
        training.flat[:: n + 1] += self.parameters.noise
        self._L[:n, :n] = np.linalg.cholesky(training)
        m = self._V.shape[1]
        for low in range(0, m, _CHUNK):
            part = slice(low, min(low + _CHUNK, m))
            cross = self.covariance([np.stack([known[part] for known in block]) for block in pairs])
            self._V[:n, part] = solve_triangular(
                self._L[:n, :n], cross, lower=True, check_finite=False, overwrite_b=True
            )
            self.reduction[part] = np.einsum("ij,ij->j", self._V[:n, part], self._V[:n, part])
        self.n, self.rows = n, list(rows)

    def append(self, row: int, pairs: Sequence[npt.NDArray[Any]]) -> None:
        """Add one observation; ``pairs`` are those of its row, ``m`` for each block."""
        self._reserve(self.n + 1)
        n, V = self.n, self._V
        known = V[:n, row].copy()
        pivot = self.scale + self.parameters.noise - float(known @ known)
        pivot = np.sqrt(max(pivot, 1e-10 * self.scale))
        fresh = self.covariance(pairs)
        fresh -= known @ V[:n]
        fresh /= pivot
        self._L[n, :n], self._L[n, n] = known, pivot
        V[n] = fresh
        self.reduction += fresh * fresh
        self.n, self.rows = n + 1, [*self.rows, row]

    def _reserve(self, n: int) -> None:
        if n <= len(self._L):
            return
        room = max(n, 2 * len(self._L))
        L, V = np.zeros((room, room)), np.empty((room, self._V.shape[1]))
        L[: self.n, : self.n], V[: self.n] = self.L, self.V
        self._L, self._V = L, V

    def copy(self, spare: int) -> PoolFactor:
        """A factor that can grow without changing this one."""
        other = PoolFactor(self.kernels, self.parameters, self._V.shape[1], self.n + spare)
        other._L[: self.n, : self.n], other._V[: self.n] = self.L, self.V
        other.reduction = self.reduction.copy()
        other.n, other.rows = self.n, list(self.rows)
        return other


class PoolPosterior:
    """What a Gaussian process believes about every candidate of a pool.

    Args:
        factor: of the observations.
        X: the pool as the predictor was given it, ``m x d``.
        scaled: the pool in the unit cube, ``m x d``.
        targets: observed values on the surrogate's scale, ``n``.
        transform: from units of the task to the surrogate's scale.
    """

    kind: Kind = "gp"

    def __init__(
        self,
        factor: PoolFactor,
        X: Tensor,
        scaled: FloatArray,
        targets: FloatArray,
        transform: FittedTransform,
    ) -> None:
        self.factor, self._X, self._scaled = factor, X, scaled
        self._targets, self.transform = targets, transform
        both = np.stack([targets, np.ones_like(targets)], axis=1)
        solved = solve_triangular(factor.L, both, lower=True, check_finite=False)
        self.constant = float(solved[:, 1] @ solved[:, 0]) / float(solved[:, 1] @ solved[:, 1])
        self._weights = solved[:, 0] - self.constant * solved[:, 1]
        self._mean = self.constant + self._weights @ factor.V
        self._variance = np.maximum(factor.scale - factor.reduction, _LEAST_VARIANCE)

    @property
    def X(self) -> Tensor:  # noqa: N802
        """Candidates, ``m x d``."""
        return self._X

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
        return torch.tensor(self.factor.rows, dtype=torch.long)

    @property
    def targets(self) -> Tensor:
        """Observed values on the surrogate's scale, ``n``."""
        return torch.from_numpy(self._targets)

    @property
    def noise(self) -> float:
        """Variance of an observation around the function."""
        return self.factor.parameters.noise

    def to_scale(self, y: Tensor) -> Tensor:
        """Values in units of the task (any shape), moved to the surrogate's scale."""
        return self.transform.forward(y.reshape(-1, 1)).reshape(y.shape)

    def members(self) -> None:
        """A Gaussian process has no members."""
        return

    def covariance(self, a: Tensor, b: Tensor) -> Tensor:
        """Covariance between candidates ``a`` (``... x k``) and ``b`` (``... x l``)."""
        left, right = a.numpy(), b.numpy()
        shape = np.broadcast_shapes(left.shape[:-1], right.shape[:-1])
        left = np.broadcast_to(left, (*shape, left.shape[-1]))
        right = np.broadcast_to(right, (*shape, right.shape[-1]))
        prior = self._prior(left, right)
        V = self.factor.V
        known = np.moveaxis(V[:, left], 0, -1) @ np.moveaxis(V[:, right], 0, -2)
        return torch.from_numpy(prior - known)

    def _prior(self, left: IntArray, right: IntArray) -> FloatArray:
        """Prior covariance by the distances of each distinct row on the smaller side."""
        if len(np.unique(left)) < len(np.unique(right)):
            return np.swapaxes(self._prior(right, left), -1, -2)
        unique, place = np.unique(right, return_inverse=True)
        place = place.reshape(right.shape)
        table = np.stack(
            [
                self.factor.covariance([kernel.pairs(int(row)) for kernel in self.factor.kernels])
                for row in unique
            ]
        )
        return table[place[..., None, :], left[..., :, None]]

    def sample(self, count: int, *, seed: int, rows: Tensor | None = None) -> Tensor:
        """Joint samples, ``count x m`` or ``count x k``, as of any Gaussian process."""
        generator = torch.Generator().manual_seed(seed % 2**63)
        wanted = torch.arange(len(self._mean)) if rows is None else rows
        return joint_samples(self, count, wanted, generator)

    def condition(self, rows: Sequence[int], values: Tensor) -> PoolPosterior:
        """The posterior after values (on the surrogate's scale) at further candidates."""
        factor = self.factor.copy(len(rows))
        for row in rows:
            factor.append(int(row), [kernel.pairs(int(row)) for kernel in factor.kernels])
        targets = np.concatenate([self._targets, values.detach().numpy().reshape(-1)])
        return PoolPosterior(factor, self._X, self._scaled, targets, self.transform)

    def model(self) -> Model:
        """The same process as a BoTorch model, on the surrogate's scale."""
        return botorch_model(
            self.factor.kernels,
            self.factor.parameters,
            self.constant,
            self._X,
            self._scaled,
            self.rows,
            self.targets,
        )
