"""Stacked regressions: weights, the mixture, and what the left-out errors do to its deviation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surrobench.base.columns import ColumnBlock
from surrobench.errors import UserError
from surrobench.predictors import make_predictor
from surrobench.predictors.learners.stacking import mixture, stacking_weights
from surrobench.predictors.predictive import predict

RNG = np.random.default_rng(7)
X = torch.tensor(RNG.random((90, 4)))
Y = torch.sin(4.0 * X[:, :1]) + X[:, 1:2] * X[:, 2:3]
QUICK = {"trees": 60, "fold_trees": 30, "folds": 3}


def test_weights_follow_the_left_out_errors_and_the_penalty_evens_them() -> None:
    y = RNG.standard_normal(400)
    good, bad = y + 0.1 * RNG.standard_normal(400), y + 2.0 * RNG.standard_normal(400)
    weights = stacking_weights(np.stack([good, bad]), y, penalty=0.0)
    assert weights.sum() == pytest.approx(1.0)
    assert 0.9 < weights[0] <= 1.0
    # By inverse variances, 1 / 4 to 1 / 0.01.
    assert weights[1] == pytest.approx(1.0 / 401.0, abs=0.02)
    even = stacking_weights(np.stack([good, bad]), y, penalty=1e6)
    np.testing.assert_allclose(even, 0.5, atol=1e-2)


def test_weights_do_not_depend_on_units() -> None:
    y = RNG.standard_normal(50)
    means = np.stack([y + RNG.standard_normal(50), y + 0.5 * RNG.standard_normal(50)])
    first, second = (stacking_weights(a * means + b, a * y + b, 10.0) for a, b in ((1, 0), (9, 40)))
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_a_mixture_is_wider_than_its_members_where_they_disagree() -> None:
    means, variances = np.array([[0.0, 0.0], [0.0, 2.0]]), np.ones((2, 2))
    mean, variance = mixture(means, variances, np.array([0.5, 0.5]))
    np.testing.assert_allclose(mean, [0.0, 1.0])
    np.testing.assert_allclose(variance, [1.0, 2.0])


def test_deviations_fit_the_errors_on_new_examples() -> None:
    noisy = Y + 0.3 * torch.tensor(RNG.standard_normal(Y.shape))
    model = make_predictor("stacking", **QUICK).fit(X[:60], noisy[:60], seed=0)
    truth = noisy[60:, 0].numpy()
    answer = predict(model, X[60:])
    assert np.mean(np.abs(answer.cdf(truth) - 0.5) < 0.45) >= 0.8
    assert np.corrcoef(answer.median, truth)[0, 1] > 0.6


def test_proxies_have_a_lengthscale_each() -> None:
    blocks = (ColumnBlock("measured", 0, 2), ColumnBlock("graph", 2, 4))
    told = make_predictor("stacking", **QUICK).for_blocks(blocks)  # type: ignore[attr-defined]
    process = told._members()[0]
    covariance = process.on_pool(X).covariance
    assert [block.size for block in covariance.blocks] == [2, 1]
    assert covariance.product
    assert torch.isfinite(told.fit(X, Y, seed=0).posterior(X).mean).all()


def test_few_examples_weigh_the_members_equally() -> None:
    model = make_predictor("stacking", **QUICK).fit(X[:4], Y[:4], seed=0)
    assert torch.isfinite(model.posterior(X).variance).all()


def test_options_are_checked() -> None:
    for name, value in (("folds", 1), ("penalty", -1.0), ("max_features", 0.0), ("trees", 1)):
        with pytest.raises(UserError, match=name):
            make_predictor("stacking", **{name: value})


def test_what_other_spaces_say_is_for_the_process_alone() -> None:
    blocks = (ColumnBlock("graph", 0, 1), ColumnBlock("other-spaces", 1, 3))
    blocks = (*blocks, ColumnBlock("wl", 3, 4))
    told = make_predictor("stacking", **QUICK).for_blocks(blocks)  # type: ignore[attr-defined]
    process, forest = told._members()
    assert [block.size for block in process.on_pool(X).covariance.blocks] == [1, 2, 1]
    assert forest.columns == (0, 3)
    moved = X.clone()
    moved[:, 1:3] = 0.5
    model = forest.fit(X, Y, seed=0)
    assert torch.equal(model.posterior(moved).mean, model.posterior(X).mean)
    assert torch.isfinite(told.fit(X, Y, seed=0).posterior(X).mean).all()
    alone = make_predictor("stacking", **QUICK)
    only = alone.for_blocks((ColumnBlock("other-spaces", 0, 4),))  # type: ignore[attr-defined]
    assert torch.isfinite(only.fit(X, Y, seed=0).posterior(X).mean).all()
