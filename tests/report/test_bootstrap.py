"""Intervals cover the truth at the rate that they state, and resample as rliable defines it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from surrobench.report.bootstrap import (
    RESAMPLES,
    interquartile_mean,
    mean_intervals,
    stratified_interval,
    tail,
)

TRIALS = 1500


def covered(low: np.ndarray, high: np.ndarray, truth: float) -> float:
    return float(np.mean((low <= truth) & (truth <= high)))


@pytest.mark.parametrize("runs", [8, 10, 20, 50])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_mean_intervals_of_normal_values_cover_at_their_level(runs: int, level: float) -> None:
    values = np.random.default_rng(runs).normal(3.0, 2.0, size=(runs, TRIALS))
    # Three standard errors of a share of 1,500 trials are 0.017 at 95 % and 0.031 at 80 %.
    tolerance = 0.02 if level > 0.9 else 0.035
    assert covered(*mean_intervals(values, level), 3.0) == pytest.approx(level, abs=tolerance)


def test_mean_intervals_of_skewed_values_cover_nearly() -> None:
    values = np.random.default_rng(1).exponential(size=(20, TRIALS))
    assert 0.90 <= covered(*mean_intervals(values), 1.0) <= 0.96


def test_five_runs_cover_as_often_as_their_range_can() -> None:
    values = np.random.default_rng(5).normal(size=(5, TRIALS))
    share = covered(*mean_intervals(values), 0.0)
    assert 0.90 <= share <= 1 - 2 / 2**5 + 0.02


@pytest.mark.parametrize("runs", [5, 10])
def test_stratified_intervals_cover_at_their_level(runs: int) -> None:
    rng = np.random.default_rng(runs)
    centres = np.array([0.0, 1.0, 2.0, 5.0])
    hits = 0
    for _ in range(300):
        strata = [rng.normal(centre, 1.0, size=runs) for centre in centres]
        low, high = stratified_interval(strata, lambda values: values.mean(axis=0))
        hits += low <= centres.mean() <= high
    assert hits / 300 == pytest.approx(0.95, abs=0.04)  # three standard errors


def test_missing_values_are_left_out_column_by_column() -> None:
    values = np.random.default_rng(0).normal(size=(12, 3))
    values[3:6, 1] = np.nan
    low, high = mean_intervals(values)
    short = mean_intervals(np.delete(values[:, [1]], [3, 4, 5], axis=0))
    assert (low[1], high[1]) == (short[0][0], short[1][0])
    values[1:, 2] = np.nan
    assert np.isnan(mean_intervals(values)[0][2])


def test_percentiles_approach_the_nominal_ones_with_many_runs() -> None:
    assert tail(10_000) == pytest.approx(0.025, abs=1e-4)
    assert tail(10) == pytest.approx(stats.norm.cdf(-stats.t.ppf(0.975, 9) * (10 / 9) ** 0.5))
    assert tail(5) < tail(10) < tail(50) < 0.025


def test_one_run_on_some_task_has_no_stratified_interval() -> None:
    one, many = np.ones(1), np.arange(9.0)
    assert np.isnan(stratified_interval([many, one])).all()
    assert np.isnan(stratified_interval([])).all()


def test_the_interquartile_mean_equals_that_of_rliable() -> None:
    metrics = pytest.importorskip("rliable.metrics")
    scores = np.random.default_rng(2).normal(size=(10, 6)) + np.arange(6)
    assert interquartile_mean(scores.ravel()) == pytest.approx(metrics.aggregate_iqm(scores))


def test_runs_are_resampled_within_tasks() -> None:
    scores = np.random.default_rng(2).normal(size=(10, 6)) + 3 * np.arange(6)
    rng = np.random.default_rng(3)
    drawn = [
        np.concatenate([rng.choice(task, size=10) for task in scores.T]) for _ in range(RESAMPLES)
    ]
    share = tail(10, freedom=54)
    expected = np.quantile(interquartile_mean(np.array(drawn).T), [share, 1 - share])
    np.testing.assert_allclose(stratified_interval(list(scores.T)), expected, atol=0.08)
    across = stratified_interval([scores.ravel()])  # as if the tasks were further seeds
    assert across[1] - across[0] > 3 * (expected[1] - expected[0])
