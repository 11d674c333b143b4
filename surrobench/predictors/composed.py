"""Models made of other models: of changed inputs, and with marginals of their own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from botorch.models.model import Model
from torch import Tensor

from surrobench.predictors.models import OneOutput


class MappedInputs(OneOutput):
    """A model of inputs that are computed from the ones that are asked about.

    Args:
        base: a model with one output, of inputs with ``e`` columns.
        inputs: from ``... x d`` to ``... x e``, each row by itself.
    """

    base: Model
    inputs: Callable[[Tensor], Tensor]

    def __init__(self, base: Model, inputs: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.base = base
        self.inputs = inputs

    def posterior(self, X: Tensor, *args: Any, **kwargs: Any) -> Any:
        """The base's posterior at the inputs computed from ``X`` (``batch x q x d``)."""
        return self.base.posterior(self.inputs(X), *args, **kwargs)


class MarginalModel(OneOutput, ABC):
    """A model that can tell marginals without joint covariances, of many points at a time."""

    @abstractmethod
    def marginals(self, X: Tensor, observation_noise: bool) -> tuple[Tensor, Tensor]:
        """Means and variances at ``X`` (``m x d``), each ``m``, with the noise or without."""
