"""What targets resolve: rounding, ties, fronts, and the runs behind each value."""

from __future__ import annotations

import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from surrobench.cli.explaining import _runs
from surrobench.errors import UserError
from surrobench.report.search.fronts import non_dominated
from surrobench.tasks import expand_tasks, load_task, prepare, task_info
from surrobench.tasks.tables.resolution import near_ties, of_means, rounded, step_of

EXAMPLES = Path(__file__).parents[2] / "examples" / "cards"
EMBEDDED = [
    name for card in ("live", "live-cells", "live-transformer") for name in expand_tasks(card)
]


def test_steps_are_exact() -> None:
    assert step_of(0.1) == Fraction(1, 10)
    assert step_of(1) == 1
    assert step_of("100 / 20096") == Fraction(25, 5024)
    for wrong in ("a third", "1/0", 0.0, -1, "nan"):
        with pytest.raises(ValueError, match=r"fraction|above 0"):
            step_of(wrong)


def test_rounded_numbers_are_the_nearest_floats() -> None:
    noisy = np.array([9.712000000508626, 9.71199999969, np.nan, np.inf, -0.3000000001])
    exact = rounded(noisy, step_of(0.002))
    assert exact[0] == exact[1] == 9.712
    assert np.isnan(exact[2])
    assert exact[3] == np.inf
    assert exact[4] == -0.3
    thirds = rounded(np.array([1.0, 2.0]) / 3 + 1e-10, step_of("1/3"))
    assert thirds.tolist() == [1 / 3, 2 / 3]
    assert rounded(noisy, None) is noisy


def test_means_resolve_more_than_what_they_average() -> None:
    assert of_means(Fraction(1, 100), np.array([1, 2, 3, 0])) == Fraction(1, 600)
    assert of_means(None, np.array([2])) is None


def test_near_ties_are_counted() -> None:
    assert near_ties(np.array([0.0, 0.0, 1.0, 1.0 + 1e-12, 2.0])) == 1
    assert near_ties(np.array([3.0])) == 0


def test_a_card_rounds_single_runs_and_their_mean(write, table: pd.DataFrame) -> None:
    frame = table.assign(acc=[[90.02, 80.0 + 1e-9], [80.04, 80.01], *[[1.0, 2.0]] * 4])
    task = load_task(write(frame, task="resolution = 0.05"))
    assert task.values[:2, :, 0].tolist() == [[90.0, 80.0], [80.05, 80.0]]
    assert task.truth[:2].tolist() == [85.0, 80.025]
    assert task.resolution == 0.025
    assert task.runs_each.tolist() == [2] * 6


def test_a_resolution_of_the_card_holds_for_tasks_without_one(write) -> None:
    assert load_task(write(top="resolution = 0.5")).resolution == 0.5
    assert load_task(write(top="resolution = 0.5", task='resolution = "1/3"')).resolution == 1 / 3
    assert load_task(write()).resolution is None
    with pytest.raises(UserError, match=r"resolution.*above 0"):
        load_task(write(task="resolution = 0"))


def test_noise_without_a_resolution_is_named_and_left(write, table: pd.DataFrame) -> None:
    noisy = table.assign(acc=[90.0, 90.0 + 1e-12, 91.0, 81.0, 92.0, 82.0])
    card = write(noisy)
    with pytest.warns(UserWarning, match="1 target of mine/accuracy.*resolution"):
        task = load_task(card)
    assert len(np.unique(task.truth)) == 6
    assert task_info(card).near_ties == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(np.unique(load_task(write(noisy, task="resolution = 0.1")).truth)) == 5


def test_a_column_may_say_how_many_runs_a_value_averages(write, table: pd.DataFrame) -> None:
    task = load_task(write(table.assign(runs=[3, 1, 2, 3, 1, 1]), task='runs = "runs"'))
    assert task.runs_each.tolist() == [3, 1, 2, 3, 1, 1]
    assert task.runs == 3
    with pytest.raises(UserError, match=r"'runs'.*whole number"):
        load_task(write(table.assign(runs=[3, 1, 2, 3, 1, 0.5]), task='runs = "runs"'))


def test_averaged_rows_add_their_runs(write, table: pd.DataFrame) -> None:
    twice = pd.concat([table, table.iloc[:1].assign(acc=90.1)])
    task = load_task(write(twice, top='duplicates = "mean"\nresolution = 0.1'))
    assert task.runs_each.tolist() == [2, 1, 1, 1, 1, 1]
    assert task.truth[0] == 90.05
    assert task.resolution == 0.05


