from __future__ import annotations

from inspect import signature

import numpy as np
import pytest
from scipy import stats

from surrobench.report.search.resampling import (
    interquartile_mean,
    interquartile_mean_band,
    mean_band,
    share_interval,
)
from surrobench.report.statistics.bootstrap import counts, tail


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).exponential(size=(53, 4)).round(1)


def resamples(values: np.ndarray) -> list[np.ndarray]:
    """The same resamples written out."""
    drawn = counts(len(values)).astype(int)
    return [np.repeat(values, column, axis=0) for column in drawn.T]


def test_bands_are_quantiles_of_resampled_t_statistics(values: np.ndarray) -> None:
    values = np.sort(values, axis=0)  # their order does not matter
    centre, scale = values.mean(axis=0), values.std(axis=0)
    t = [(sample.mean(axis=0) - centre) / sample.std(axis=0) for sample in resamples(values)]
    upper, lower = np.quantile(t, [0.975, 0.025], axis=0)
    expected = [centre - upper * scale, centre - lower * scale]
    np.testing.assert_allclose(mean_band(values), expected, atol=1e-9)


@pytest.mark.slow
def test_bands_are_quantiles_of_resampled_interquartile_means(values: np.ndarray) -> None:
    middles = [stats.trim_mean(sample, 0.25, axis=0) for sample in resamples(values)]
    expected = np.quantile(middles, [tail(53), 1 - tail(53)], axis=0)
    np.testing.assert_allclose(interquartile_mean_band(values), expected, atol=1e-12)


DRAWS = "rng" if "rng" in signature(stats.bootstrap).parameters else "random_state"
"""What SciPy calls the generator: the second before 1.15."""


@pytest.mark.slow
def test_bands_agree_with_scipy(values: np.ndarray) -> None:
    expected = stats.bootstrap(
        (values,),
        interquartile_mean,
        axis=0,
        method="percentile",
        confidence_level=1 - 2 * tail(53),
        **{DRAWS: np.random.default_rng(5)},
    ).confidence_interval
    for ours, theirs in zip(interquartile_mean_band(values), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=0.05)


def test_there_is_no_band_where_none_holds(values: np.ndarray) -> None:
    many_zeros = values.copy()
    many_zeros[:30, 1] = 0.0
    for band, least in ((mean_band, 50), (interquartile_mean_band, 20)):
        assert np.isnan(band(np.ones((1, 3)))).all()
        assert np.isnan(band(values[: least - 1])).all()
        assert np.isfinite(band(values[:least])).all()
        assert np.isfinite(band(many_zeros)[0]).tolist() == [True, False, True, True]


def test_the_interquartile_mean_ignores_outliers() -> None:
    assert interquartile_mean(np.array([[0.0], [1], [2], [1e9]]))[0] == 1.5
    assert interquartile_mean(np.array([[3.0], [5]]))[0] == 4


def test_shares_of_nothing_are_unknown() -> None:
    assert np.isnan(share_interval(0, 0)).all()
    assert np.isnan(share_interval(9, 9)).all()
    low, high = share_interval(10, 10)
    assert 0.7 < low < high == pytest.approx(1)
