"""Intervals cover the truth at the rate that they state, and resample as rliable defines it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from surrobench.report.statistics.bootstrap import (
    RESAMPLES,
    interquartile_mean,
    stratified_interval,
    tail,
)


@pytest.mark.parametrize("runs", [10, 20])
def test_stratified_intervals_cover_at_their_level(runs: int) -> None:
    rng = np.random.default_rng(runs)
    centres = np.array([0.0, 1.0, 2.0, 5.0])
    hits = 0
    for _ in range(300):
        strata = [rng.normal(centre, 1.0, size=runs) for centre in centres]
        low, high = stratified_interval(strata, lambda values: values.mean(axis=0))
        hits += low <= centres.mean() <= high
    assert hits / 300 == pytest.approx(0.95, abs=0.04)  # three standard errors


def test_percentiles_approach_the_nominal_ones_with_many_runs() -> None:
    assert tail(10_000) == pytest.approx(0.025, abs=1e-4)
    assert tail(10) == pytest.approx(stats.norm.cdf(-stats.t.ppf(0.975, 9) * (10 / 9) ** 0.5))
    assert tail(5) < tail(10) < tail(50) < 0.025


def test_few_runs_on_some_task_have_no_stratified_interval() -> None:
    few, many = np.arange(9.0), np.arange(12.0)
    assert np.isnan(stratified_interval([many, few])).all()
    assert np.isfinite(stratified_interval([many, many])).all()
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
