"""Tree ensembles: random forest and a bootstrap ensemble of boosted trees."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import sklearn
import torch
import xgboost
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import check_random_state
from torch import Tensor

from surrobench.arrays import FloatArray, IntArray
from surrobench.predictors.learners.boosting import boost
from surrobench.predictors.learners.forest import Forest
from surrobench.predictors.learners.leaf_boxes import box_moments, halves
from surrobench.predictors.learners.level_growth import grow
from surrobench.predictors.learners.resampling import bootstrap_counts, left_out_noise
from surrobench.predictors.models import EnsembleModel
from surrobench.predictors.recipe import TransformedPredictor, option, smallest_variance

Float32Array = npt.NDArray[np.float32]

_SEEDS = np.iinfo(np.int32).max
_ROWS_PER_LEAF = 16
"""A sum over leaves costs about as much as walking so many rows to each of them."""


@dataclass(frozen=True, kw_only=True)
class RandomForest(TransformedPredictor):
    """Random forest (Breiman, 2001) with uncertainty by the law of total variance over trees.

    A tree answers with the mean and the variance of the training targets in the leaf; the forest's
    variance is the variance of the leaf means plus the mean of the leaf variances (Hutter et al.,
    2014). That spread holds the observation noise already.

    The defaults are those of scikit-learn's forest but for the number of trees: on the development
    tables of ``benchmarks/tuning.py`` (TransNAS-Bench-101 and HAT) no trial was better.

    Args:
        trees: number of trees.
        min_samples_leaf: fewest training examples in a leaf.
        min_samples_split: fewest training examples in a node that is split.
        max_features: share of the features that a split may choose from.
        max_depth: of the trees.
        max_samples: examples that a tree draws (with replacement), as a share of the training set.
    """

    trees: int = option(300, least=2, most=100_000)
    min_samples_leaf: int = option(1, least=1, most=1_000_000)
    min_samples_split: int = option(2, least=2, most=1_000_000)
    max_features: float = option(1.0, least=1e-9, most=1.0)
    max_depth: int = option(1000, least=1, most=1_000_000)
    max_samples: float = option(1.0, least=1e-3, most=1.0)

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> EnsembleModel:
        """Grow the trees of scikit-learn's forest without its checks and clones for each."""
        inputs, n = np.ascontiguousarray(X, dtype=np.float32), len(y)
        state = check_random_state(seed % 2**32)
        trees, share = [], max(1, round(self.max_samples * n))
        with sklearn.config_context(skip_parameter_validation=True, assume_finite=True):
            for _ in range(self.trees):
                own_seed = state.randint(_SEEDS)
                drawn = check_random_state(own_seed).randint(0, n, share)
                counts = np.bincount(drawn, minlength=n).astype(np.float64)
                trees.append(self._grow(inputs, y, counts, own_seed))
        return _forest_model(_LeafMoments(trees=trees), y, self.trees)

    def _grow(self, X: Float32Array, y: FloatArray, counts: FloatArray, seed: int) -> Any:
        """One tree, grown on rows drawn so many times."""
        tree = DecisionTreeRegressor(
            min_samples_leaf=self.min_samples_leaf,
            min_samples_split=self.min_samples_split,
            max_depth=self.max_depth,
            max_features=self.max_features,
            random_state=seed,
        )
        return tree.fit(X, y, sample_weight=counts, check_input=False).tree_


@dataclass(frozen=True, kw_only=True)
class HistogramForest(RandomForest):
    """:class:`RandomForest` whose splits are looked for between bins, all trees at once.

    The criterion is the same reduction of variance. Of a column with no more values than bins, as
    in one-hot encodings, the candidates are all the same splits; gains are compared in single
    precision, and ties are broken by another generator. All trees grow level by level
    (:mod:`~.level_growth`).

    Args:
        bins: of each feature, at most, of about equally many examples.
    """

    bins: int = option(32, least=2, most=65_536)

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> EnsembleModel:
        """Grow the trees on one bootstrap sample each."""
        inputs, n = np.ascontiguousarray(X, dtype=np.float32), len(y)
        rng = np.random.default_rng(seed)
        drawn = rng.integers(0, n, (self.trees, max(1, round(self.max_samples * n))))
        places = drawn + n * np.arange(self.trees)[:, None]
        counts = np.bincount(places.ravel(), minlength=self.trees * n).reshape(self.trees, n)
        forest = grow(inputs, y, counts, self, self.bins, rng)
        moments = _LeafMoments(forest=forest, features=inputs.shape[1])
        return _forest_model(moments, y, self.trees)


def _forest_model(moments: _LeafMoments, y: FloatArray, trees: int) -> EnsembleModel:
    return EnsembleModel(moments, floor=smallest_variance(y), size=trees, pooled=moments.pooled)


