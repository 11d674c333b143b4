"""Measures of several networks at once equal scikit-learn's of each."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    log_loss,
    mean_absolute_error,
    recall_score,
)

from surrobench.training.loop.measures import measure


@pytest.mark.parametrize("classes", [2, 7, 30])
def test_equal_to_scikit_learn(classes: int) -> None:
    draws = torch.Generator().manual_seed(classes)
    scores = torch.randn(3, 40, classes, generator=draws, dtype=torch.float64)
    # With 30 classes some occur among labels or answers only, or in neither.
    labels = torch.randint(classes, (3, 40), generator=draws)
    for found, some, true in zip(measure(scores, labels), scores, labels, strict=True):
        answers = some.argmax(1)
        mean = {"average": "macro", "zero_division": 0}
        assert found.accuracy == pytest.approx(100 * accuracy_score(true, answers))
        assert found.macro_recall == pytest.approx(100 * recall_score(true, answers, **mean))
        assert found.macro_f1 == pytest.approx(100 * f1_score(true, answers, **mean))
        expected = log_loss(true, some.softmax(1), labels=range(classes))
        assert found.cross_entropy == pytest.approx(expected)
        answered = torch.nn.functional.one_hot(true, classes)
        expected = mean_absolute_error(answered, some.softmax(1))
        assert found.mae == pytest.approx(expected)


def test_a_member_without_finite_scores_leaves_the_others_alone() -> None:
    scores = torch.randn(2, 10, 3)
    labels = torch.arange(10).expand(2, -1) % 3
    (alone,) = measure(scores[:1], labels[:1])
    broken = scores.clone()
    broken[1] = torch.nan
    assert measure(broken, labels)[0] == pytest.approx(alone)
