"""How the architectures of a task are split into training and test examples.

A split depends on (task, protocol, train size, seed) and on nothing else, so every predictor and
encoding meets the same examples.

* ``grouped`` (default): ``n`` architectures drawn uniformly without replacement train; all others
  test, except those that are the same network as a training architecture.
* ``grouped-2000``: like ``grouped``, but tested on 2,000 random architectures of the rest (on all
  where there are fewer): for large pools, where more test points change no digit that is printed.
* ``grouped-published``: like ``grouped``, by the isomorphism key that the benchmark's authors
  published instead of the finest one that is known. Of NAS-Bench-201's 15,625 cells that key makes
  6,466 networks, the finer one 4,930, so a fifth of the test cells are still equal to a training
  cell: for comparisons with numbers that were published this way.
* ``white2021``: 200 random architectures test, ``n`` of the others train; equal networks may stand
  on both sides (White et al., "How Powerful are Performance Predictors in Neural Architecture
  Search?", NeurIPS 2021).
* ``graf``: only architectures without unreachable operations (the task's subset
  ``without-unreachable``; 9,445 cells of NAS-Bench-201); ``n`` train, all others test, ungrouped
  (Kadlecová et al., "Surprisingly Strong Performance Prediction with Neural Graph Features",
  ICML 2024).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from surrobench.arrays import IntArray
from surrobench.base.wording import counted
from surrobench.errors import UserError

WHITE2021_TEST_SIZE = 200
GROUPED_2000_TEST_SIZE = 2000
LEAST_TEST_SIZE = 2  # a rank correlation of fewer is not defined
GRAF_SUBSET = "without-unreachable"


class Pool(Protocol):
    """What a split needs to know of a task."""

    @property
    def name(self) -> str:
        """Name of the task."""

    @property
    def groups(self) -> npt.NDArray[np.integer]:
        """Class of equal networks of each architecture, ``n``."""

    @property
    def published_groups(self) -> npt.NDArray[np.integer] | None:
        """The same by a key that others published, or None."""

    @property
    def subsets(self) -> Mapping[str, npt.NDArray[np.bool_]]:
        """Named subsets of the pool, ``n`` each."""


def split(task: Pool, protocol: str, train_size: int, seed: int) -> tuple[IntArray, IntArray]:
    """Positions of the training and of the test architectures, the test positions ascending.

    Raises:
        UserError: if the task is too small for that many training examples.
    """
    check_size(task, protocol, train_size)
    # The two groupings share their training sets, so that they differ in what is tested alone.
    drawn_as = "grouped" if protocol == "grouped-published" else protocol
    generator = np.random.default_rng(_entropy(task.name, drawn_as, train_size, seed))
    train, test = _PROTOCOLS[protocol](task, train_size, generator)
    if len(test) < LEAST_TEST_SIZE:
        raise UserError(
            f"task {task.name!r}: "
            f"{counted(train_size, 'training example leaves', 'training examples leave')} "
            f"{counted(len(test), 'architecture')} "
            "to test on, because the others are the same networks; use a smaller train size."
        )
    return train, test


def _entropy(task: str, protocol: str, train_size: int, seed: int) -> np.random.SeedSequence:
    text = f"split|{task}|{protocol}|{train_size}|{seed}"
    return np.random.SeedSequence(int.from_bytes(hashlib.sha256(text.encode()).digest(), "big"))


def _draw(n: int, k: int, generator: np.random.Generator) -> IntArray:
    """``k`` of ``n`` positions without replacement.

    By sorting uniform numbers, because how ``Generator.choice`` draws may change with NumPy.
    """
    return np.argsort(generator.random(n), kind="stable")[:k]


def _grouped(
    task: Pool, train_size: int, generator: np.random.Generator
) -> tuple[IntArray, IntArray]:
    return _apart(np.asarray(task.groups), train_size, generator)


def _grouped_published(
    task: Pool, train_size: int, generator: np.random.Generator
) -> tuple[IntArray, IntArray]:
    return _apart(np.asarray(task.published_groups), train_size, generator)


def _apart(
    groups: npt.NDArray[np.integer], train_size: int, generator: np.random.Generator
) -> tuple[IntArray, IntArray]:
    train = _draw(len(groups), train_size, generator)
    return train, np.flatnonzero(~np.isin(groups, groups[train]))


def _grouped_2000(
    task: Pool, train_size: int, generator: np.random.Generator
) -> tuple[IntArray, IntArray]:
    train, test = _grouped(task, train_size, generator)
    return train, np.sort(test[_draw(len(test), GROUPED_2000_TEST_SIZE, generator)])


def _white2021(
    task: Pool, train_size: int, generator: np.random.Generator
) -> tuple[IntArray, IntArray]:
    drawn = _draw(len(task.groups), train_size + WHITE2021_TEST_SIZE, generator)
    return drawn[WHITE2021_TEST_SIZE:], np.sort(drawn[:WHITE2021_TEST_SIZE])


def _graf(task: Pool, train_size: int, generator: np.random.Generator) -> tuple[IntArray, IntArray]:
    members = np.flatnonzero(task.subsets[GRAF_SUBSET])
    train = members[_draw(len(members), train_size, generator)]
    return train, np.setdiff1d(members, train)


Split = Callable[[Pool, int, np.random.Generator], tuple[IntArray, IntArray]]
_PROTOCOLS: dict[str, Split] = {
    "grouped": _grouped,
    "grouped-2000": _grouped_2000,
    "grouped-published": _grouped_published,
    "white2021": _white2021,
    "graf": _graf,
}


def largest_train_size(task: Pool, protocol: str) -> int:
    """The most training examples that a task allows under a protocol.

    Raises:
        UserError: if the protocol does not apply to the task at all.
    """
    if protocol == "graf":
        if GRAF_SUBSET not in task.subsets:
            raise UserError(
                f"the protocol 'graf' needs a task with the subset {GRAF_SUBSET!r} (those of "
                f'nb201); {task.name!r} has none. Use protocol = "grouped".'
            )
        return int(np.sum(task.subsets[GRAF_SUBSET])) - LEAST_TEST_SIZE
    if protocol == "grouped-published" and task.published_groups is None:
        raise UserError(
            f"the protocol 'grouped-published' needs published classes of equal networks, and "
            f'{task.name!r} has none. Use protocol = "grouped".'
        )
    kept = WHITE2021_TEST_SIZE if protocol == "white2021" else LEAST_TEST_SIZE
    return len(task.groups) - kept


def fitting_sizes(task: Pool, protocol: str) -> list[int]:
    """Train sizes for a small task: a third and two thirds of it; none if it is too small."""
    largest, pool = largest_train_size(task, protocol), len(task.groups)
    sizes = {min(max(2, pool * part // 3), largest) for part in (1, 2)}
    return sorted(size for size in sizes if size >= 2)


def advice(task: Pool, protocol: str, train_sizes: Sequence[int]) -> str:
    """What to do about train sizes that are too large for a task."""
    listed = ", ".join(map(str, train_sizes))
    has = counted(len(task.groups), "architecture")
    told = f"{task.name} has {has}; the study trains on {listed}."
    sizes = fitting_sizes(task, protocol)
    if not sizes:
        largest = max(0, largest_train_size(task, protocol))
        return f"{told} The protocol {protocol!r} leaves at most {largest} to train on, too few."
    listed = ",".join(map(str, sizes))
    return f"{told} Give smaller sizes: --set 'train_sizes=[{listed}]'."


_NONE_FITS = "No size leaves a test set: take a larger table, or another protocol."


def check_size(task: Pool, protocol: str, train_size: int, advice: str = "") -> None:
    """Refuse a train size that leaves no test set.

    Args:
        task: to be split.
        protocol: how.
        train_size: that was asked for.
        advice: what to do, with ``{most}`` for the largest size; by default to ask for that.

    Raises:
        UserError: naming the largest size that works.
    """
    largest = largest_train_size(task, protocol)
    if train_size > largest:
        raise UserError(
            f"task {task.name!r} has {counted(len(task.groups), 'architecture')}; the protocol "
            f"{protocol!r} "
            f"allows at most {counted(max(largest, 0), 'training example')}, not {train_size}. "
            + (advice or "Give at most {most}." if largest > 0 else _NONE_FITS).format(most=largest)
        )
