"""Training many architectures: in groups that share every tensor operation.

A training that diverges or raises an error is a record; the others go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import nn

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.training.datasets.data import Data
from surrobench.training.fusing.fusion import fuse, fusion_key
from surrobench.training.loop.devices import CPU, clock, threads_on
from surrobench.training.loop.trainer import (
    Recipe,
    initialised,
    make_optimiser,
    train_step,
    train_together,
)
from surrobench.training.loop.training_run import TrainingRun, failed_run

LARGEST_GROUP = {"cpu": 64, "cuda": 512, "mps": 64}
WORSE = 1.1
"""Larger groups are no longer tried once one takes this many times the best time a network."""


@dataclass(frozen=True)
class Job:
    """One training: an architecture and the seed of its weights and of the order of images."""

    arch: Arch
    seed: int = 0


def alike(job: Job) -> tuple[int, Arch]:
    """A key that puts jobs side by side that are trained fast together.

    Seeds come first: the data are read once for all of one seed. Then come the last choices of an
    architecture: an edge into the output of a cell that all members have alike is not gathered.
    """
    return job.seed, job.arch[::-1]


@dataclass
class GroupTrainer:
    """Trains jobs in groups.

    Each training equals that of its network alone up to rounding. For equal arguments, among them
    the jobs and a stated group size, the numbers are bit-identical on one CPU at one thread.

    Args:
        build: the network of an architecture. Initial weights come from torch's global generator,
            which is seeded and restored.
        data: images or sequences.
        recipe: the settings.
        device: where to train.
        group_size: networks that are trained together; chosen by :func:`tune_group_size` for each
            shape of network if omitted, so that rounding may differ from run to run.
        threads: on a CPU; those that torch is set to if None. With more than one, small networks
            train hardly faster, and many times slower if another process is busy.

    Raises:
        UserError: for a group size or a number of threads below 1.
    """

    build: Callable[[Arch], nn.Module]
    data: Data
    recipe: Recipe
    device: torch.device = CPU
    group_size: int | None = None
    threads: int | None = 1

    def __post_init__(self) -> None:
        for name, number in (("group size", self.group_size), ("threads", self.threads)):
            if number is not None and number < 1:
                raise UserError(f"{name} is {number}; it must be at least 1.")
        self.data = self.data.to(self.device)

    def train(
        self, jobs: Sequence[Job], *, progress: Callable[[int, int], None] | None = None
    ) -> list[TrainingRun]:
        """Train all jobs.

        Args:
            jobs: what to train; networks of equal shape are grouped, those of equal seed first and
                then those that are :func:`alike`.
            progress: told the number of finished jobs and of all jobs after every group.

        Returns:
            One run per job, in the order of ``jobs``.
        """
        runs: dict[int, TrainingRun] = {}
        for finished in self.iterate(jobs):
            runs.update(finished)
            if progress:
                progress(len(runs), len(jobs))
        return [runs[position] for position in range(len(jobs))]

    def iterate(self, jobs: Sequence[Job]) -> Iterator[dict[int, TrainingRun]]:
        """Train all jobs, and yield every group as soon as it is finished.

        Networks are built one after the other, and trained when a group is complete.

        Yields:
            The run of each position in ``jobs`` that is finished.
        """
        waiting: dict[Hashable, _Queue] = {}
        for position in sorted(range(len(jobs)), key=lambda i: alike(jobs[i])):
            job = jobs[position]
            try:
                network = initialised(partial(self.build, job.arch), job.seed)
            except Exception as error:
                yield {position: self._failed(error)}
                continue
            key = fusion_key(network)
            queue = waiting.setdefault(("alone",) if key is None else key, self._queue(key))
            queue.members.append(_Member(position, network, job.seed))
            while len(queue.members) >= queue.awaited:
                yield self._train_some(queue)
        for queue in waiting.values():
            while queue.members:
                yield self._train_some(queue)

    def _queue(self, key: Hashable | None) -> _Queue:
        return _Queue(1 if key is None else self.group_size, LARGEST_GROUP[self.device.type])

    def _train_some(self, queue: _Queue) -> dict[int, TrainingRun]:
        """Train the first members of a queue."""
        with threads_on(self.device, self.threads):
            return self._train_first(queue)

    def _train_first(self, queue: _Queue) -> dict[int, TrainingRun]:
        """Train as many as make a group; fewer at once if the memory does not suffice."""
        if queue.size is None:
            networks = [member.network for member in queue.members]
            queue.size = tune_group_size(networks, self.data, self.recipe, self.device)
        while True:
            group = queue.members[: queue.size]
            try:
                trained = self._train_group(group)
                break
            except torch.OutOfMemoryError:
                queue.size = len(group) // 2
            torch.cuda.empty_cache()  # outside of the handler, which holds on to the memory
        del queue.members[: len(group)]
        return {member.position: run for member, run in zip(group, trained, strict=True)}

    def _train_group(self, group: Sequence[_Member]) -> list[TrainingRun]:
        """Train networks together; if that raises an error, each alone.

        Raises:
            torch.OutOfMemoryError: if the device has not enough memory for so many.
        """
        try:
            return train_together(
                [member.network for member in group],
                self.data,
                self.recipe,
                seeds=[member.seed for member in group],
                device=self.device,
            )
        except Exception as error:
            if len(group) == 1:
                return [self._failed(error)]
            if isinstance(error, torch.OutOfMemoryError):
                raise
        return [run for member in group for run in self._train_group([member])]

    def _failed(self, error: Exception) -> TrainingRun:
        return failed_run(self.recipe.epochs, f"{type(error).__name__}: {error}")


@dataclass(frozen=True)
class _Member:
    """A network that waits for its training."""

    position: int
    network: nn.Module
    seed: int


@dataclass
class _Queue:
    """Networks of one shape that wait for a group; the size is None until it is tuned."""

    size: int | None
    largest: int
    members: list[_Member] = field(default_factory=list)

    @property
    def awaited(self) -> int:
        """How many members it takes to go on."""
        return self.size or self.largest


def tune_group_size(
    networks: Sequence[nn.Module],
    data: Data,
    recipe: Recipe,
    device: torch.device = CPU,
    *,
    budget: float = 1.0,
) -> int:
    """How many networks are trained fastest together: 1, 2, 4, 8 or more.

    Every size takes a few steps on one batch. Sizes grow until one is clearly worse than the best,
    the networks or the memory are used up, or the budget is spent.

    Args:
        networks: candidates for one group, of one shape; they are left as they are.
        data: examples on ``device``.
        recipe: the settings.
        device: where to train.
        budget: seconds of the wall after which no further size is tried.
    """
    deadline = time.monotonic() + budget
    best, fastest, size = 1, float("inf"), 1
    while size <= len(networks) and time.monotonic() < deadline:
        try:
            seconds = _seconds_per_network(networks[:size], data, recipe, device)
        except torch.OutOfMemoryError:
            break
        if seconds < fastest:
            best, fastest = size, seconds
        if seconds > WORSE * fastest:
            break
        size *= 2
    return best


def _seconds_per_network(
    networks: Sequence[nn.Module],
    data: Data,
    recipe: Recipe,
    device: torch.device,
    steps: int = 3,
) -> float:
    """Shortest of a few steps after one that is not counted, divided by the networks."""
    network, now = fuse(networks).to(device).train(), clock(device)
    optimiser = make_optimiser(network, recipe)
    inputs, labels = data.train.inputs[: recipe.batch_size], data.train.labels[: recipe.batch_size]
    targets = labels.expand(len(networks), -1)
    times = []
    for _ in range(1 + steps):
        started = now()
        train_step(network, optimiser, inputs, targets, recipe)
        times.append(now() - started)
    return min(times[1:]) / len(networks)
