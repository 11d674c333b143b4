"""Training many architectures: in groups that share every tensor operation.

A training that diverges or raises an error is a record; the others go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.training.devices import CPU, clock
from surrobench.training.fusion import fuse, fusion_key
from surrobench.training.images import ImageData
from surrobench.training.trainer import (
    Recipe,
    initialised,
    make_optimiser,
    train_step,
    train_together,
)
from surrobench.training.training_run import TrainingRun, failed_run

LARGEST_GROUP = {"cpu": 64, "cuda": 512, "mps": 64}
WORSE = 1.1
"""Larger groups are no longer tried once one takes this many times the best time a network."""


@dataclass(frozen=True)
class Job:
    """One training: an architecture and the seed of its weights and of the order of images."""

    arch: Arch
    seed: int = 0


@dataclass
class GroupTrainer:
    """Trains jobs in groups.

    Each training equals that of its network alone up to rounding. For equal arguments, among them
    the jobs and a stated group size, the numbers are bit-identical on one CPU at one thread.

    Args:
        build: the network of an architecture. Initial weights come from torch's global generator,
            which is seeded and restored.
        data: images.
        recipe: the settings.
        device: where to train.
        group_size: networks that are trained together; chosen by :func:`tune_group_size` for each
            shape of network if omitted, so that rounding may differ from run to run.

    Raises:
        UserError: for a group size below 1.
    """

    build: Callable[[Arch], nn.Module]
    data: ImageData
    recipe: Recipe
    device: torch.device = CPU
    group_size: int | None = None
    _tuned: dict[Hashable, int] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.group_size is not None and self.group_size < 1:
            raise UserError(f"group size is {self.group_size}; it must be at least 1.")
        self.data = self.data.to(self.device)

    def train(
        self, jobs: Sequence[Job], *, progress: Callable[[int, int], None] | None = None
    ) -> list[TrainingRun]:
        """Train all jobs.

        Args:
            jobs: what to train; those of equal shape are grouped, those of equal seed first.
            progress: told the number of finished jobs and of all jobs after every group.

        Returns:
            One run per job, in the order of ``jobs``.
        """
        runs: dict[int, TrainingRun] = {}
        for alike in self._by_shape(jobs, runs):
            for group, trained in self._train_alike(jobs, alike):
                runs.update(zip(group, trained, strict=True))
                if progress:
                    progress(len(runs), len(jobs))
        return [runs[position] for position in range(len(jobs))]

    def _network(self, job: Job) -> nn.Module:
        return initialised(lambda: self.build(job.arch), job.seed)

    def _by_shape(self, jobs: Sequence[Job], runs: dict[int, TrainingRun]) -> list[list[int]]:
        """Positions of jobs that can be trained together; a failed build goes into ``runs``."""
        shapes: dict[Hashable, list[int]] = {}
        for position, job in enumerate(jobs):
            try:
                key = fusion_key(self._network(job))
            except Exception as error:
                runs[position] = self._failed(error)
            else:
                shapes.setdefault(("alone", position) if key is None else key, []).append(position)
        return [sorted(alike, key=lambda i: jobs[i].seed) for alike in shapes.values()]

    def _train_alike(
        self, jobs: Sequence[Job], positions: list[int]
    ) -> Iterator[tuple[list[int], list[TrainingRun]]]:
        size = self._size([jobs[i] for i in positions])
        while positions:
            group = positions[:size]
            try:
                trained = self._train_group([jobs[i] for i in group])
            except torch.OutOfMemoryError:
                trained = None
            if trained is None:  # outside of the handler, which holds on to the memory
                torch.cuda.empty_cache()
                size = len(group) // 2
                continue
            yield group, trained
            positions = positions[size:]

    def _train_group(self, jobs: Sequence[Job]) -> list[TrainingRun]:
        """Train jobs together; if that raises an error, each alone.

        Raises:
            torch.OutOfMemoryError: if the device has not enough memory for so many.
        """
        try:
            networks = [self._network(job) for job in jobs]
            seeds = [job.seed for job in jobs]
            return train_together(networks, self.data, self.recipe, seeds=seeds, device=self.device)
        except Exception as error:
            if len(jobs) == 1:
                return [self._failed(error)]
            if isinstance(error, torch.OutOfMemoryError):
                raise
        return [run for job in jobs for run in self._train_group([job])]

    def _failed(self, error: Exception) -> TrainingRun:
        return failed_run(self.recipe.epochs, f"{type(error).__name__}: {error}")

    def _size(self, jobs: Sequence[Job]) -> int:
        """The group size for networks of the shape of these jobs."""
        if self.group_size is not None or len(jobs) == 1:
            return self.group_size or 1
        key = fusion_key(self._network(jobs[0]))
        if key not in self._tuned:
            some = jobs[: LARGEST_GROUP[self.device.type]]
            networks = [self._network(job) for job in some]
            self._tuned[key] = tune_group_size(networks, self.data, self.recipe, self.device)
        return min(self._tuned[key], len(jobs))


def tune_group_size(
    networks: Sequence[nn.Module],
    data: ImageData,
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
        data: images on ``device``.
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
    data: ImageData,
    recipe: Recipe,
    device: torch.device,
    steps: int = 3,
) -> float:
    """Shortest of a few steps after one that is not counted, divided by the networks."""
    network, now = fuse(networks).to(device).train(), clock(device)
    optimiser = make_optimiser(network, recipe)
    images, labels = data.train.images[: recipe.batch_size], data.train.labels[: recipe.batch_size]
    targets = labels.expand(len(networks), -1)
    times = []
    for _ in range(1 + steps):
        started = now()
        train_step(network, optimiser, images, targets)
        times.append(now() - started)
    return min(times[1:]) / len(networks)
