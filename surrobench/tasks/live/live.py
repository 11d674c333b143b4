"""Tasks whose evaluation trains a network; finished trainings are kept and never repeated."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import pandas as pd
import torch
from torch import nn

from surrobench.base.registry import import_attribute
from surrobench.errors import UserError, did_you_mean
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.tasks.evaluation import Evaluation
from surrobench.tasks.live.training_cache import TrainingCache
from surrobench.training.datasets.data import Data
from surrobench.training.loop.fidelity import FULL, Fidelity
from surrobench.training.loop.groups import GroupTrainer, Job
from surrobench.training.loop.trainer import Recipe, initialised
from surrobench.training.loop.training_run import TrainingRun
from surrobench.training.loop.versions import versions
from surrobench.training.networks.costs import count_flops, count_params
from surrobench.training.training_frame import training_frame

Progress = Callable[[int, int], None]
Value = Literal["accuracy", "cross-entropy"]
GROUP_SIZE = 8
"""Stated, not tuned, so that rounding and hence numbers are the same on every run."""


class _Setting(NamedTuple):
    """How something is trained."""

    recipe: Recipe
    fidelity: Fidelity

    @property
    def key(self) -> dict[str, Any]:
        """Everything that decides the numbers, as plain values."""
        return {"recipe": self.recipe.settings, **self.fidelity.settings}


class Trainable(ABC):
    """A task whose architectures are trained, several at a time."""

    def evaluate(
        self,
        arch: Arch,
        *,
        seed: int = 0,
        epochs: int | None = None,
        fidelity: Fidelity = FULL,
    ) -> Evaluation:
        """Train one architecture, or look its training up; see :meth:`evaluate_many`."""
        return self.evaluate_many([arch], seed=seed, epochs=epochs, fidelity=fidelity)[0]

    @abstractmethod
    def evaluate_many(
        self,
        archs: Sequence[Arch],
        *,
        seed: int = 0,
        epochs: int | None = None,
        fidelity: Fidelity = FULL,
        progress: Progress | None = None,
    ) -> list[Evaluation]:
        """Train architectures; see :meth:`LiveTask.evaluate_many`."""


@dataclass(frozen=True, eq=False)
class LiveTask(Trainable):
    """A task whose ``evaluate`` trains; larger is better.

    Equal networks share one training, that of the canonical architecture. Finished trainings are
    kept as files named by a hash of everything that decides the numbers: network, images, recipe,
    architecture, epochs, seed, kind of device and versions. Test results are kept in these files
    but are not among the metrics: nothing is selected by them.

    Attributes:
        name: for tables.
        space: the search space.
        build: the network of an architecture.
        network: what decides the network apart from the architecture, as plain values.
        data: images or sequences.
        recipe: the settings; its epochs are the full training.
        device: where to train.
        cache: folder of finished trainings, None to keep nothing.
        group_size: networks that are trained together; None tunes it, at the price of rounding
            that differs from run to run.
        build_at: the network of an architecture with a share of its channels, None if there is no
            such network.
        value: what candidates are compared by: ``"accuracy"`` in percent of the validation
            examples, or ``"cross-entropy"`` in nats, negated, which tells networks apart that are
            right about the same examples.
        cost_key: architectures of one key have equal parameter and operation counts; None if
            nothing is known.
        threads: of a training on a CPU; None leaves torch's own setting, which is faster for large
            networks and does not repeat bit by bit.
    """

    name: str
    space: SearchSpace
    build: Callable[[Arch], nn.Module]
    network: Mapping[str, Any]
    data: Data
    recipe: Recipe
    device: torch.device
    cache: Path | None = None
    group_size: int | None = GROUP_SIZE
    build_at: Callable[[Arch, float], nn.Module] | None = None
    cost_key: Callable[[Arch], Hashable] | None = None
    value: Value = "accuracy"
    threads: int | None = 1

    def __post_init__(self) -> None:
        if self.value not in get_args(Value):
            raise UserError(
                f"{self.name}: value is {self.value!r}; it must be 'accuracy' or 'cross-entropy'."
            )

    @property
    def unit(self) -> str:
        """Of the values."""
        return "%" if self.value == "accuracy" else "nats (negated)"

    def evaluate_many(
        self,
        archs: Sequence[Arch],
        *,
        seed: int = 0,
        epochs: int | None = None,
        fidelity: Fidelity = FULL,
        progress: Progress | None = None,
    ) -> list[Evaluation]:
        """Train architectures in groups; what was trained before is looked up.

        Args:
            archs: architectures of the space.
            seed: of the initial weights and of the order of the images.
            epochs: a shorter training with a schedule of its own; by default the full one.
            fidelity: the same with fewer images or channels as well, each a training of its own.
            progress: told the number of finished trainings and of all that are needed.

        Returns:
            For each architecture its value on the validation examples after the last epoch and
            after every epoch (``curve``), the seconds of its training as ``cost``, and the metrics
            ``params``, ``flops`` (of the network with all its channels),
            ``validation_cross_entropy`` (nats), ``validation_macro_recall`` and
            ``validation_macro_f1`` (percent), ``summed_train_loss``, on a CUDA GPU ``peak_memory``
            (bytes of all networks that were trained together) and, if it is not the value,
            ``validation_accuracy``. Metrics have their own sign, also where less is better; only
            the value is turned so that larger is better.

        Raises:
            UserError: for an architecture of another space, or a fidelity that cannot be.
        """
        jobs = [Job(arch, seed) for arch in archs]
        return self.evaluate_jobs(jobs, epochs=epochs, fidelity=fidelity, progress=progress)

    def evaluate_jobs(
        self,
        jobs: Sequence[Job],
        *,
        epochs: int | None = None,
        fidelity: Fidelity = FULL,
        progress: Progress | None = None,
    ) -> list[Evaluation]:
        """Train each architecture under its own seed; otherwise as :meth:`evaluate_many`.

        Trainings of one architecture under several seeds make one group.
        """
        runs = self.training_runs(jobs, epochs=epochs, fidelity=fidelity, progress=progress)
        canonical = (self.space.canonical(job.arch) for job in jobs)
        return [self.evaluation(arch, run) for arch, run in zip(canonical, runs, strict=True)]

    def training_runs(
        self,
        jobs: Sequence[Job],
        *,
        epochs: int | None = None,
        fidelity: Fidelity = FULL,
        progress: Progress | None = None,
    ) -> list[TrainingRun]:
        """The records of the trainings with all their curves; see :meth:`evaluate_jobs`."""
        setting = self._setting(epochs, fidelity)
        canonical = [Job(self.space.canonical(self.space.check(j.arch)), j.seed) for j in jobs]
        runs = self._runs(list(dict.fromkeys(canonical)), setting, progress)
        return [runs[job] for job in canonical]

    def test(self, arch: Arch, *, seed: int = 0) -> float:
        """Test accuracy after the full training, which is looked up if it was done before.

        For the report of what was chosen already; nothing may be chosen by it.
        """
        job = Job(self.space.canonical(self.space.check(arch)), seed)
        return self._runs([job], self._setting(None, FULL), None)[job].test_accuracy

    def _setting(self, epochs: int | None, fidelity: Fidelity) -> _Setting:
        if epochs is not None and fidelity.epochs not in (None, epochs):
            raise UserError(f"epochs is {epochs}, but the fidelity says {fidelity.epochs}.")
        if epochs is not None:
            fidelity = replace(fidelity, epochs=epochs)
        if fidelity.width != 1 and self.build_at is None:
            raise UserError(f"{self.name}: width is {fidelity.width}, but it cannot be changed.")
        recipe = self.recipe
        if fidelity.epochs is not None:
            recipe = replace(recipe, epochs=fidelity.epochs)
        return _Setting(recipe, fidelity)

    def at_width(self, width: float, arch: Arch) -> nn.Module:
        """The network of an architecture with a share of its channels."""
        if width == 1 or self.build_at is None:
            return self.build(arch)
        return self.build_at(arch, width)

    def learning_curves(
        self, archs: Sequence[Arch], *, seeds: Sequence[int] = (0,)
    ) -> pd.DataFrame:
        """What full trainings recorded in every epoch; those that are not kept are done now.

        Args:
            archs: architectures of the space.
            seeds: of the trainings of each.

        Returns:
            A row per architecture, seed and epoch; see
            :func:`~surrobench.training.training_frame.training_frame`.

        Raises:
            UserError: for an architecture of another space.
        """
        canonical = {arch: self.space.canonical(self.space.check(arch)) for arch in archs}
        jobs = [Job(arch, seed) for seed in seeds for arch in dict.fromkeys(canonical.values())]
        found = self._runs(jobs, self._setting(None, FULL), None)
        return training_frame(
            (self.space.to_string(arch), seed, found[Job(canonical[arch], seed)])
            for arch in canonical
            for seed in seeds
        )

    def _runs(
        self, jobs: Sequence[Job], setting: _Setting, progress: Progress | None
    ) -> dict[Job, TrainingRun]:
        """Look up what is kept, train the rest, and keep every group when it is finished."""
        runs: dict[Job, TrainingRun] = {}
        cache = TrainingCache(self.cache)
        for job in jobs:
            if run := cache.find(self._key(job, setting)):
                runs[job] = run
        missing = [job for job in jobs if job not in runs]
        if not missing:
            return runs
        fidelity, build = setting.fidelity, partial(self.at_width, setting.fidelity.width)
        data = fidelity.reduced(self.data)
        trainer = GroupTrainer(
            build, data, setting.recipe, self.device, self.group_size, self.threads
        )
        for group in trainer.iterate(missing):
            for position, run in group.items():
                runs[missing[position]] = run
                cache.keep(self._key(missing[position], setting), run)
            if progress:
                progress(len(runs) - (len(jobs) - len(missing)), len(missing))
        return runs

    def evaluation(self, arch: Arch, run: TrainingRun) -> Evaluation:
        """What a training of an architecture means to a search; see :meth:`evaluate_many`."""
        metrics = {} if run.status == "failed" else dict(self.costs(arch))
        metrics["validation_cross_entropy"] = run.validation_cross_entropy[-1]
        metrics["validation_macro_recall"] = run.validation_macro_recall[-1]
        metrics["validation_macro_f1"] = run.validation_macro_f1[-1]
        metrics["summed_train_loss"] = run.summed_train_loss
        if self.device.type == "cuda":
            metrics["peak_memory"] = run.peak_memory
        curve = run.validation_accuracy
        if self.value == "cross-entropy":
            metrics["validation_accuracy"] = run.validation_accuracy[-1]
            curve = tuple(-value for value in run.validation_cross_entropy)
        return Evaluation(
            value=curve[-1] if run.status == "ok" else math.nan,
            cost=None if math.isnan(run.train_seconds) else run.train_seconds,
            status=run.status,
            metrics=metrics,
            curve=curve,
            reason="; ".join(filter(None, (run.reason, run.note))),
        )

    def costs(self, arch: Arch) -> Mapping[str, float]:
        """``params`` and ``flops`` of an architecture, counted once for each ``cost_key``."""
        key = arch if self.cost_key is None else self.cost_key(arch)
        if key not in self._counted:
            network = initialised(lambda: self.build(arch), seed=0)
            flops = count_flops(network, self.data.shape, self.data.train.inputs.dtype)
            self._counted[key] = {"params": float(count_params(network)), "flops": float(flops)}
        return self._counted[key]

    @cached_property
    def _counted(self) -> dict[Hashable, dict[str, float]]:
        return {}

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What decides the numbers apart from architecture, recipe and seed, as plain values."""
        return {
            "space": self.space.name,
            "network": dict(self.network),
            "data": self.data.fingerprint,
            "device": self.device.type,
            "versions": versions(),
        }

    def _key(self, job: Job, setting: _Setting) -> dict[str, Any]:
        return {**self.identity, "arch": list(job.arch), "seed": job.seed, **setting.key}


