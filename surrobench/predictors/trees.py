"""Tree ensembles: random forest and a bootstrap ensemble of boosted trees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xgboost
from sklearn.ensemble import RandomForestRegressor
from torch import Tensor

from surrobench.predictors.models import EnsembleModel
from surrobench.predictors.protocol import FloatArray
from surrobench.predictors.recipe import TransformedPredictor, option, smallest_variance
from surrobench.predictors.resampling import bootstrap_counts, left_out_noise


@dataclass(frozen=True, kw_only=True)
class RandomForest(TransformedPredictor):
    """Random forest (Breiman, 2001) with uncertainty by the law of total variance over trees.

    A tree answers with the mean and the variance of the training targets in the leaf; the forest's
    variance is the variance of the leaf means plus the mean of the leaf variances (Hutter et al.,
    2014). That spread holds the observation noise already.

    Args:
        trees: number of trees.
        min_samples_leaf: fewest training examples in a leaf.
        max_features: share of the features that a split may choose from.
    """

    trees: int = option(300, least=2, most=100_000)
    min_samples_leaf: int = option(1, least=1, most=1_000_000)
    max_features: float = option(1.0, least=1e-9, most=1.0)

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> EnsembleModel:
        """Fit the forest with scikit-learn on one thread."""
        forest = RandomForestRegressor(
            self.trees,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            random_state=seed % 2**32,
            n_jobs=1,
        ).fit(X, y)
        trees = [estimator.tree_ for estimator in forest.estimators_]
        return EnsembleModel(_LeafMoments(trees), floor=smallest_variance(y))


class _LeafMoments:
    """Mean and variance of the leaf that each tree puts an input in; each tree is walked once."""

    def __init__(self, trees: list[Any]) -> None:
        self._trees = trees
        self._means = [tree.value[:, 0, 0].copy() for tree in trees]
        self._variances = [np.maximum(tree.impurity, 0.0) for tree in trees]

    def __call__(self, X: Tensor) -> tuple[Tensor, Tensor]:
        inputs = np.ascontiguousarray(X.detach().numpy(), dtype=np.float32)
        means = np.empty((len(self._trees), len(inputs)))
        variances = np.empty_like(means)
        for i, tree in enumerate(self._trees):
            leaves = tree.apply(inputs)
            means[i] = self._means[i][leaves]
            variances[i] = self._variances[i][leaves]
        return torch.from_numpy(means), torch.from_numpy(variances)


@dataclass(frozen=True, kw_only=True)
class XGBoost(TransformedPredictor):
    """Boosted trees (Chen & Guestrin, 2016), fitted to bootstrap samples of the training set.

    The spread of the members is the uncertainty about the function; their errors on the examples
    that they have not drawn give the observation noise.

    Args:
        members: boosted models in the ensemble.
        rounds: trees of each model.
        learning_rate: shrinkage of each tree.
        max_depth: of the trees.
        min_child_weight: fewest (weighted) training examples in a leaf.
        subsample: share of the rows that each tree sees.
        colsample: share of the features that each tree sees.
        reg_lambda: ridge penalty on the leaf values.
    """

    members: int = option(8, least=2, most=10_000)
    rounds: int = option(100, least=1, most=100_000)
    learning_rate: float = option(0.1, least=1e-6, most=1.0)
    max_depth: int = option(6, least=1, most=64)
    min_child_weight: float = option(1.0, least=0.0, most=1e9)
    subsample: float = option(1.0, least=1e-3, most=1.0)
    colsample: float = option(1.0, least=1e-3, most=1.0)
    reg_lambda: float = option(1.0, least=0.0, most=1e9)

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> EnsembleModel:
        """Fit the members on one thread."""
        counts = bootstrap_counts(len(y), self.members, seed)
        data = xgboost.DMatrix(X, label=y, nthread=1)
        boosters = [
            self._boost(X, y, count, seed * self.members + i) for i, count in enumerate(counts)
        ]
        seen = np.stack([booster.predict(data) for booster in boosters]).astype(np.float64)
        noise = left_out_noise(y, seen, counts == 0)
        return EnsembleModel(_Boosters(boosters), noise, smallest_variance(y))

    def _boost(self, X: FloatArray, y: FloatArray, count: np.ndarray, seed: int) -> xgboost.Booster:
        """One member, trained on the rows that it has drawn."""
        drawn = count > 0
        data = xgboost.DMatrix(X[drawn], label=y[drawn], weight=count[drawn], nthread=1)
        options = {
            "objective": "reg:squarederror",
            "base_score": float(np.average(y[drawn], weights=count[drawn])),
            "tree_method": "exact",
            "eta": self.learning_rate,
            "max_depth": self.max_depth,
            "min_child_weight": self.min_child_weight,
            "subsample": self.subsample,
            "colsample_bytree": self.colsample,
            "lambda": self.reg_lambda,
            "nthread": 1,
            "seed": seed % 2**31,
            "verbosity": 0,
        }
        return xgboost.train(options, data, self.rounds)


class _Boosters:
    """Predictions of all boosted models from one data matrix."""

    def __init__(self, boosters: list[xgboost.Booster]) -> None:
        self._boosters = boosters

    def __call__(self, X: Tensor) -> Tensor:
        data = xgboost.DMatrix(X.detach().numpy(), nthread=1)
        means = np.stack([booster.predict(data) for booster in self._boosters])
        return torch.from_numpy(means.astype(np.float64))

    def contributions(self, X: FloatArray) -> FloatArray:
        """SHAP values of the columns at ``X`` (``m x d``), ``m x (d + 1)``; last the constant.

        The mean over the models; each row adds up to the mean of their predictions.
        """
        data = xgboost.DMatrix(X, nthread=1)
        shares = [booster.predict(data, pred_contribs=True) for booster in self._boosters]
        return np.mean(shares, axis=0, dtype=np.float64)