@pytest.mark.slow
@pytest.mark.parametrize("name", EMBEDDED)
def test_info_says_per_value_how_many_runs_stand_behind_it(name: str) -> None:
    task, info = load_task(name), task_info(name)
    made = np.isfinite(task.values[:, :, -1]).sum(axis=1)
    assert task.runs_each.tolist() == made.tolist()
    assert sum(info.run_counts.values()) == len(task)
    told = _runs(info)
    for runs, values in info.run_counts.items():
        noun = "1 run" if runs == 1 else f"{runs} runs"
        assert f"{noun} behind {values:,} values" in told or told == f"{noun} behind each value"
    assert task.resolution is not None
    assert near_ties(task.truth) == 0


def test_the_best_digit_cell_is_one_lucky_run() -> None:
    assert _runs(task_info("live-cells/digits")) == (
        "3 runs behind 1,024 values, 1 run behind 5,437 values; the best value, 72.25, is of "
        "1 run; the best of those with 3 runs is 70.55"
    )
    assert _runs(task_info("live/digits-chain")) == "3 runs behind each value"


def test_every_bundled_example_states_its_resolution(tables: Path) -> None:
    for path in sorted(EXAMPLES.glob("*.toml")):
        for name in expand_tasks(str(path)):
            task = load_task(name)
            assert task.resolution is not None, name
            assert near_ties(task.truth) == 0, name


@pytest.fixture(scope="module")
def cache(mirror: Path, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SURROBENCH_MIRROR", str(mirror))
        patch.setenv("SURROBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        prepare("nb201")
        prepare("nb201-hw")
        yield


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "distinct"),
    [
        ("cifar10-val", 7_560),
        ("cifar10-val-run", 2_217),
        ("cifar10-test", 4_522),
        ("cifar100-test", 4_207),
        ("in16-test", 3_429),
    ],
)
def test_accuracies_of_nas_bench_201_are_counts_of_images(cache, name: str, distinct: int) -> None:
    task = load_task(f"nb201/{name}")
    assert len(np.unique(task.truth)) == distinct
    assert np.diff(np.unique(task.truth)).min() > 0.99 * task.resolution


@pytest.mark.slow
def test_how_many_runs_nas_bench_201_averages(cache) -> None:
    """The multiples betray it; single runs published elsewhere agree."""
    frame = pd.read_parquet(prepare("nb201").path)
    for short in ("cifar100", "in16"):
        first, second = frame[f"{short}_test_acc_naslib_run"], frame[f"{short}_test_acc_run"]
        average = np.abs(first + second - 2 * frame[f"{short}_test_acc"]) < 2e-3
        differ = np.abs(first - second) > 1e-3
        share = average[differ].groupby(frame["test_runs"]).mean()
        assert share[2] > 0.98
        assert share[3] < 0.02
    task = load_task("nb201/cifar10-val")
    assert np.unique(task.runs_each).tolist() == [1, 2, 3]
    once = task.runs_each == 1
    images = task.truth[once] / 100 * 25_000
    np.testing.assert_allclose(images, np.rint(images), atol=1e-6)


def test_what_naslib_calls_validation_accuracy_was_measured_on_test_images(cache) -> None:
    run = load_task("nb201/cifar10-val-run").truth
    images = run / 100 * 10_000
    np.testing.assert_allclose(images, np.rint(images), atol=1e-6)
    assert load_task("nb201/cifar10-val-run").protocol.endswith("10,000 test images")


def test_no_point_of_the_accuracy_latency_front_is_there_through_noise(cache) -> None:
    accuracy = load_task("nb201/cifar10-val")
    latency = load_task("nb201-hw/cifar10-edgegpu-latency")
    assert np.array_equal(accuracy.archs, latency.archs)
    front = non_dominated(np.stack([accuracy.truth, latency.truth], axis=1))
    assert len(front) == 19  # 24 with the noise of the published averages
    assert np.diff(front[:, 0]).min() > 1e-3


def test_groups_of_equal_networks(cache) -> None:
    task = load_task("nb201/cifar10-val")
    assert task.groups.max() + 1 == 4_930
    assert task.published_groups is not None
    assert task.published_groups.max() + 1 == 6_466
    assert load_task("live-cells/digits").groups.max() + 1 == 4_929
    assert load_task("live/digits-chain").published_groups is None