LIVE_TASKS: Mapping[str, str] = {
    "live:cells": "surrobench.tasks.live.live_images:live_cells",
    "live:chain": "surrobench.tasks.live.live_images:live_chain",
    "live:signals": "surrobench.tasks.live.live_images:live_signals",
    "live:transformer": "surrobench.tasks.live.live_sequences:live_transformer",
    "live:lora": "surrobench.tasks.live.live_sequences:live_lora",
}
"""Where the function is that makes each live task."""


def live_task(name: str, data: Data | None = None, **options: Any) -> LiveTask:
    """A live task by its name, one of :data:`LIVE_TASKS`.

    Args:
        name: of the task.
        data: images, for example of :func:`~surrobench.training.datasets.division.read_images`, or
            sequences, of :func:`~surrobench.training.datasets.fasta.read_sequences`; distorted
            digits, synthetic signals or synthetic sequences if omitted.
        options: of the function that makes the task, see :mod:`~surrobench.tasks.live.live_images`
            and :mod:`~surrobench.tasks.live.live_sequences`.

    Raises:
        UserError: for an unknown name.
    """
    return live_factory(name)(data, **options)


def live_factory(name: str) -> Callable[..., LiveTask]:
    """The function that makes a live task; its first argument is the data.

    Raises:
        UserError: for an unknown name.
    """
    if name not in LIVE_TASKS:
        raise UserError(f"unknown live task {name!r}. " + did_you_mean(name, LIVE_TASKS))
    factory: Callable[..., LiveTask] = import_attribute(LIVE_TASKS[name])
    return factory
