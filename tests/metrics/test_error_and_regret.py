from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from surrobench.metrics.error import mae, rmse
from surrobench.metrics.regret import best_of_top_k, best_rank_at_k, regret_at_k


def test_errors_equal_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    truth, prediction = rng.normal(90, 5, 1000), rng.normal(90, 5, 1000)
    assert mae(truth, prediction) == pytest.approx(
        sklearn_metrics.mean_absolute_error(truth, prediction), abs=1e-12
    )
    assert rmse(truth, prediction) == pytest.approx(
        sklearn_metrics.root_mean_squared_error(truth, prediction), abs=1e-12
    )


def test_best_and_regret_by_hand() -> None:
    truth, prediction = [10, 20, 30, 40], [4, 3, 2, 1]
    assert best_of_top_k(truth, prediction, 1) == 10
    assert best_of_top_k(truth, prediction, 2) == 20
    assert best_of_top_k(truth, prediction, 99) == 40
    assert regret_at_k(truth, prediction, 2) == 20
    assert regret_at_k(truth, truth, 1) == 0


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=2, max_size=5),
    st.integers(1, 6),
)
def test_ties_give_the_mean_over_all_tie_breakings(rows: list[tuple[int, int]], k: int) -> None:
    truth, prediction = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    outcomes = []
    for order in itertools.permutations(range(len(rows))):
        chosen = sorted(order, key=lambda i: -prediction[i])[:k]  # stable: order breaks the ties
        outcomes.append(truth[list(chosen)].max())
    assert best_of_top_k(truth, prediction, k) == pytest.approx(np.mean(outcomes))


def test_a_constant_prediction_chooses_at_random() -> None:
    truth = np.arange(101.0)
    assert best_of_top_k(truth, np.zeros(101), 1) == pytest.approx(50)
    assert regret_at_k(truth, np.zeros(101), 1) == pytest.approx(50)
    rng = np.random.default_rng(0)
    draws = [rng.choice(truth, 10, replace=False).max() for _ in range(20_000)]
    assert best_of_top_k(truth, np.zeros(101), 10) == pytest.approx(np.mean(draws), abs=0.3)


def test_large_tied_pools_are_exact() -> None:
    n = 15_625
    # the expected maximum of k draws without replacement from 1..n is k (n + 1) / (k + 1)
    assert best_of_top_k(np.arange(1, n + 1), np.zeros(n), 10) == pytest.approx(10 * (n + 1) / 11)


def test_the_best_rank_by_hand_and_against_the_best_value() -> None:
    truth = [10, 40, 30, 40]
    assert best_rank_at_k(truth, [4, 3, 2, 1], 1) == 4
    assert best_rank_at_k(truth, [4, 1, 3, 2], 2) == 3
    assert best_rank_at_k(truth, [4, 3, 2, 1], 2) == 1  # equally good ones share a rank
    assert best_rank_at_k(truth, [1, 1, 1, 1], 1) == pytest.approx((1 + 1 + 3 + 4) / 4)
    n = 15_625
    assert best_rank_at_k(np.arange(n), np.zeros(n), 10) == pytest.approx((n + 1) / 11)
