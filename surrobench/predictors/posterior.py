"""A surrogate's posterior over a finite pool: what acquisition functions look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

from botorch.models.model import Model
from torch import Tensor

Kind = Literal["gp", "ensemble", "moments"]
"""Of a posterior: jointly normal; a mixture of members; independent normals."""


@runtime_checkable
class SurrogatePosterior(Protocol):
    """A surrogate's posterior of the function (without observation noise) over ``m`` candidates.

    Everything is on the surrogate's own scale, after its target transform, where it is closest to
    normal; improvement over a monotone transform has the same sign.

    ``kind`` says what sort of posterior it is.
    """

    kind: Kind

    @property
    def X(self) -> Tensor:  # noqa: N802
        """Candidates, ``m x d``."""
        ...

    @property
    def mean(self) -> Tensor:
        """Means, ``m``."""
        ...

    @property
    def variance(self) -> Tensor:
        """Marginal variances, ``m``, positive."""
        ...

    @property
    def rows(self) -> Tensor:
        """Positions of the observed candidates among the ``m``, ``n``."""
        ...

    @property
    def targets(self) -> Tensor:
        """Their observed values on the surrogate's scale, ``n``."""
        ...

    @property
    def noise(self) -> float:
        """Variance of an observation around the function."""
        ...

    def covariance(self, a: Tensor, b: Tensor) -> Tensor:
        """Posterior covariance between candidates ``a`` (``k``) and ``b`` (``l``), ``k x l``.

        Batched over leading dimensions: ``... x k`` and ``... x l`` give ``... x k x l``.
        Zero off the diagonal for ``moments``.
        """
        ...

    def to_scale(self, y: Tensor) -> Tensor:
        """Values in units of the task (any shape), moved to the surrogate's scale."""
        ...

    def members(self) -> Tensor | None:
        """Means of the ensemble's members, ``s x m``; None unless ``kind`` is ``"ensemble"``."""
        ...

    def sample(self, count: int, *, seed: int, rows: Tensor | None = None) -> Tensor:
        """Joint samples of the function, ``count x m`` (or at some rows, ``count x k``)."""
        ...

    def condition(self, rows: Sequence[int], values: Tensor) -> SurrogatePosterior:
        """The posterior after values at further candidates, without a new fit of hyperparameters.

        Raises:
            TypeError: for a posterior that cannot be conditioned (not a GP).
        """
        ...

    def model(self) -> Model:
        """The surrogate as a BoTorch model on inputs ``batch x q x d``, on its own scale."""
        ...


class PoolSession(Protocol):
    """A predictor at work on one pool: each update may build on the one before."""

    def update(
        self, rows: Sequence[int], y: Tensor, *, seed: int, refit: bool = True
    ) -> SurrogatePosterior:
        """The posterior after observing ``y`` (``n x 1``, units of the task) at ``rows`` (``n``).

        Args:
            rows: positions in the pool. If the rows of the last update are a prefix of them, a
                Gaussian process only appends the others.
            y: all values, also of the rows that were known before.
            seed: for fits that draw.
            refit: whether to choose hyperparameters anew. A predictor that cannot update without
                a new fit makes one in any case.
        """
        ...

    def state(self) -> dict[str, object]:
        """What :meth:`restore` needs so that later updates are the same to the last bit (JSON)."""
        ...

    def restore(self, state: Mapping[str, object]) -> None:
        """Continue as the session that gave ``state``."""
        ...


@runtime_checkable
class PoolPredictor(Protocol):
    """A predictor with a quicker way to predict the same pool again and again."""

    def on_pool(self, X: Tensor) -> PoolSession:
        """Start on a pool ``X`` (``m x d``, float64)."""
        ...
