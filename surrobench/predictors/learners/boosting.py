"""One gradient-boosted model of XGBoost, as every predictor of boosted trees trains it."""

from __future__ import annotations

from typing import Protocol

import xgboost


class TreeOptions(Protocol):
    """What a recipe says of its trees."""

    @property
    def max_depth(self) -> int:
        """Of the trees."""

    @property
    def min_child_weight(self) -> float:
        """Fewest (weighted) training examples in a leaf."""

    @property
    def subsample(self) -> float:
        """Share of the rows that each tree sees."""

    @property
    def colsample(self) -> float:
        """Share of the features that each tree sees."""

    @property
    def reg_lambda(self) -> float:
        """Ridge penalty on the leaf values."""


def boost(
    data: xgboost.DMatrix,
    trees: TreeOptions,
    *,
    rounds: int,
    learning_rate: float,
    base_score: float,
    tree_method: str,
    seed: int,
) -> xgboost.Booster:
    """Boost squared errors on one thread.

    Args:
        data: examples, with targets and weights.
        trees: what they are like.
        rounds: how many.
        learning_rate: shrinkage of each.
        base_score: what is predicted before the first tree.
        tree_method: of XGBoost: ``"exact"``, ``"hist"``.
        seed: for shares of rows and features.
    """
    options = {
        "objective": "reg:squarederror",
        "base_score": base_score,
        "tree_method": tree_method,
        "eta": learning_rate,
        "max_depth": trees.max_depth,
        "min_child_weight": trees.min_child_weight,
        "subsample": trees.subsample,
        "colsample_bytree": trees.colsample,
        "lambda": trees.reg_lambda,
        "nthread": 1,
        "seed": seed % 2**31,
        "verbosity": 0,
    }
    # xgboost.train would call back and look for evaluation sets after every round.
    booster = xgboost.Booster(options, [data])
    for i in range(rounds):
        booster.update(data, i)
    return booster
