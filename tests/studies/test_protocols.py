"""Splits: common to all predictors, without leaks, refused when too large."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest

from surrobench.errors import UserError
from surrobench.studies.prediction.protocols import split


@dataclass
class FakeTask:
    name: str = "fake/task"
    groups: npt.NDArray[np.int64] = field(default_factory=lambda: np.arange(1000) // 3)
    published_groups: npt.NDArray[np.int64] | None = None
    subsets: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)


@pytest.mark.parametrize("size", [1, 25, 300])
def test_grouped_never_splits_equal_networks(size: int) -> None:
    task = FakeTask()
    train, test = split(task, "grouped", size, 0)
    assert len(set(train.tolist())) == size
    assert not set(task.groups[train]) & set(task.groups[test])
    left_out = set(range(1000)) - set(train.tolist()) - set(test.tolist())
    assert {task.groups[i] for i in left_out} <= set(task.groups[train])


def test_the_published_key_is_there_by_name() -> None:
    finer = FakeTask(published_groups=np.arange(1000))
    train, test = split(finer, "grouped-published", 100, 0)
    others, apart = split(finer, "grouped", 100, 0)
    assert train.tolist() == others.tolist()
    assert len(test) == 900
    assert set(apart) < set(test)
    assert np.isin(finer.groups[test], finer.groups[train]).any()
    with pytest.raises(UserError, match="needs published classes"):
        split(FakeTask(), "grouped-published", 100, 0)


def test_a_split_depends_on_task_size_seed_and_protocol() -> None:
    def drawn(task: FakeTask, protocol: str, size: int, seed: int) -> list[int]:
        return split(task, protocol, size, seed)[0].tolist()

    first = drawn(FakeTask(), "grouped", 25, 0)
    assert drawn(FakeTask(), "grouped", 25, 0) == first
    assert drawn(FakeTask(), "grouped", 25, 1) != first
    assert drawn(FakeTask(name="other"), "grouped", 25, 0) != first
    assert drawn(FakeTask(), "white2021", 25, 0) != first
    assert drawn(FakeTask(), "grouped", 26, 0)[:25] != first


def test_splits_stay_what_they_are() -> None:
    """Published numbers depend on these draws: a change needs a new NUMBERS_VERSION."""
    assert split(FakeTask(), "grouped", 4, 0)[0].tolist() == PINNED


PINNED = [937, 158, 373, 7]


def test_white2021_tests_on_200_others() -> None:
    train, test = split(FakeTask(), "white2021", 100, 3)
    assert len(test) == 200
    assert not set(train.tolist()) & set(test.tolist())


def test_graf_stays_within_the_subset() -> None:
    inside = np.arange(1000) % 2 == 0
    task = FakeTask(subsets={"without-unreachable": inside})
    train, test = split(task, "graf", 100, 0)
    assert inside[train].all()
    assert sorted([*train, *test]) == np.flatnonzero(inside).tolist()


def test_graf_needs_the_subset() -> None:
    with pytest.raises(UserError, match="without-unreachable"):
        split(FakeTask(), "graf", 10, 0)


@pytest.mark.parametrize(
    ("protocol", "size", "most"), [("grouped", 999, 998), ("white2021", 900, 800)]
)
def test_too_many_training_examples_are_refused(protocol: str, size: int, most: int) -> None:
    with pytest.raises(UserError, match=f"at most {most} training examples.*{size}"):
        split(FakeTask(), protocol, size, 0)


def test_the_global_generator_is_left_alone() -> None:
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    split(FakeTask(), "grouped", 10, 0)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
