"""Forests: sums over leaves equal walks through trees, and trees that grow level by level."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.tree import DecisionTreeRegressor

from surrobench.predictors import make_predictor
from surrobench.predictors.learners import leaf_boxes
from surrobench.predictors.learners.forest import Forest
from surrobench.predictors.learners.leaf_boxes import box_moments, halves
from surrobench.predictors.learners.level_growth import Candidates, grow
from surrobench.predictors.models import EnsembleModel
from surrobench.predictors.predictive import predict

GRID = np.stack(np.meshgrid(*[np.arange(4)] * 4, indexing="ij"), -1).reshape(-1, 4)
ONE_HOT = np.eye(4)[GRID].reshape(len(GRID), -1)
PLAIN: dict[str, Any] = {
    "min_samples_leaf": 1,
    "min_samples_split": 2,
    "max_features": 1.0,
    "max_depth": 1000,
}


def values(X: np.ndarray) -> np.ndarray:
    weights = np.random.default_rng(1).normal(size=X.shape[1])
    return np.sin(X @ weights) + 0.3 * (X @ weights[::-1])


def single(X: np.ndarray) -> Any:
    return np.ascontiguousarray(X, dtype=np.float32)


def grown(X: np.ndarray, y: np.ndarray, counts: np.ndarray | None = None, **options: Any) -> Forest:
    """Trees grown on all examples, or on those that each draws."""
    bins = options.pop("bins", 10_000)
    recipe: Any = SimpleNamespace(**(PLAIN | options))
    drawn = np.ones((1, len(y)), dtype=int) if counts is None else counts
    return grow(single(X), y, drawn, recipe, bins, np.random.default_rng(0))


def walked(forest: Forest, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance within the leaf of every tree, each ``trees x m``, one step at a time."""
    at = np.repeat(forest.roots[:, None], len(X), axis=1)
    while (inner := forest.left[at] >= 0).any():
        asked = np.where(inner, forest.feature[at], 0)
        low = single(X)[np.arange(len(X)), asked] <= forest.threshold[at]
        at = np.where(inner, np.where(low, forest.left[at], forest.right[at]), at)
    return forest.mean[at], forest.variance[at]


