from __future__ import annotations

import numpy as np
import pytest

from surrobench.predictors.learners.resampling import bootstrap_counts, fold_masks, left_out_noise


def test_bootstrap_draws_n_rows_and_follows_the_seed() -> None:
    counts = bootstrap_counts(50, 8, seed=1)
    assert counts.shape == (8, 50)
    assert (counts.sum(axis=1) == 50).all()
    assert 0.25 < (counts == 0).mean() < 0.5
    assert np.array_equal(counts, bootstrap_counts(50, 8, seed=1))
    assert not np.array_equal(counts, bootstrap_counts(50, 8, seed=2))


@pytest.mark.parametrize(("n", "folds"), [(10, 10), (23, 5), (4, 4)])
def test_every_row_is_left_out_once_by_folds_of_equal_size(n: int, folds: int) -> None:
    mask = fold_masks(n, folds, seed=0)
    assert (mask.sum(axis=0) == 1).all()
    assert mask.sum(axis=1).max() - mask.sum(axis=1).min() <= 1


def test_noise_and_spread_add_up_to_the_error_of_the_ensemble() -> None:
    rng = np.random.default_rng(0)
    n, members, noise, spread = 2000, 40, 0.6, 0.3
    truth = rng.standard_normal(n)
    y = truth + noise * rng.standard_normal(n)
    predictions = truth + spread * rng.standard_normal((members, n))
    left_out = rng.random((members, n)) < 0.37
    found = left_out_noise(y, predictions, left_out)
    assert found + spread**2 == pytest.approx(noise**2, rel=0.1)


def test_noise_is_never_negative_and_defaults_to_the_variance_of_the_targets() -> None:
    y = np.array([1.0, 2.0, 3.0])
    nothing_left_out = np.zeros((2, 3), dtype=bool)
    assert left_out_noise(y, np.zeros((2, 3)), nothing_left_out) == pytest.approx(np.var(y))
    disagreeing = np.array([y - 1.0, y + 1.0])
    assert left_out_noise(y, disagreeing, np.ones((2, 3), dtype=bool)) == 0.0
