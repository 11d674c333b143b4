from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from surrobench.metrics.calibration import (
    LEVELS,
    calibration_error,
    coverage,
    coverages,
    gaussian_crps,
    nll,
    sharpness,
)


def pit_of(scale: float, n: int = 20_000) -> np.ndarray:
    """PIT of standard normal truths under a centred normal prediction of the given deviation."""
    return np.asarray(stats.norm.cdf(np.random.default_rng(0).normal(size=n) / scale))


def test_an_honest_prediction_is_calibrated() -> None:
    pit = pit_of(1.0)
    assert calibration_error(pit) < 0.01
    for level in (0.5, 0.9, 0.95):
        assert coverage(pit, level) == pytest.approx(level, abs=0.01)


def test_overconfidence_and_underconfidence_equal_theory() -> None:
    for scale in (0.5, 2.0):
        expected = 2 * stats.norm.cdf(scale * stats.norm.ppf(0.5 + LEVELS / 2)) - 1
        np.testing.assert_allclose(coverages(pit_of(scale)), expected, atol=0.015)
        error = np.mean(np.abs(expected - LEVELS))
        assert calibration_error(pit_of(scale)) == pytest.approx(error, abs=0.01)


def test_coverage_equals_counting_quantile_intervals() -> None:
    rng = np.random.default_rng(1)
    truth, mean, std = rng.normal(size=400), rng.normal(size=400), rng.uniform(0.5, 2, 400)
    pit = stats.norm.cdf(truth, mean, std)
    for level in LEVELS:
        low, high = stats.norm.interval(level, mean, std)
        assert coverage(pit, level) == np.mean((low <= truth) & (truth <= high))


def test_extremes() -> None:
    assert calibration_error(np.full(10, 0.5)) == pytest.approx(0.5)
    assert calibration_error(np.array([0.0, 1.0])) == pytest.approx(0.5)
    assert coverage([0.0, 0.25, 0.5, 0.75, 1.0], 0.5) == pytest.approx(0.6)
    with pytest.raises(ValueError, match=r"pit must lie in \[0, 1\]"):
        coverage([1.2], 0.5)
    with pytest.raises(ValueError, match=r"level must lie in \[0, 1\]"):
        coverage([0.2], 90)


def test_gaussian_crps_equals_its_integral_and_known_value() -> None:
    assert gaussian_crps([0.0], [0.0], [1.0])[0] == pytest.approx(0.23369497725510916, abs=1e-12)
    truth, mean, std = 1.3, 0.4, 0.7

    def integrand(y: float) -> float:
        return float((stats.norm.cdf(y, mean, std) - (y >= truth)) ** 2)

    value = sum(integrate.quad(integrand, *ends)[0] for ends in [(-9, truth), (truth, 9)])
    assert gaussian_crps([truth], [mean], [std])[0] == pytest.approx(value, abs=1e-9)
    with pytest.raises(ValueError, match="std must be positive"):
        gaussian_crps([0.0], [0.0], [0.0])


def test_crps_and_nll_are_proper() -> None:
    truth = np.random.default_rng(2).normal(size=5000)
    zeros = np.zeros(5000)
    by_scale = {
        scale: (
            gaussian_crps(truth, zeros, zeros + scale).mean(),
            nll(stats.norm.logpdf(truth, 0, scale)),
        )
        for scale in (0.5, 1.0, 2.0)
    }
    assert all(by_scale[1.0][i] == min(v[i] for v in by_scale.values()) for i in (0, 1))


def test_nll_and_sharpness_are_means() -> None:
    assert nll([-1.0, -3.0]) == 2.0
    assert sharpness([1.0, 3.0]) == 2.0
