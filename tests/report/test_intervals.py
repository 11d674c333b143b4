"""Intervals are those of the reference where there is one, and absent where none holds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from surrobench.report.statistics.bootstrap import studentised_intervals
from surrobench.report.statistics.intervals import (
    mean_interval,
    mean_intervals,
    stratified_mean_interval,
    trimmed_mean_interval,
)


def covered(low: np.ndarray, high: np.ndarray, truth: float) -> float:
    return float(np.mean((low <= truth) & (truth <= high)))


def test_student_equals_scipy() -> None:
    values = np.random.default_rng(0).normal(size=12)
    interval = mean_interval(np.append(values, np.nan))
    low, high = stats.t.interval(0.95, 11, loc=values.mean(), scale=stats.sem(values))
    assert interval.mean == pytest.approx(values.mean(), abs=1e-12)
    assert interval.se == pytest.approx(stats.sem(values), abs=1e-12)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-12)


def test_one_value_has_no_interval_and_none_no_mean() -> None:
    one = mean_interval([2.0, np.nan])
    assert (one.mean, one.n) == (2.0, 1)
    assert np.isnan([one.se, one.low, one.high]).all()
    assert np.isnan(mean_interval([]).mean)


def test_two_values_have_no_interval_because_none_was_simulated() -> None:
    two = mean_interval([2.0, 3.0])
    assert (two.mean, two.n) == (2.5, 2)
    assert np.isfinite(two.se)
    assert np.isnan([two.low, two.high]).all()
    values = np.array([[0.1, 0.2, 0.3], [0.2, 0.4, 0.1], [np.nan, 0.1, 0.5]])
    assert np.isnan(mean_intervals(values)[0]).tolist() == [True, False, False]
    assert np.isnan(stratified_mean_interval([np.arange(2.0), np.arange(9.0)])).all()
    assert np.isfinite(stratified_mean_interval([np.arange(3.0), np.arange(9.0)])).all()


def test_equal_values_have_no_interval() -> None:
    assert np.isnan(mean_interval([0.0, 0.0, 0.0]).low)
    assert np.isnan(mean_interval([0.0, 0.0, 0.0, 1.0]).low)
    assert np.isfinite(mean_interval([0.0, 0.0, 1.0, 2.0]).low)


def test_skewed_values_have_an_interval_only_where_it_holds() -> None:
    rng = np.random.default_rng(1)
    values = rng.exponential(size=(60, 4))
    values[49:, 1] = np.nan  # too few
    values[rng.permutation(60)[:41], 2] = 0.0  # too many zeros
    values[50:, 3] = np.nan
    low, high = mean_intervals(values, skewed=True)
    assert np.isfinite(low).tolist() == [True, False, False, True]
    assert np.isfinite(low).tolist() == np.isfinite(high).tolist()
    plain, _ = mean_intervals(values)
    assert np.isfinite(plain).tolist() == [True, True, False, True]


def test_missing_values_are_left_out_column_by_column() -> None:
    values = np.random.default_rng(0).normal(size=(54, 3))
    values[3:6, 1] = np.nan
    for skewed in (False, True):
        low, high = mean_intervals(values, skewed)
        short = mean_intervals(np.sort(values[:, [1]], axis=0)[:51], skewed)
        assert (low[1], high[1]) == (short[0][0], short[1][0])


def test_the_coverage_of_skewed_means_is_kept_for_the_heaviest_tail_that_is_printed() -> None:
    values = np.exp(np.random.default_rng(5).normal(size=(50, 2000)))
    low, high = mean_intervals(values, skewed=True)
    assert covered(low, high, np.exp(0.5)) > 0.92 - 2 * 0.006
    mean, half = values.mean(axis=0), (high - low) / 2  # as tables print it
    assert covered(mean - half, mean + half, np.exp(0.5)) > 0.92 - 2 * 0.006
    assert np.isnan(mean_intervals(values[:49], skewed=True)[0]).all()


def test_the_studentised_bootstrap_covers_skewed_means_where_student_does_not() -> None:
    values = np.random.default_rng(1).exponential(size=(20, 2000))
    student = covered(*mean_intervals(values), 1.0)
    assert student < 0.93
    assert covered(*studentised_intervals(values), 1.0) == pytest.approx(0.95, abs=0.015)


def test_the_studentised_bootstrap_follows_its_definition() -> None:
    values = np.random.default_rng(2).exponential(size=25)
    low, high = studentised_intervals(values[:, None])
    rng = np.random.default_rng(7)
    drawn = rng.choice(values, size=(20_000, 25))
    t = (drawn.mean(axis=1) - values.mean()) / (drawn.std(axis=1) / 5)
    ends = values.mean() - np.quantile(t, [0.975, 0.025]) * values.std() / 5
    np.testing.assert_allclose([low[0], high[0]], ends, rtol=0.06)


def test_one_stratum_is_student_and_two_are_welch() -> None:
    rng = np.random.default_rng(3)
    one, two = rng.normal(size=9), rng.normal(3.0, 4.0, size=9)
    plain = mean_interval(one)
    assert stratified_mean_interval([one]) == pytest.approx((plain.low, plain.high))
    low, high = stratified_mean_interval([one, two])
    welch = stats.ttest_ind(one, -two, equal_var=False).confidence_interval()
    assert (low, high) == pytest.approx((welch.low / 2, welch.high / 2))
    assert np.isnan(stratified_mean_interval([one, np.ones(1)])).all()
    assert np.isnan(stratified_mean_interval([])).all()


def test_trimmed_means_equal_scipy() -> None:
    values = np.random.default_rng(4).normal(size=21)
    low, high = trimmed_mean_interval(values)
    assert low < stats.trim_mean(values, 0.25) < high
    yuen = stats.ttest_ind(values, values + 1.0, trim=0.2501, equal_var=False)
    difference = stats.trim_mean(values, 0.25) - stats.trim_mean(values + 1.0, 0.25)
    error = abs(difference / yuen.statistic) / np.sqrt(2)
    assert (high - low) / 2 == pytest.approx(error * stats.t.ppf(0.975, 10), rel=1e-6)
    assert np.isnan(trimmed_mean_interval(values[:4])).all()
