"""A Gaussian process at work on one pool, from observation to observation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from surrobench.predictors.gp_fit import FitReport
from surrobench.predictors.pool_gp.fit import BlockParameters, BlockPosterior, fit_blocks
from surrobench.predictors.pool_gp.kernels import BlockKernel
from surrobench.predictors.pool_gp.posterior import PoolFactor, PoolPosterior
from surrobench.predictors.protocol import FloatArray
from surrobench.predictors.transforms import fit_transform

_SMALLEST_VARIANCE = 1e-16


def unit_cube(X: Tensor) -> FloatArray:
    """A pool moved to the unit cube by its own ranges; constant columns become 0."""
    low, high = X.amin(dim=0), X.amax(dim=0)
    width = torch.where(high > low, high - low, torch.ones_like(low))
    scaled: FloatArray = ((X - low) / width).numpy()
    return scaled


class PoolGPSession:
    """Keeps distances, hyperparameters and the factor between updates.

    Args:
        kernels: the blocks, on this pool.
        X: the pool, ``m x d``.
        scaled: the pool in the unit cube.
        transform: name of the target transform.
        first_budget: likelihood evaluations of the first fit.
        warm_budget: likelihood evaluations of later fits, which start from the last one.
    """

    def __init__(
        self,
        kernels: Sequence[BlockKernel],
        X: Tensor,
        scaled: FloatArray,
        transform: str,
        first_budget: int,
        warm_budget: int,
    ) -> None:
        self.kernels, self.X, self.scaled = list(kernels), X, scaled
        self.transform = transform
        self.first_budget, self.warm_budget = first_budget, warm_budget
        self.report: FitReport | None = None
        self._parameters: BlockParameters | None = None
        self._factor: PoolFactor | None = None
        self._fitted: list[int] = []
        self._pairs: dict[int, list[npt.NDArray[Any]]] = {}

    def update(
        self, rows: Sequence[int], y: Tensor, *, seed: int, refit: bool = True
    ) -> PoolPosterior:
        """The posterior after ``y`` (``n x 1``) at ``rows``; deterministic, ``seed`` is not used.

        Raises:
            ValueError: for wrong shapes, repeated rows or values that are not finite.
        """
        rows = [int(row) for row in rows]
        if len(rows) != len(y) or not rows or len(set(rows)) != len(rows):
            raise ValueError(f"{len(rows)} rows (each once, at least one) for {len(y)} values.")
        transform = fit_transform(self.transform, y)
        targets = transform.forward(y).reshape(-1).numpy()
        if refit or self._factor is None:
            self._fit(rows, targets)
        else:
            known = self._factor.rows
            if rows[: len(known)] != known:
                self._factorise(rows)
            for row in rows[len(self._factor.rows) :]:
                self._factor.append(row, self._known(row))
        assert self._factor is not None
        return PoolPosterior(self._factor, self.X, self.scaled, targets, transform)

    def _known(self, row: int) -> list[npt.NDArray[Any]]:
        """The pairs of a row for each block, worked out once."""
        if row not in self._pairs:
            self._pairs[row] = [kernel.pairs(row) for kernel in self.kernels]
        return self._pairs[row]

    def _fit(self, rows: list[int], targets: FloatArray) -> None:
        at = np.array(rows)
        pairs = [
            np.stack([self._known(row)[block][at] for row in rows])
            for block in range(len(self.kernels))
        ]
        variance = float(targets.var(ddof=1)) if len(targets) > 1 else 1.0
        unit = variance if variance >= _SMALLEST_VARIANCE else 1.0
        objective = BlockPosterior(self.kernels, pairs, targets, unit)
        start = None if self._parameters is None else self._parameters.values
        budget = self.first_budget if start is None else self.warm_budget
        self._parameters, self.report = fit_blocks(objective, start, budget)
        self._factorise(rows)

    def _factorise(self, rows: list[int]) -> None:
        assert self._parameters is not None
        old = self._factor
        room = max(len(rows) + 16, 0 if old is None else len(old._L))
        self._factor = None  # its memory can be used again
        factor = PoolFactor(self.kernels, self._parameters, len(self.X), room)
        known = [self._known(row) for row in rows]
        factor.begin(
            rows, [[pairs[block] for pairs in known] for block in range(len(self.kernels))]
        )
        self._factor, self._fitted = factor, list(rows)

    def state(self) -> dict[str, object]:
        """Hyperparameters, and in which order observations came in since they were chosen."""
        if self._parameters is None or self._factor is None:
            return {}
        return {
            "log_parameters": self._parameters.values.tolist(),
            "sizes": list(self._parameters.sizes),
            "factorised": self._fitted,
            "appended": self._factor.rows[len(self._fitted) :],
        }

    def restore(self, state: Mapping[str, object]) -> None:
        """Repeat the same operations in the same order."""
        if not state:
            return
        content = cast(Mapping[str, Any], state)
        self._parameters = BlockParameters(
            np.array(content["log_parameters"], dtype=np.float64), tuple(content["sizes"])
        )
        self._factorise([int(row) for row in content["factorised"]])
        assert self._factor is not None
        for row in content["appended"]:
            self._factor.append(int(row), self._known(int(row)))
