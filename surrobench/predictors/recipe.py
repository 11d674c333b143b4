"""What every predictor outside the Gaussian processes shares: options, row order, transform."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from botorch.models.model import Model
from torch import Tensor

from surrobench.arrays import FloatArray
from surrobench.base.options import check_number, check_whole
from surrobench.base.process_state import standard_numerics
from surrobench.predictors.models import MIN_VARIANCE, PointwiseModel
from surrobench.predictors.transforms import (
    FittedTransform,
    check_transform,
    fit_inner_transform,
    std_of,
)

SMALL = 1e-6
"""Variances below this share of the targets' variance are not believed."""


def option(default: Any, *, least: float | None = None, most: float | None = None) -> Any:
    """A dataclass field for an option, with its bounds."""
    return dataclasses.field(default=default, metadata={"least": least, "most": most})


@dataclass(frozen=True, kw_only=True)
class TransformedPredictor(ABC):
    """A recipe that fits to transformed targets and answers in the units of the originals.

    Rows are put into one canonical order first, so that the order in which training examples
    arrive changes nothing, however a method draws its bootstrap samples or folds.

    Args:
        transform: of the targets: ``"none"``, ``"standardise"`` or ``"quantile-normal"``. Built-in
            predictors standardise what they fit to in any case, so that the units of the targets
            never matter; ``"none"`` then equals ``"standardise"``.
    """

    transform: str = "standardise"

    encoding: ClassVar[str | None] = None
    """The encoding that this predictor insists on, or ``None`` for the study's."""

    own: ClassVar[bool] = True
    """Whether all of it is ours, and so computes alike whatever is set in this process."""

    def __post_init__(self) -> None:
        """Refuse options of the wrong type or outside their bounds."""
        check_transform(self.transform)
        for field in dataclasses.fields(self):
            check_option(self, field, getattr(self, field.name))

    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Model:
        """Fit to ``X`` (``n x d``) and ``y`` (``n x 1``); the posterior is in units of ``y``."""
        with standard_numerics():
            X, y = canonical_rows(X, y)
            transform = self.fitted_transform(y)
            targets = rounded(transform.forward(y).squeeze(-1).numpy())
        with standard_numerics() if self.own else nullcontext():
            model = self.fit_targets(X.numpy(), targets, seed)
            if isinstance(model, PointwiseModel):
                model.settled = self.own
            return transform.wrap(model)

    def fitted_transform(self, y: Tensor) -> FittedTransform:
        """The transform, learned from targets ``n x 1``."""
        return fit_inner_transform(self.transform, y)

    @abstractmethod
    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> Model:
        """Fit to ``X`` (``n x d``) and transformed targets ``y`` (``n``)."""


def check_option(owner: object, field: dataclasses.Field[Any], value: object) -> None:
    """Compare a value with the type of the default and with the bounds of :func:`option`.

    Raises:
        UserError: that names the option and what it may be.
    """
    least, most = field.metadata.get("least"), field.metadata.get("most")
    if least is None and most is None:
        return
    low, high = -math.inf if least is None else least, math.inf if most is None else most
    check = check_whole if isinstance(field.default, int) else check_number
    check(owner, field.name, value, low, high)


def canonical_rows(X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Copies of the training set with its rows sorted by features, then by target.

    Raises:
        ValueError: if the shapes are not ``n x d`` and ``n x 1`` or a value is not finite.
    """
    if X.ndim != 2 or y.shape != (len(X), 1) or len(X) == 0 or X.shape[1] == 0:
        raise ValueError(
            f"expected X of shape n x d and y of shape n x 1, n and d positive; "
            f"got {tuple(X.shape)} and {tuple(y.shape)}."
        )
    if not (torch.isfinite(X).all() and torch.isfinite(y).all()):
        raise ValueError("the training set holds values that are not finite.")
    rows = torch.cat([X, y], dim=1).detach().cpu().to(torch.float64).numpy()
    rows = rows[np.lexsort(rows.T[::-1])]
    return torch.tensor(rows[:, :-1]), torch.tensor(rows[:, -1:])


def smallest_variance(y: FloatArray) -> float:
    """Floor of the predicted variance: a deviation of a thousandth of that of the targets."""
    unit = std_of(torch.from_numpy(y)) ** 2
    return max(SMALL * float(np.var(y)), MIN_VARIANCE * unit)


def rounded(y: FloatArray) -> FloatArray:
    """``y`` to about eleven digits of its range.

    Targets in other units differ in the last bits once standardised; where two splits of a tree
    are equally good, that would decide between them.
    """
    width = float(np.ptp(y))
    if width == 0.0:
        return y
    quantum = 2.0 ** (np.ceil(np.log2(width)) - 36)
    nearest: FloatArray = np.round(y / quantum) * quantum
    return nearest