POOLS = {
    "one-hot": ONE_HOT,
    "numbers": GRID.astype(float),
    "shuffled": ONE_HOT[:, np.random.default_rng(3).permutation(16)],
    "mixed, with a constant column": np.c_[np.full(256, 2.0), ONE_HOT[:, :8], GRID[:, 2:] * 0.37],
    "repeated rows": np.repeat(ONE_HOT[:40], 3, axis=0),
    "one row": ONE_HOT[:1],
}


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
@pytest.mark.parametrize("name", ["random-forest", "random-forest-hist"])
@pytest.mark.parametrize("trees", [1, 25])
def test_sums_over_leaves_are_walks_through_trees(name: str, pool: np.ndarray, trees: int) -> None:
    X = torch.tensor(pool)[:: max(1, len(pool) // 60)]
    y = torch.tensor(values(X.numpy())).unsqueeze(-1)
    model: Any = make_predictor(name, trees=max(trees, 2)).fit(X, y, seed=0).base  # type: ignore
    forest: Forest = model.members._forest
    if trees == 1:
        forest = Forest.of_trees(model.members._trees[:1])
    grid = halves(single(pool))
    assert grid is not None
    mean, variance = box_moments(forest, grid)
    means, within = walked(forest, pool)
    np.testing.assert_allclose(mean, means.mean(axis=0), rtol=0, atol=1e-12)
    expected = means.var(axis=0) + within.mean(axis=0)
    np.testing.assert_allclose(variance, expected, rtol=0, atol=1e-12)


def test_halves_of_a_grid_are_found_whatever_the_order_of_columns() -> None:
    for name in ("one-hot", "numbers", "shuffled"):
        grid = halves(single(POOLS[name]))
        assert grid is not None
        assert [len(half.rows) for half in grid] == [16, 16]
        for half in grid:
            np.testing.assert_array_equal(
                half.rows[half.place][:, half.columns], single(POOLS[name])[:, half.columns]
            )


def test_a_pool_that_is_no_grid_is_walked() -> None:
    pool = np.random.default_rng(0).random((1100, 6))
    assert halves(single(pool)) is None
    X, y = torch.tensor(pool[:30]), torch.tensor(values(pool[:30])).unsqueeze(-1)
    model: Any = make_predictor("random-forest", trees=20).fit(X, y, seed=0)
    assert model.base.pooled_moments(torch.tensor(pool)) is None
    told = predict(model, torch.tensor(pool))
    posterior = model.posterior(torch.tensor(pool), observation_noise=True)
    np.testing.assert_array_equal(told.mean, posterior.mean[:, 0])


@pytest.mark.parametrize("transform", ["standardise", "quantile-normal"])
@pytest.mark.parametrize("name", ["random-forest", "random-forest-hist"])
def test_predictions_of_a_grid_are_the_posteriors(name: str, transform: str) -> None:
    """In units of the targets, with the floor of the variance and with ties where they were."""
    pool = torch.tensor(ONE_HOT)
    X, y = pool[::17], 90 + 0.01 * torch.tensor(values(ONE_HOT[::17])).unsqueeze(-1)
    options = {"trees": 12, "max_depth": 2, "transform": transform}
    model: Any = make_predictor(name, **options).fit(X, y, seed=0)
    bare: EnsembleModel = model.base
    assert bare.pooled_moments(pool) is not None
    told = predict(model, pool)
    posterior = model.posterior(pool, observation_noise=True)
    np.testing.assert_allclose(told.mean, posterior.mean[:, 0], rtol=1e-13)
    np.testing.assert_allclose(told.std**2, posterior.variance[:, 0], rtol=1e-9)
    leaves = np.stack([tree.apply(single(ONE_HOT)) for tree in bare.members._trees])  # type: ignore
    _, alike = np.unique(leaves, axis=1, return_inverse=True)
    assert len(np.unique(told.median)) <= alike.max() + 1 < len(pool)


def test_a_certain_forest_keeps_the_floor() -> None:
    pool = torch.tensor(ONE_HOT)
    y = pool[::5, :1].clone()  # one split explains everything
    model: Any = make_predictor("random-forest", trees=40).fit(pool[::5], y, seed=0)
    _, variance = model.base.pooled_moments(pool)
    assert float(variance.min()) == model.base.floor


def test_equal_halves_are_told_from_equal_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    masks = np.random.default_rng(0).integers(0, 3, (50, 2)).astype(np.uint64)
    monkeypatch.setattr(leaf_boxes, "_FACTORS", np.zeros(2, dtype=np.uint64))
    different, which = leaf_boxes._distinct(masks)
    assert len(different) == len(np.unique(masks, axis=0)) > 1
    np.testing.assert_array_equal(different[which], masks)


def partition(leaves: np.ndarray) -> list[int]:
    """Leaves by the first row in each."""
    _, first, which = np.unique(leaves, return_index=True, return_inverse=True)
    return [int(place) for place in first[which]]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"max_depth": 3},
        {"min_samples_leaf": 4},
        {"min_samples_split": 12, "min_samples_leaf": 2},
    ],
    ids=str,
)
def test_a_tree_that_grows_by_levels_is_scikit_learns(options: dict[str, Any]) -> None:
    rng = np.random.default_rng(5)
    X, y = rng.random((120, 4)), rng.normal(size=120)
    counts = rng.integers(0, 3, 120)
    drawn = counts > 0
    theirs = DecisionTreeRegressor(**options).fit(X[drawn], y[drawn], sample_weight=counts[drawn])
    ours = grown(X, y, counts[None, :], **options).trees(4)[0]
    assert ours.node_count == theirs.tree_.node_count
    inputs = single(X[drawn])  # elsewhere thresholds are midpoints of other gaps
    found, expected = ours.apply(inputs), theirs.tree_.apply(inputs)
    assert partition(found) == partition(expected)
    np.testing.assert_allclose(
        ours.value[found, 0, 0], theirs.tree_.value[expected, 0, 0], rtol=1e-12
    )
    np.testing.assert_allclose(ours.impurity[found], theirs.tree_.impurity[expected], atol=1e-12)


