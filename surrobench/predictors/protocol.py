"""The narrow waist: what a predictor is, and what a user may bring instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from botorch.models.model import Model
from torch import Tensor

from surrobench.arrays import FloatArray


@dataclass(frozen=True, eq=False)
class Source:
    """What is known of another task, for a predictor with ``transfer = True``.

    Attributes:
        name: of the task.
        X: inputs in the encoding of the task that is learned, ``m x d``.
        y: targets, larger is better, in units of the other task: ``m x 1`` for a predictor,
            ``m`` for a regressor. The classes of arrays are those that ``fit`` gets.
    """

    name: str
    X: Any
    y: Any


@runtime_checkable
class Predictor(Protocol):
    """A recipe for a surrogate: frozen options, no fitted state.

    ``fit`` returns a **new** BoTorch model whose posterior answers in units of ``y``. The same
    inputs and the same seed give the same model, and the global random state is left alone.

    What it asks for it declares as an attribute of its class:

    * ``encoding = "curve:0.2"`` (or ``"measured:params,flops"``, or any other name): these columns
      instead of those of the study.
    * ``inputs = "graphs"``, with ``encoding = "adjacency"`` and a method ``for_graphs(layout)``
      that returns the recipe with a :class:`~surrobench.graphs.GraphLayout`, which reads ``X``.
    * ``transfer = True``: ``fit`` takes a further keyword ``sources=()``, a sequence of
      :class:`Source`. A method ``with_sources(sources, *, seed)``, if there is one, returns a
      predictor that has learned of them, for searches, which fit many times.
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

    What it asks for it declares as an attribute of its class: ``encoding`` as for a
    :class:`Predictor`; ``inputs = "graphs"``, and ``X`` is :class:`~surrobench.graphs.Graphs` in
    place of a matrix; ``transfer = True``, and ``fit`` gets a keyword ``sources``, a list of
    :class:`Source`.
    """

    def fit(self, X: FloatArray, y: FloatArray) -> Any:
        """Fit in place."""
        ...

    def predict(self, X: FloatArray) -> Any:
        """Predict ``n`` values."""
        ...
