"""Losses of ranks: their slopes are those of the formulas, and they learn orders."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surrobench.errors import UserError
from surrobench.predictors import make_predictor
from surrobench.predictors.learners.rank_losses import LossName, lines, loss_for, top_weights

MARGIN = 0.3
RNG = np.random.default_rng(0)
Y = RNG.standard_normal((2, 9))
Y[0, 3] = Y[0, 4]  # a tie says nothing about the order
SHARE = RNG.random((2, 9)) + 0.1
SHARE[1, 5:7] = 0.0  # rows that the second network does not see


def hinge(f: torch.Tensor, y: np.ndarray, w: np.ndarray) -> torch.Tensor:
    """The loss of one network, pair by pair."""
    total, weight = torch.zeros(()), 0.0
    for i in range(len(y)):
        for j in range(len(y)):
            if y[i] > y[j] and w[i] > 0 and w[j] > 0:
                total = total + w[i] * torch.clamp(MARGIN - (f[i] - f[j]), min=0.0)
                weight += w[i]
    return total / weight


def listmle(f: torch.Tensor, y: np.ndarray, w: np.ndarray) -> torch.Tensor:
    """The loss of one network, place by place."""
    order = [i for i in np.argsort(-y, kind="stable") if w[i] > 0]
    total = torch.zeros(())
    for place, i in enumerate(order):
        rest = torch.stack([f[k] for k in order[place:]])
        total = total + w[i] * (torch.logsumexp(rest, dim=0) - f[i])
    return total


@pytest.mark.parametrize(("name", "formula"), [("hinge", hinge), ("listmle", listmle)])
def test_slopes_are_those_of_the_formula(name: LossName, formula: object) -> None:
    # Some pairs are beyond the margin, some are within it.
    outputs = np.random.default_rng(1).standard_normal(Y.shape)
    leaves = [torch.tensor(row, requires_grad=True) for row in outputs]
    for leaf, y, w in zip(leaves, Y, SHARE, strict=True):
        formula(leaf, y, w).backward()  # type: ignore[operator]
    slopes = torch.from_numpy(outputs).float()
    loss_for(name, Y, SHARE, margin=MARGIN, seed=0).to_slopes(slopes)
    for row, leaf in zip(slopes, leaves, strict=True):
        np.testing.assert_allclose(row, leaf.grad, atol=1e-6)


def test_weights_rise_to_the_top() -> None:
    weights = top_weights(np.array([3.0, 1.0, 2.0]), focus=2.0)
    np.testing.assert_allclose(weights, np.exp([2.0, 0.0, 1.0]))
    assert top_weights(np.array([5.0]), focus=2.0).tolist() == [1.0]


def test_scores_are_moved_to_the_targets_by_a_line() -> None:
    y = np.array([1.0, 2.0, 4.0, 9.0])
    seen = np.array([[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    scores = np.stack([(y - 3.0) / 2.0, -y])
    slope, intercept = lines(scores, y, seen)
    assert (slope[0], intercept[0]) == pytest.approx((2.0, 3.0))
    assert (slope[1], intercept[1]) == pytest.approx((0.0, y.mean()))  # an order is not reversed


@pytest.mark.parametrize("name", ["mlp-hinge", "mlp-listmle"])
def test_a_focus_on_the_top_changes_what_is_learned(name: str) -> None:
    inputs = torch.tensor(RNG.random((40, 3)))
    targets = (inputs[:, :1] - inputs[:, 1:2]) ** 2
    plain = make_predictor(name, steps=30).fit(inputs, targets, seed=0).posterior(inputs).mean
    top = make_predictor(name, steps=30, focus=4.0).fit(inputs, targets, seed=0)
    assert not torch.allclose(plain, top.posterior(inputs).mean)


def test_an_unknown_loss_is_refused() -> None:
    with pytest.raises(UserError, match="hinge"):
        make_predictor("mlp-ensemble", loss="hing")
