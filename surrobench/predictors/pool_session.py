"""A predictor at work on one pool, whatever it offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from surrobench.predictors.model_posterior import ModelPosterior
from surrobench.predictors.posterior import PoolPredictor, PoolSession, SurrogatePosterior
from surrobench.predictors.protocol import Predictor


class RefitSession:
    """Fits anew at each update.

    Args:
        predictor: the recipe.
        X: the pool, ``m x d``.
    """

    def __init__(self, predictor: Predictor, X: Tensor) -> None:
        self.predictor = predictor
        self.X = X

    def update(
        self, rows: Sequence[int], y: Tensor, *, seed: int, refit: bool = True
    ) -> ModelPosterior:
        """Fit to ``y`` (``n x 1``) at ``rows`` and look at the whole pool; ``refit`` is implied."""
        model = self.predictor.fit(self.X[list(rows)], y, seed=seed)
        return ModelPosterior(model, self.X, rows, y)

    def state(self) -> dict[str, object]:
        """Nothing is kept from one update to the next."""
        return {}

    def restore(self, state: Mapping[str, object]) -> None:
        """Nothing to restore."""


def open_pool(predictor: Predictor, X: Tensor) -> PoolSession:
    """Put a predictor to work on a pool ``X`` (``m x d``), by its quick way if it has one."""
    if isinstance(predictor, PoolPredictor):
        return predictor.on_pool(X)
    return RefitSession(predictor, X)


__all__ = ["RefitSession", "SurrogatePosterior", "open_pool"]
