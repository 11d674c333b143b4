"""Hypervolume as a share of the true front's: by hand, and what holds always."""

from __future__ import annotations

import numpy as np
import pytest

from surrobench.studies.pareto import HypervolumeMeter, on_front


def test_two_points_of_a_unit_square_by_hand() -> None:
    square = HypervolumeMeter(np.zeros(2), np.ones(2), 1.0)
    assert square.measure(np.array([[1.0, 0.5], [0.5, 1.0]])) == pytest.approx(0.75)
    assert square.measure(np.array([[np.nan, 1.0]])) == 0.0
    assert square.measure(np.array([[-1.0, 2.0]])) == 0.0


def test_the_reference_lies_a_tenth_below_the_front() -> None:
    front = np.array([[0.0, 10.0], [1.0, 0.0]])
    meter = HypervolumeMeter.of(np.vstack([front, [[-5.0, -50.0]]]), np.ones(3, dtype=bool))
    assert meter.reference == pytest.approx([-0.1, -1.0])
    assert meter.measure(front[:1]) == pytest.approx(0.11 / 0.21)
    assert meter.measure(front) == pytest.approx(1.0)


@pytest.mark.parametrize("k", [2, 3])
def test_everything_attains_the_whole_front_and_no_point_takes_away(k: int) -> None:
    objectives = np.random.default_rng(0).normal(size=(60, k))
    meter = HypervolumeMeter.of(objectives, np.ones(60, dtype=bool))
    trace = np.array(meter.trace(objectives))
    assert trace[-1] == pytest.approx(1.0)
    assert (np.diff(trace) >= -1e-12).all()
    assert trace == pytest.approx([meter.measure(objectives[: n + 1]) for n in range(60)])


def test_only_allowed_points_are_on_the_front() -> None:
    objectives = np.array([[3.0, 3.0], [2.0, 1.0], [1.0, 2.0], [0.0, 0.0], [np.nan, 9.0]])
    kept = np.array([False, True, True, True, True])
    assert on_front(objectives, kept).tolist() == [False, True, True, False, False]
