"""Hypervolume as a share of the true front's: by hand, and what holds always."""

from __future__ import annotations

import numpy as np
import pytest

from surrobench.metrics.fronts import HypervolumeMeter, on_front


def test_two_points_of_a_unit_square_by_hand() -> None:
    square = HypervolumeMeter(np.zeros(2), np.ones(2), 1.0, np.ones((1, 2)))
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


def test_networks_below_the_floor_count_for_nothing() -> None:
    accuracy = np.array([10.0, 70.0, 80.0, 84.0, 88.0, 91.0])
    speed = -np.array([0.5, 1.0, 2.0, 3.0, 5.0, 7.0])
    objectives = np.stack([accuracy, speed], axis=1)
    kept = np.ones(6, dtype=bool)
    everything = HypervolumeMeter.of(objectives, kept)
    meter = HypervolumeMeter.of(objectives, kept, np.array([80.0, np.nan]))
    assert meter.front[:, 0].tolist() == [80.0, 84.0, 88.0, 91.0]
    assert meter.reference == pytest.approx([80.0, -7.5])
    assert meter.measure(objectives[:3]) == 0.0  # on the floor there is nothing to gain
    # By hand: 4 points above the floor x 4.5 of speed, of 4 x 4.5 + 4 x 2.5 + 3 x 0.5.
    assert meter.measure(objectives[3:4]) == pytest.approx(18 / 29.5)
    assert everything.measure(objectives[3:4]) == pytest.approx(4.65 * 82.1 / 544.55, rel=1e-3)
    assert meter.measure(objectives) == pytest.approx(1.0)


def test_a_floor_that_nobody_reaches_is_none() -> None:
    objectives = np.array([[1.0, 2.0], [2.0, 1.0]])
    kept = np.ones(2, dtype=bool)
    meter = HypervolumeMeter.of(objectives, kept, np.array([5.0, np.nan]))
    assert meter.measure(objectives) == pytest.approx(1.0)
    lone = HypervolumeMeter.of(objectives, kept, np.array([2.0, np.nan]))
    assert lone.measure(objectives[1:]) == pytest.approx(1.0)


def test_what_the_source_cannot_tell_apart_is_one_point_of_the_front() -> None:
    noise = 1e-9 * np.arange(4)
    objectives = np.array([[91.0, 1.0], [91.0, 1.0], [90.0, 2.0], [90.0, 2.0]])
    objectives += np.stack([noise, -noise], axis=1)
    kept = np.ones(4, dtype=bool)
    exact = HypervolumeMeter.of(objectives, kept)
    assert len(exact.front) == 4
    meter = HypervolumeMeter.of(objectives, kept, None, np.array([0.01, 0.0]))
    assert len(meter.front) >= 2
    both = HypervolumeMeter.of(objectives, kept, None, np.array([0.01, 0.01]))
    assert len(both.front) == 2
    assert both.found(objectives) == [0.5, 0.5, 1.0, 1.0]
    nothing = np.array([[np.nan, np.nan], [89.0, 1.0]])
    assert both.found(nothing) == [0.0, 0.0]
