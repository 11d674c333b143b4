"""The floor that a predictor has to beat: a constant, and one cheap measured column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from surrobench.arrays import FloatArray
from surrobench.errors import UserError
from surrobench.predictors.learners.linear import BayesianRidge
from surrobench.predictors.models import MomentsModel
from surrobench.predictors.recipe import TransformedPredictor, smallest_variance


@dataclass(frozen=True, kw_only=True)
class Constant(TransformedPredictor):
    """Mean and standard deviation of the training targets, whatever the architecture.

    With a single example the deviation is taken to be 1 in units of the transformed targets.
    """

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> MomentsModel:
        """Remember two numbers; ``X`` and ``seed`` are not used."""
        n = len(y)
        mean = float(np.mean(y))
        std = float(np.std(y, ddof=1)) if n > 1 else 1.0

        def moments(Z: Tensor) -> tuple[Tensor, Tensor]:
            level = torch.full((len(Z),), mean, dtype=torch.float64)
            return level, torch.full_like(level, std)

        return MomentsModel(moments, floor=smallest_variance(y))


@dataclass(frozen=True, kw_only=True)
class Params(BayesianRidge):
    """A Bayesian line through the pool rank of the parameter count; its sign is learned."""

    encoding: ClassVar[str | None] = "measured:params"


@dataclass(frozen=True, kw_only=True)
class Flops(BayesianRidge):
    """A Bayesian line through the pool rank of the FLOPs; its sign is learned."""

    encoding: ClassVar[str | None] = "measured:flops"


@dataclass(frozen=True, kw_only=True)
class Layers(BayesianRidge):
    """A Bayesian line through the pool rank of the count of trained layers; its sign is learned."""

    encoding: ClassVar[str | None] = "layers"


@dataclass(frozen=True, kw_only=True)
class AZNAS(BayesianRidge):
    """A Bayesian line through the rank sum of four proxies (AZ-NAS); its sign is learned."""

    encoding: ClassVar[str | None] = "az-nas"


@dataclass(frozen=True, kw_only=True)
class VKDNWAggregate(BayesianRidge):
    """A Bayesian line through the rank sum of five proxies (VKDNW); its sign is learned."""

    encoding: ClassVar[str | None] = "vkdnw-agg"


@dataclass(frozen=True, kw_only=True)
class MeasuredColumn(BayesianRidge):
    """A Bayesian line through the pool rank of one measured column; its sign is learned.

    Args:
        column: name of the column, such as that of a zero-cost proxy.

    Raises:
        UserError: if it is not one name.
    """

    column: str

    def __post_init__(self) -> None:
        """Refuse what is not one name."""
        super().__post_init__()
        if not isinstance(self.column, str) or not self.column.strip() or "," in self.column:
            raise UserError(
                f"MeasuredColumn: option 'column' is {self.column!r}; it must be the name of one "
                "measured column."
            )

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding that this predictor insists on."""
        return f"measured:{self.column}"
