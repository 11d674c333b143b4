from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from surrobench.metrics import prediction_scores
from surrobench.metrics.calibration import gaussian_crps

KEYS = [
    "kendall_tau",
    "spearman",
    "pearson",
    "mae",
    "rmse",
    "precision_at_10",
    "precision_at_50",
    "ndcg_at_50",
    "best_of_top_1",
    "best_of_top_10",
    "regret_at_1",
    "regret_at_10",
    "best_rank_at_10",
    "kendall_tau_top_half",
    "nll",
    "crps",
    "coverage_50",
    "coverage_90",
    "coverage_95",
    "calibration_error",
    "sharpness",
    "constant",
]


def gaussian(truth: np.ndarray, mean: np.ndarray, std: np.ndarray) -> tuple[np.ndarray, ...]:
    return (
        truth,
        mean,
        mean,
        std,
        stats.norm.cdf(truth, mean, std),
        stats.norm.logpdf(truth, mean, std),
        gaussian_crps(truth, mean, std),
    )


def sample(n: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    mean = rng.normal(90, 1, n)
    return gaussian(mean + rng.normal(size=n), mean, np.ones(n))


def test_names_and_types() -> None:
    scores = prediction_scores(*sample(300))
    assert list(scores) == KEYS
    assert scores.pop("constant") is False
    assert all(type(value) is float for value in scores.values())
    assert all(np.isfinite(value) for value in scores.values())


def test_ranking_uses_the_median_and_rmse_the_mean() -> None:
    truth, median, _, *rest = sample(300)
    shifted = prediction_scores(truth, median, median + 5, *rest)
    plain = prediction_scores(truth, median, median, *rest)
    assert shifted["rmse"] > 4
    assert {k: v for k, v in shifted.items() if k != "rmse"} == {
        k: v for k, v in plain.items() if k != "rmse"
    }


def test_constant_predictions_are_flagged() -> None:
    truth = np.linspace(0, 1, 100)
    scores = prediction_scores(*gaussian(truth, np.full(100, 0.3), np.ones(100)))
    assert scores["constant"] is True
    assert scores["kendall_tau"] == scores["spearman"] == scores["pearson"] == 0.0
    assert scores["kendall_tau_top_half"] == 0.0
    assert scores["precision_at_10"] == pytest.approx(0.1)
    assert scores["best_of_top_1"] == pytest.approx(0.5)


def test_few_test_points_leave_precision_undefined() -> None:
    scores = prediction_scores(*sample(20))
    assert np.isnan(scores["precision_at_50"])
    assert np.isfinite(scores["precision_at_10"])


def test_non_finite_predictions_are_refused_by_name() -> None:
    arrays = list(sample(20))
    arrays[5] = np.full(20, -np.inf)
    with pytest.raises(ValueError, match="log_density has 20 values not finite"):
        prediction_scores(*arrays)


def test_importing_the_package_is_light() -> None:
    code = "import sys, surrobench.metrics; print('scipy' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
