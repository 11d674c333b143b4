"""Improvements of hypervolumes by single candidates, beside BoTorch's and beside areas by hand."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import torch
from botorch.acquisition.multi_objective import logei
from toy_pool import OBSERVED, belief, process, situation

from surrobench.acquisition import hypervolume
from surrobench.acquisition.context import AcquisitionContext
from surrobench.acquisition.hypervolume import log_hypervolume_improvement
from surrobench.acquisition.monte_carlo import evaluate
from surrobench.acquisition.multi_objective import (
    QLogEHVI,
    QLogNEHVI,
    _python_only,
    observed_values,
)
from surrobench.acquisition.pool_model import as_inputs, as_rows


def moment(objectives: int, **changes: object) -> AcquisitionContext:
    return situation(*(process(i) for i in range(objectives)), **{"pending": (), **changes})


def test_areas_are_those_by_hand() -> None:
    # A front of the one point (1, 1) over the reference (0, 0) leaves two cells free.
    lower = np.array([[[0.0, 1.0], [1.0, 0.0]]])
    upper = np.array([[[1.0, np.inf], [np.inf, np.inf]]])
    candidates = np.array([[2.0, 3.0], [0.5, 4.0], [3.0, 0.5], [0.5, 0.5], [-1.0, 9.0]])
    added = hypervolume._improvements(candidates.T[:, None], lower, upper, 1e-6, 1e-3)
    np.testing.assert_allclose(added, [5.0, 1.5, 1.0, 0.0, 0.0], rtol=1e-3, atol=1e-3)
    # Cells of no size, which fill up short lists, add nothing.
    empty = np.array([[[0.5, 0.5]]]), np.array([[[0.5, np.inf]]])
    padded = [np.concatenate(parts, axis=1) for parts in zip((lower, upper), empty, strict=True)]
    again = hypervolume._improvements(candidates.T[:, None], *padded, 1e-6, 1e-3)
    np.testing.assert_array_equal(again, added)


def test_far_below_the_front_it_is_the_same_sum_in_forty_digits() -> None:
    front = np.array([[0.2, 1.1], [0.7, 0.6], [1.3, 0.1]])
    lower = np.array([[[0.0, 1.1], [0.2, 0.6], [0.7, 0.1], [1.3, 0.0]]])
    upper = np.array([[[0.2, np.inf], [0.7, np.inf], [1.3, np.inf], [np.inf, np.inf]]])
    candidates = np.array([*(front - 0.4), *(front + 1e-4), [0.2 + 2e-6, 0.6 - 3e-6]])
    tau_relu, tau_max = mpmath.mpf(1e-6), mpmath.mpf(1e-3)

    def length(value: float, start: float, end: float) -> mpmath.mpf:
        u = (mpmath.mpf(value) - mpmath.mpf(start)) / tau_relu
        a = tau_relu * (mpmath.log1p(mpmath.exp(u)) + mpmath.mpf(0.1) / (1 + u * u))
        if end == np.inf:
            return a
        b = mpmath.mpf(end) - mpmath.mpf(start)
        x = abs(mpmath.log(a / b)) / tau_max
        return min(a, b) * (1 + 2 / (1 + (1 + x) ** 2)) ** -tau_max

    with mpmath.workdps(40):
        exact = [
            mpmath.log(
                sum(
                    length(c[0], *first) * length(c[1], *second)
                    for first, second in np.stack([lower[0], upper[0]], axis=-1)
                )
            )
            for c in candidates
        ]
    ours = np.log(hypervolume._improvements(candidates.T[:, None], lower, upper, 1e-6, 1e-3))
    np.testing.assert_allclose(ours, np.array(exact, dtype=float), rtol=0.0, atol=1e-10)


@pytest.mark.parametrize("objectives", [2, 3])
@pytest.mark.parametrize("pending", [(), (20, 30)])
@pytest.mark.parametrize("at_once", [4_000_000, 500])
def test_the_noisy_improvement_equals_botorch(
    objectives: int, pending: tuple[int, ...], at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hypervolume, "_VALUES_AT_ONCE", at_once)
    monkeypatch.setattr(hypervolume, "_NUMBERS_IN_CACHE", at_once)
    now, ours = moment(objectives, pending=pending, seed=2), QLogNEHVI(samples=32, baseline=6)
    with _python_only():
        reference = ours.reference_of(now, observed_values(now))
        function = logei.qLogNoisyExpectedHypervolumeImprovement(
            ref_point=reference,
            X_baseline=as_inputs(ours.baseline_rows(now, reference)),
            prune_baseline=False,
            cache_root=False,
            **ours._common(now, now.pending),
        )
        expected = evaluate(function, now, 1000)
        rows = as_rows(function.X_baseline)
        assert set(pending) <= set(rows.tolist())
        scores = log_hypervolume_improvement(function, rows, now)
    # Far down the slope of an improvement BoTorch's own rounding is the larger part.
    torch.testing.assert_close(scores, expected, rtol=1e-6, atol=1e-5)
    torch.testing.assert_close(ours.scores(now), scores, rtol=0.0, atol=0.0)


@pytest.mark.parametrize("objectives", [2, 3])
def test_the_improvement_of_what_was_observed_equals_botorch(
    objectives: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, function = moment(objectives, seed=4), QLogEHVI(samples=64)
    with monkeypatch.context() as patched:  # BoTorch is not asked candidate by candidate
        patched.setattr("surrobench.acquisition.multi_objective.evaluate", None)
        quick = function.scores(now)
    monkeypatch.setattr("surrobench.acquisition.multi_objective._all_normal", lambda _: False)
    torch.testing.assert_close(quick, function.scores(now), rtol=1e-6, atol=1e-5)


def test_a_candidate_that_is_in_the_baseline_has_a_finite_value() -> None:
    # Where architectures may be repeated, a candidate can be one that was observed.
    allowed = torch.zeros_like(moment(2).allowed)
    allowed[list(OBSERVED)] = True
    scores = QLogNEHVI(samples=16, baseline=4).scores(moment(2, allowed=allowed))
    assert len(scores) == len(OBSERVED)
    assert torch.isfinite(scores).all()
    nothing = QLogNEHVI(samples=16).scores(moment(2, allowed=torch.zeros_like(allowed)))
    assert len(nothing) == 0


def test_ensembles_still_answer() -> None:
    now = situation(belief("random-forest", 0), process(1), pending=())
    assert torch.isfinite(QLogNEHVI(samples=8, baseline=4).scores(now)).all()
