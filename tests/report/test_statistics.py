from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from surrobench.report.statistics import (
    can_reject,
    holm,
    mean_interval,
    mean_ranks,
    signed_rank,
    signed_ranks,
    versus_best,
)


def test_interval_equals_scipy() -> None:
    values = np.random.default_rng(0).normal(size=12)
    interval = mean_interval(values)
    low, high = stats.t.interval(0.95, 11, loc=values.mean(), scale=stats.sem(values))
    assert interval.mean == pytest.approx(values.mean(), abs=1e-12)
    assert interval.se == pytest.approx(stats.sem(values), abs=1e-12)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-12)


def test_intervals_cover_the_truth_at_their_nominal_rate() -> None:
    draws = np.random.default_rng(0).normal(3.0, 2.0, size=(3000, 8))
    intervals = [mean_interval(row) for row in draws]
    inside = np.mean([i.low <= 3.0 <= i.high for i in intervals])
    assert inside == pytest.approx(0.95, abs=0.015)


def test_one_value_has_no_interval_and_none_no_mean() -> None:
    one = mean_interval([2.0, np.nan])
    assert (one.mean, one.n) == (2.0, 1)
    assert np.isnan([one.se, one.low, one.high]).all()
    assert np.isnan(mean_interval([]).mean)


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    np.testing.assert_allclose(holm([0.01, np.nan, 0.9, 0.8]), [0.03, np.nan, 1, 1])
    assert holm([]).size == 0


def test_signed_rank_equals_scipy() -> None:
    differences = np.random.default_rng(0).normal(0.3, 1, 15)
    assert signed_rank(differences) == pytest.approx(stats.wilcoxon(differences).pvalue, abs=1e-12)
    assert signed_rank([0.0, 0.0]) == 1.0
    assert np.isnan(signed_rank([np.nan]))


def test_many_signed_ranks_equal_scipy_one_at_a_time() -> None:
    rng = np.random.default_rng(0)
    for pairs in (4, 7, 14, 60):
        table = rng.normal(0.4, 1, (pairs, 12))
        table[:, 3:6] = table[:, 3:6].round(1)  # ties
        table[: pairs // 2, 6:8] = 0
        table[:2, 8:10] = np.nan
        expected = [stats.wilcoxon(column[np.isfinite(column)]).pvalue for column in table.T]
        np.testing.assert_allclose(signed_ranks(table), expected, atol=1e-12)
    table[:, 0], table[:, 1] = 0, np.nan
    assert signed_ranks(table)[0] == 1
    assert np.isnan(signed_ranks(table)[1])


def test_the_smallest_p_value_decides_whether_a_test_is_possible() -> None:
    assert signed_rank(np.arange(1.0, 7.0)) == pytest.approx(2 ** (1 - 6))
    assert can_reject(6, 1)
    assert not can_reject(5, 1)
    assert not can_reject(8, 12)


def scores(shifts: dict[str, float], seeds: int = 20) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    common = rng.normal(size=seeds)
    return pd.DataFrame(
        {name: shift + common + 0.1 * rng.normal(size=seeds) for name, shift in shifts.items()}
    )


def test_best_and_not_worse() -> None:
    table = versus_best(scores({"a": 1.0, "b": 0.95, "c": 0.0}))
    assert table["best"].to_dict() == {"a": True, "b": False, "c": False}
    assert table["not_worse"].to_dict() == {"a": False, "b": True, "c": False}
    assert np.isnan(table.loc["a", "p"])
    assert table.loc["c", "p"] < 1e-4
    smaller = versus_best(scores({"a": 1.0, "b": 0.0}), larger_is_better=False)
    assert smaller["best"].to_dict() == {"a": False, "b": True}


def test_pairs_are_common_seeds_only() -> None:
    frame = scores({"a": 1.0, "b": 0.0})
    frame.loc[:4, "b"] = np.nan
    table = versus_best(frame)
    assert table.loc["b", "pairs"] == 15
    paired = frame.dropna()
    expected = stats.wilcoxon(paired["a"] - paired["b"]).pvalue
    assert table.loc["b", "p"] == pytest.approx(expected, abs=1e-12)


def test_too_few_seeds_never_look_like_a_draw() -> None:
    table = versus_best(scores({"a": 1.0, "b": 0.99}, seeds=5))
    assert table["best"].sum() == 1
    assert not table["not_worse"].any()


@pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame({"a": [np.nan]})])
def test_nothing_to_compare(frame: pd.DataFrame) -> None:
    table = versus_best(frame)
    assert list(table.columns) == ["best", "second", "p", "pairs", "not_worse"]
    assert not table["best"].any()


def test_mean_ranks_share_ties_and_skip_incomplete_methods() -> None:
    means = pd.DataFrame(
        {"t1": [0.9, 0.9, 0.1, 0.99], "t2": [0.5, 0.7, 0.1, np.nan]}, index=list("abcd")
    )
    ranks = mean_ranks(means)
    assert ranks[["a", "b", "c"]].to_list() == [1.75, 1.25, 3.0]
    assert np.isnan(ranks["d"])
    assert mean_ranks(means, larger_is_better=False)["c"] == 1.0


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5])
def test_nothing_is_the_best_where_all_are_equal(value: float) -> None:
    scores = pd.DataFrame({name: [value] * 8 for name in "abc"})
    compared = versus_best(scores)
    assert not compared[["best", "second", "not_worse"]].to_numpy().any()
    assert versus_best(scores[["a"]])["best"].all(), "one method is not compared"
