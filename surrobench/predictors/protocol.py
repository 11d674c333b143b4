"""The narrow waist: what a predictor is, and what a user may bring instead."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from botorch.models.model import Model
from torch import Tensor

from surrobench.arrays import FloatArray


@runtime_checkable
class Predictor(Protocol):
    """A recipe for a surrogate: frozen options, no fitted state.

    ``fit`` returns a **new** BoTorch model whose posterior answers in units of ``y``. The same
    inputs and the same seed give the same model, and the global random state is left alone.
    """

    def fit(self, X: Tensor, y: Tensor, *, seed: int) -> Model:
        """Fit to ``X`` (``n x d``, float64) and ``y`` (``n x 1``, float64, larger is better)."""
        ...


@runtime_checkable
class Regressor(Protocol):
    """What a user writes: scikit-learn's shape.

    ``fit(X, y)`` on NumPy arrays (``n x d`` and ``n``), plus one of

    * ``predict_members(X)`` returning ``s x n``: predictions of the members of an ensemble;
    * ``predict(X, return_std=True)`` returning mean and standard deviation, each ``n``;
    * ``predict(X)`` returning ``n``: uncertainty then comes from a bootstrap.
    """

    def fit(self, X: FloatArray, y: FloatArray) -> Any:
        """Fit in place."""
        ...

    def predict(self, X: FloatArray) -> Any:
        """Predict ``n`` values."""
        ...
