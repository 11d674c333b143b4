from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from surrobench.metrics.ranking import (
    kendall_tau,
    kendall_tau_top_half,
    ndcg_at_k,
    pearson,
    precision_at_k,
    spearman,
)

PAIRS = st.integers(2, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(-5, 5), min_size=n, max_size=n),
        st.lists(st.integers(-5, 5), min_size=n, max_size=n),
    )
)


def noisy(n: int = 500, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.round(rng.normal(size=n), 1)
    return truth, np.round(truth + rng.normal(size=n), 1)


def test_correlations_equal_scipy() -> None:
    truth, prediction = noisy()
    assert kendall_tau(truth, prediction) == pytest.approx(
        stats.kendalltau(truth, prediction, variant="b").statistic, abs=1e-12
    )
    assert spearman(truth, prediction) == pytest.approx(
        stats.spearmanr(truth, prediction).statistic, abs=1e-12
    )
    assert pearson(truth, prediction) == pytest.approx(
        stats.pearsonr(truth, prediction).statistic, abs=1e-12
    )


def test_kendall_tau_with_ties_by_hand() -> None:
    # 6 pairs: 4 concordant, 1 tied in the truth only, 1 tied in the prediction only
    assert kendall_tau([1, 2, 2, 3], [1, 2, 3, 3]) == pytest.approx(4 / 5)
    assert kendall_tau([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)


@given(PAIRS)
def test_kendall_tau_equals_its_definition(pair: tuple[list[int], list[int]]) -> None:
    truth, prediction = (np.array(values) for values in pair)
    i, j = np.triu_indices(truth.size, 1)
    a, b = np.sign(truth[i] - truth[j]), np.sign(prediction[i] - prediction[j])
    if not a.any():
        assert math.isnan(kendall_tau(truth, prediction))
        return
    scale = math.sqrt(float(np.abs(a).sum()) * float(np.abs(b).sum()))
    expected = float((a * b).sum()) / scale if scale else 0.0
    assert kendall_tau(truth, prediction) == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow
@given(PAIRS, st.randoms(use_true_random=False))
def test_rank_scores_ignore_the_order_of_the_data_and_monotone_maps(
    pair: tuple[list[int], list[int]], random: object
) -> None:
    truth, prediction = (np.array(values, dtype=float) for values in pair)
    order = np.random.default_rng(random.randrange(2**32)).permutation(truth.size)  # type: ignore[attr-defined]
    for score in (
        kendall_tau,
        spearman,
        kendall_tau_top_half,
        lambda t, p: precision_at_k(t, p, min(3, len(t))),
    ):
        value = score(truth, prediction)
        assert score(truth[order], prediction[order]) == pytest.approx(value, nan_ok=True)
        assert score(truth, np.exp(prediction)) == pytest.approx(value, nan_ok=True)
        assert score(truth**3, prediction) == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize("score", [kendall_tau, spearman, pearson, kendall_tau_top_half])
def test_constant_predictions_score_zero_and_constant_truth_is_undefined(score: object) -> None:
    assert score([1, 2, 3, 4], [0.1, 0.1, 0.1, 0.1]) == 0.0  # type: ignore[operator]
    assert score([1, 2, 3, 4], [0.3, 0.1 + 0.2, 0.3, 0.3]) == 0.0  # type: ignore[operator]
    assert math.isnan(score([1, 1, 1, 1], [1, 2, 3, 4]))  # type: ignore[operator]


def test_top_half_is_tau_above_the_median() -> None:
    truth = np.arange(10.0)
    prediction = np.array([9, 8, 7, 6, 5, 0, 1, 2, 3, 4.0])
    assert kendall_tau_top_half(truth, prediction) == pytest.approx(1)
    assert kendall_tau(truth, prediction) < 0
    truth, prediction = noisy(501)
    top = truth >= np.median(truth)
    expected = stats.kendalltau(truth[top], prediction[top]).statistic
    assert kendall_tau_top_half(truth, prediction) == pytest.approx(expected, abs=1e-12)


def test_precision_by_hand() -> None:
    truth = [1, 2, 3, 4, 5, 6]
    assert precision_at_k(truth, [1, 2, 3, 4, 5, 6], 3) == 1
    assert precision_at_k(truth, [6, 5, 4, 3, 2, 1], 3) == 0
    assert precision_at_k(truth, [0, 0, 9, 0, 9, 9], 3) == pytest.approx(2 / 3)
    assert precision_at_k(truth, [0] * 6, 3) == pytest.approx(0.5)
    assert precision_at_k([1, 2, 2], [1, 2, 3], 1) == 1
    assert math.isnan(precision_at_k(truth, truth, 7))


def test_tied_predictions_score_the_average_over_random_tie_breaking() -> None:
    truth, prediction = noisy(60)
    prediction = np.round(prediction)
    rng = np.random.default_rng(1)
    draws = [precision_at_k(truth, prediction + 1e-3 * rng.random(60), 10) for _ in range(4000)]
    assert precision_at_k(truth, prediction, 10) == pytest.approx(np.mean(draws), abs=0.01)


@pytest.mark.parametrize(
    ("truth", "prediction", "message"),
    [
        ([1, 2], [1, 2, 3], "prediction has 3 values where 2"),
        ([1, np.nan], [1, 2], "truth has 1 value not finite"),
        ([], [], "truth must be a non-empty vector"),
        ([[1, 2]], [[1, 2]], "of shape"),
    ],
)
def test_bad_arrays_are_named(truth: object, prediction: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kendall_tau(truth, prediction)  # type: ignore[arg-type]


def test_one_test_point_has_no_order() -> None:
    assert math.isnan(kendall_tau([1.0], [2.0]))
    with pytest.raises(ValueError, match="k must be at least 1"):
        precision_at_k([1, 2], [1, 2], 0)


def test_ndcg_by_hand() -> None:
    truth = [10, 20, 30]  # gains 0, 1/2, 1
    assert ndcg_at_k(truth, truth, 2) == pytest.approx(1.0)
    ideal = 1 + 0.5 / math.log2(3)
    assert ndcg_at_k(truth, [1, 3, 2], 2) == pytest.approx((0.5 + 1 / math.log2(3)) / ideal)
    assert ndcg_at_k(truth, [3, 2, 1], 1) == 0.0
    assert ndcg_at_k(truth, [0, 0, 0], 2) == pytest.approx(0.5 * (1 + 1 / math.log2(3)) / ideal)
    assert math.isnan(ndcg_at_k(truth, truth, 4))
    assert math.isnan(ndcg_at_k([5, 5], [1, 2], 1))
    with pytest.raises(ValueError, match="at least 1"):
        ndcg_at_k(truth, truth, 0)


@settings(max_examples=30, deadline=None)
@given(PAIRS, st.integers(1, 10))
def test_ndcg_depends_on_no_unit_and_is_that_of_the_mean_tie_breaking(
    pair: tuple[list[int], list[int]], k: int
) -> None:
    truth, prediction = (np.array(values, dtype=float) for values in pair)
    score = ndcg_at_k(truth, prediction, k)
    if k > len(truth) or np.ptp(truth) == 0:
        assert math.isnan(score)
        return
    assert 0 <= score <= 1 + 1e-12
    assert ndcg_at_k(1000 * truth - 7, prediction, k) == pytest.approx(score)
    gain = (truth - truth.min()) / np.ptp(truth)
    discount = 1 / np.log2(np.arange(2, k + 2))
    rng = np.random.default_rng(0)
    broken = prediction + 1e-6 * rng.random((4000, len(truth)))
    found = gain[np.argsort(-broken, axis=1)[:, :k]] @ discount
    found /= np.sort(gain)[::-1][:k] @ discount
    assert found.mean() == pytest.approx(score, abs=5 * found.std() / 4000**0.5 + 1e-6)
