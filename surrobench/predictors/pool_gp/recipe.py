"""Gaussian processes over named blocks of columns, as predictors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch
from botorch.models.model import Model
from torch import Tensor

from surrobench.columns import ColumnBlock
from surrobench.errors import UserError, did_you_mean
from surrobench.predictors.correlations import Kernel
from surrobench.predictors.pool_gp.kernels import (
    MOST_CODED,
    BlockKernel,
    CategoricalKernel,
    SharedKernel,
)
from surrobench.predictors.pool_gp.session import PoolGPSession, unit_cube
from surrobench.predictors.protocol import FloatArray
from surrobench.predictors.transforms import TargetTransform, check_transform, fit_transform

Lengthscales = Literal["shared", "variable"]


@dataclass(frozen=True)
class PoolGP:
    """A sum of kernels, one for each block of columns, with an outputscale each.

    A block is a part of an encoding such as ``"one-hot+measured:params,flops"``.
    Columns are moved to the unit cube: of the training inputs in :meth:`fit`, of the whole pool in
    :meth:`on_pool` (labels play no part). Without blocks all columns are one block.

    Args:
        kernel: ``"rbf"``, ``"matern-1/2"``, ``"matern-3/2"`` or ``"matern-5/2"``.
        lengthscales: ``"shared"``, one for each block; ``"variable"``, in one-hot blocks one for
            each variable. With ``kernel = "rbf"`` the latter is the product of one categorical
            kernel per variable.
        transform: of the targets.
        max_evaluations: budget of likelihood evaluations of a fit.
        warm_evaluations: of a fit that starts from the one before.
        blocks: set by :meth:`for_blocks`.
    """

    kernel: Kernel = "matern-5/2"
    lengthscales: Lengthscales = "shared"
    transform: TargetTransform = "standardise"
    max_evaluations: int = 100
    warm_evaluations: int = 20
    blocks: tuple[ColumnBlock, ...] = ()

    def __post_init__(self) -> None:
        """Refuse options that are not valid."""
        check_transform(self.transform)
        for name, kind in (("kernel", Kernel), ("lengthscales", Lengthscales)):
            value, valid = getattr(self, name), get_args(kind)
            if value not in valid:
                raise UserError(f"unknown {name} {value!r}. " + did_you_mean(str(value), valid))
        for name in ("max_evaluations", "warm_evaluations"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise UserError(f"{name} is {value!r}; it must be a positive whole number.")

    def for_blocks(self, blocks: Sequence[ColumnBlock]) -> PoolGP:
        """The same recipe for an encoding with these blocks of columns."""
        return replace(self, blocks=tuple(blocks))

    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Model:
        """Fit to ``X`` (``n x d``) and ``y`` (``n x 1``); deterministic, ``seed`` is not used.

        Returns:
            A BoTorch model in units of ``y``.

        Raises:
            ValueError: for wrong shapes or values that are not finite.
        """
        X = X.detach().to(torch.float64)
        y = y.detach().to(torch.float64)
        if X.ndim != 2 or y.shape != (len(X), 1) or X.numel() == 0:
            raise ValueError(
                "expected X of shape n x d and y of shape n x 1 with n and d positive; "
                f"got {tuple(X.shape)} and {tuple(y.shape)}."
            )
        if not bool(torch.isfinite(X).all() and torch.isfinite(y).all()):
            raise ValueError("X and y must be matrices of finite values.")
        posterior = self.on_pool(X.clone()).update(range(len(X)), y.clone(), seed=seed)
        return fit_transform(self.transform, y).wrap(posterior.model())

    def on_pool(self, X: Tensor) -> PoolGPSession:
        """Start on a pool ``X`` (``m x d``)."""
        scaled = unit_cube(X)
        blocks = self.blocks or (ColumnBlock("all", 0, X.shape[1]),)
        if blocks[-1].stop != X.shape[1]:
            raise ValueError(f"blocks of {blocks[-1].stop} columns for {X.shape[1]} columns.")
        return PoolGPSession(
            [self._kernel(scaled, block) for block in blocks],
            X,
            scaled,
            self.transform,
            self.max_evaluations,
            self.warm_evaluations,
        )

    def _kernel(self, scaled: FloatArray, block: ColumnBlock) -> BlockKernel:
        coded = block.kind == "one-hot" and max(block.groups) < MOST_CODED
        if self.lengthscales == "variable" and coded:
            return CategoricalKernel(scaled, block, self.kernel)
        return SharedKernel(scaled, block, self.kernel)