class _LeafMoments:
    """Mean and variance of the leaf that each tree puts an input in.

    Either trees of scikit-learn or arrays of nodes; the others are made when they are asked for.
    """

    def __init__(
        self, *, trees: list[Any] | None = None, forest: Forest | None = None, features: int = 0
    ) -> None:
        self._features = features
        if trees is not None:
            self._trees = trees
            self._leaves = sum(tree.n_leaves for tree in trees)
        if forest is not None:
            self._forest = forest
            self._leaves = int(np.count_nonzero(forest.leaves))
        self._count = len(self._trees if forest is None else forest.roots)

    @cached_property
    def _trees(self) -> list[Any]:
        return self._forest.trees(self._features)

    @cached_property
    def _forest(self) -> Forest:
        return Forest.of_trees(self._trees)

    @cached_property
    def _of_nodes(self) -> list[tuple[FloatArray, FloatArray]]:
        """Means and variances in the nodes of each tree."""
        return [(t.value[:, 0, 0].copy(), np.maximum(t.impurity, 0.0)) for t in self._trees]

    def __call__(self, X: Tensor) -> tuple[Tensor, Tensor]:
        """Each tree is walked once."""
        inputs = _single_precision(X)
        means = np.empty((len(self._trees), len(inputs)))
        variances = np.empty_like(means)
        for i, (tree, (mean, variance)) in enumerate(zip(self._trees, self._of_nodes, strict=True)):
            leaves = tree.apply(inputs)
            # Leaves exist; the mode spares a buffer in which they would be checked.
            np.take(mean, leaves, out=means[i], mode="clip")
            np.take(variance, leaves, out=variances[i], mode="clip")
        return torch.from_numpy(means), torch.from_numpy(variances)

    def pooled(self, X: Tensor) -> tuple[Tensor, Tensor] | None:
        """Mean and variance of the forest by sums over leaves; None where walking is quicker."""
        if len(X) * self._count < _ROWS_PER_LEAF * self._leaves:
            return None
        grid = halves(_single_precision(X))
        if grid is None:
            return None
        mean, variance = box_moments(self._forest, grid)
        return torch.from_numpy(mean), torch.from_numpy(np.maximum(variance, 0.0))


def _single_precision(X: Tensor) -> Float32Array:
    return np.ascontiguousarray(X.detach().numpy(), dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class XGBoost(TransformedPredictor):
    """Boosted trees (Chen & Guestrin, 2016), fitted to bootstrap samples of the training set.

    The spread of the members is the uncertainty about the function; their errors on the examples
    that they have not drawn give the observation noise.

    The defaults of the trees were chosen on TransNAS-Bench-101 and HAT (``benchmarks/tuning.py``,
    ``results/tuning``); XGBoost's own are ``rounds=100, learning_rate=0.3, max_depth=6,
    min_child_weight=1.0, subsample=1.0, reg_lambda=1.0``.

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
    rounds: int = option(200, least=1, most=100_000)
    learning_rate: float = option(0.05, least=1e-6, most=1.0)
    max_depth: int = option(6, least=1, most=64)
    min_child_weight: float = option(1.0, least=0.0, most=1e9)
    subsample: float = option(0.5, least=1e-3, most=1.0)
    colsample: float = option(1.0, least=1e-3, most=1.0)
    reg_lambda: float = option(1.0, least=0.0, most=1e9)

    tree_method: ClassVar[str] = "exact"
    """How XGBoost looks for splits."""

    def fit_targets(self, X: FloatArray, y: FloatArray, seed: int) -> EnsembleModel:
        """Fit the members on one thread."""
        counts = bootstrap_counts(len(y), self.members, seed)
        inputs = np.ascontiguousarray(X, dtype=np.float32)
        boosters = _Boosters(
            [
                self._boost(inputs, y, count, seed * self.members + i)
                for i, count in enumerate(counts)
            ]
        )
        noise = left_out_noise(y, boosters.values(inputs), counts == 0)
        return EnsembleModel(boosters, noise, smallest_variance(y), size=self.members)

    def _boost(self, X: Float32Array, y: FloatArray, count: IntArray, seed: int) -> xgboost.Booster:
        """One member, trained on the rows that it has drawn."""
        drawn = count > 0
        kind = xgboost.QuantileDMatrix if self.tree_method == "hist" else xgboost.DMatrix
        data = kind(X[drawn], label=y[drawn], weight=count[drawn], nthread=1)
        return boost(
            data,
            self,
            rounds=self.rounds,
            learning_rate=self.learning_rate,
            base_score=float(np.average(y[drawn], weights=count[drawn])),
            tree_method=self.tree_method,
            seed=seed,
        )


@dataclass(frozen=True, kw_only=True)
class HistogramXGBoost(XGBoost):
    """:class:`XGBoost` whose splits are looked for between 256 bins of each feature.

    With fewer than 256 values in a column, as in one-hot encodings, the candidates are all the same
    splits; sums are added up in another order, and rows are drawn by another generator.
    """

    tree_method: ClassVar[str] = "hist"


class _Boosters:
    """Predictions of all boosted models, straight from one array in single precision."""

    def __init__(self, boosters: list[xgboost.Booster]) -> None:
        self._boosters = boosters

    def __call__(self, X: Tensor) -> Tensor:
        return torch.from_numpy(self.values(_single_precision(X)))

    def values(self, X: Float32Array) -> FloatArray:
        """Means ``s x m``."""
        means = np.empty((len(self._boosters), len(X)))
        for row, booster in zip(means, self._boosters, strict=True):
            row[:] = booster.inplace_predict(X)
        return means

    def contributions(self, X: FloatArray) -> FloatArray:
        """SHAP values of the columns at ``X`` (``m x d``), ``m x (d + 1)``; last the constant.

        The mean over the models; each row adds up to the mean of their predictions.
        """
        data = xgboost.DMatrix(X, nthread=1)
        shares = [booster.predict(data, pred_contribs=True) for booster in self._boosters]
        return np.mean(shares, axis=0, dtype=np.float64)