def test_a_tree_by_hand() -> None:
    """Targets 1, 5, 5 and 8: parting 1 from the others leaves (0 + 6) / 4 of the variance."""
    X, y = np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([1.0, 1.0, 5.0, 8.0])
    forest = grown(X, y, np.array([[1, 0, 2, 1]]), max_depth=1)
    np.testing.assert_array_equal(forest.left, [1, -1, -1])
    assert forest.threshold[0] in (1.5, 2.5)  # both part 1 from 3 and 4: a tie
    np.testing.assert_allclose(forest.mean, [19 / 4, 1.0, 6.0])
    np.testing.assert_allclose(forest.variance[1:], [0.0, 2.0])


def test_bins_hold_about_equally_many_examples() -> None:
    X = single(np.random.default_rng(0).random((1000, 1)) ** 3)
    candidates = Candidates.between_bins(X, 8)
    below = candidates.below.sum(axis=0)
    np.testing.assert_allclose(below, np.arange(1, 8) * 125, atol=1)
    few = Candidates.between_bins(single(np.array([[0.0], [3.0], [1.0], [1.0]])), 8)
    np.testing.assert_array_equal(few.threshold, [0.5, 2.0])


def test_nothing_to_split_is_a_leaf() -> None:
    X = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    for inputs, y in ((X[:, :1], np.arange(3.0)), (X, np.ones(3)), (X[1:], np.arange(2.0))):
        forest = grown(inputs, y)
        assert len(forest.left) == 1
        np.testing.assert_allclose(forest.mean, y.mean())
        np.testing.assert_allclose(forest.variance, y.var(), atol=1e-15)


def test_a_split_that_gains_nothing_is_taken_like_scikit_learns() -> None:
    """Exclusive or: only the second level explains anything."""
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([0.0, 1.0, 1.0, 0.0])
    means, within = walked(grown(X, y), X)
    np.testing.assert_array_equal(means[0], y)
    np.testing.assert_array_equal(within[0], 0)


def test_ties_fall_to_every_feature() -> None:
    X = np.repeat(np.array([[0.0], [1.0]]), 4, axis=1)
    forest = grown(X, np.arange(2.0), np.ones((200, 2), dtype=int))
    assert (np.bincount(forest.feature[:200], minlength=4) > 20).all()


def test_a_share_of_the_features_is_offered_to_each_node() -> None:
    """With one of four features, the best one is taken by every fourth root, and none is stuck."""
    rng = np.random.default_rng(0)
    X = np.c_[np.zeros(60), rng.random((60, 3))]
    y = X[:, 3] + 0.01 * rng.normal(size=60)
    forest = grown(X, y, np.ones((400, 60), dtype=int), max_features=0.25, max_depth=1)
    roots = np.bincount(forest.feature[:400], minlength=4)
    assert roots[0] == 0  # a constant feature parts nothing: another one is looked at
    assert 90 < roots[3] < 180  # a quarter, and a third of the quarter that drew the constant


def test_separate_trees_are_there_for_samples() -> None:
    """Members of the posterior, whose moments are those of the sums over leaves."""
    pool = torch.tensor(ONE_HOT)
    y = torch.tensor(values(ONE_HOT[::9])).unsqueeze(-1)
    model: Any = make_predictor("random-forest-hist", trees=20).fit(pool[::9], y, seed=0)
    posterior = model.base.posterior(pool)
    means, within = walked(model.base.members._forest, ONE_HOT)
    np.testing.assert_array_equal(posterior.values[:, :, 0], means)
    np.testing.assert_array_equal(posterior.variances[:, :, 0], within)
