"""Tasks whose evaluation trains a network; finished trainings are kept and never repeated."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from surrobench.errors import UserError, did_you_mean
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.spaces.chains import Chains
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.tasks.evaluation import Evaluation
from surrobench.tasks.sources import cache_folder
from surrobench.tasks.training_cache import TrainingCache
from surrobench.training.cells import CellNetwork, Skeleton
from surrobench.training.costs import count_flops, count_params
from surrobench.training.devices import choose_device
from surrobench.training.digits import distorted_digits
from surrobench.training.fidelity import FULL, Fidelity, whole
from surrobench.training.groups import GroupTrainer, Job
from surrobench.training.images import ImageData
from surrobench.training.networks import build_chain
from surrobench.training.signals import synthetic_signals
from surrobench.training.tabulate import versions
from surrobench.training.trainer import Recipe, initialised
from surrobench.training.training_run import TrainingRun

Progress = Callable[[int, int], None]
GROUP_SIZE = 8
"""Stated, not tuned, so that rounding and hence numbers are the same on every run."""


class _Setting(NamedTuple):
    """How something is trained."""

    recipe: Recipe
    fidelity: Fidelity
    seed: int

    @property
    def key(self) -> dict[str, Any]:
        """Everything that decides the numbers, as plain values."""
        return {"recipe": self.recipe.settings, "seed": self.seed, **self.fidelity.settings}


@dataclass(frozen=True, eq=False)
class LiveTask:
    """A task whose ``evaluate`` trains; larger is better, in percent of validation images.

    Equal networks share one training, that of the canonical architecture. Finished trainings are
    kept as files named by a hash of everything that decides the numbers: network, images, recipe,
    architecture, epochs, seed, kind of device and versions. Test results are kept in these files
    but are not among the metrics: nothing is selected by them.

    Attributes:
        name: for tables.
        space: the search space.
        build: the network of an architecture.
        network: what decides the network apart from the architecture, as plain values.
        data: images.
        recipe: the settings; its epochs are the full training.
        device: where to train.
        cache: folder of finished trainings, None to keep nothing.
        group_size: networks that are trained together; None tunes it, at the price of rounding
            that differs from run to run.
        build_at: the network of an architecture with a share of its channels, None if there is no
            such network.
    """

    name: str
    space: SearchSpace
    build: Callable[[Arch], nn.Module]
    network: Mapping[str, Any]
    data: ImageData
    recipe: Recipe
    device: torch.device
    cache: Path | None = None
    group_size: int | None = GROUP_SIZE
    build_at: Callable[[Arch, float], nn.Module] | None = None

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
            For each architecture the validation accuracy after the last epoch and after every
            epoch (``curve``), the seconds of its training as ``cost``, and the metrics
            ``params``, ``flops`` (of the network with all its channels),
            ``validation_cross_entropy`` (nats, negated), ``validation_macro_recall`` and
            ``validation_macro_f1`` (percent), ``summed_train_loss`` (negated) and, on a CUDA GPU,
            ``peak_memory`` (bytes of all networks that were trained together, negated).

        Raises:
            UserError: for an architecture of another space, or a fidelity that cannot be.
        """
        setting = self._setting(seed, epochs, fidelity)
        canonical = [self.space.canonical(self.space.check(arch)) for arch in archs]
        runs = self._runs(list(dict.fromkeys(canonical)), setting, progress)
        return [self.evaluation(arch, runs[arch]) for arch in canonical]

    def _setting(self, seed: int, epochs: int | None, fidelity: Fidelity) -> _Setting:
        if epochs is not None and fidelity.epochs not in (None, epochs):
            raise UserError(f"epochs is {epochs}, but the fidelity says {fidelity.epochs}.")
        if epochs is not None:
            fidelity = replace(fidelity, epochs=epochs)
        if fidelity.width != 1 and self.build_at is None:
            raise UserError(f"{self.name}: width is {fidelity.width}, but it cannot be changed.")
        recipe = self.recipe
        if fidelity.epochs is not None:
            recipe = replace(recipe, epochs=fidelity.epochs)
        return _Setting(recipe, fidelity, seed)

    def at_width(self, width: float, arch: Arch) -> nn.Module:
        """The network of an architecture with a share of its channels."""
        if width == 1 or self.build_at is None:
            return self.build(arch)
        return self.build_at(arch, width)

    def _runs(
        self, archs: Sequence[Arch], setting: _Setting, progress: Progress | None
    ) -> dict[Arch, TrainingRun]:
        """Look up what is kept, train the rest, and keep every group when it is finished."""
        runs: dict[Arch, TrainingRun] = {}
        cache = TrainingCache(self.cache)
        for arch in archs:
            if run := cache.find(self._key(arch, setting)):
                runs[arch] = run
        missing = [arch for arch in archs if arch not in runs]
        if not missing:
            return runs
        fidelity, build = setting.fidelity, partial(self.at_width, setting.fidelity.width)
        data = fidelity.reduced(self.data)
        trainer = GroupTrainer(build, data, setting.recipe, self.device, self.group_size)
        for group in trainer.iterate([Job(arch, setting.seed) for arch in missing]):
            for position, run in group.items():
                runs[missing[position]] = run
                cache.keep(self._key(missing[position], setting), run)
            if progress:
                progress(len(runs) - (len(archs) - len(missing)), len(missing))
        return runs

    def evaluation(self, arch: Arch, run: TrainingRun) -> Evaluation:
        """What a training of an architecture means to a search; see :meth:`evaluate_many`."""
        metrics = {} if run.status == "failed" else self._costs(arch)
        metrics["validation_cross_entropy"] = -run.validation_cross_entropy[-1]
        metrics["validation_macro_recall"] = run.validation_macro_recall[-1]
        metrics["validation_macro_f1"] = run.validation_macro_f1[-1]
        metrics["summed_train_loss"] = -run.summed_train_loss
        if self.device.type == "cuda":
            metrics["peak_memory"] = -run.peak_memory
        return Evaluation(
            value=run.validation_accuracy[-1] if run.status == "ok" else math.nan,
            cost=None if math.isnan(run.train_seconds) else run.train_seconds,
            status=run.status,
            metrics=metrics,
            curve=run.validation_accuracy,
            reason="; ".join(filter(None, (run.reason, run.note))),
        )

    def _costs(self, arch: Arch) -> dict[str, float]:
        network = initialised(lambda: self.build(arch), seed=0)
        flops = count_flops(network, self.data.shape)
        return {"params": float(count_params(network)), "flops": float(flops)}

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

    def _key(self, arch: Arch, setting: _Setting) -> dict[str, Any]:
        return {**self.identity, "arch": list(arch), **setting.key}


def live_cells(
    data: ImageData | None = None,
    *,
    skeleton: Skeleton | None = None,
    recipe: Recipe | None = None,
    device: str = "auto",
    cache: Path | None = None,
) -> LiveTask:
    """Cells of NAS-Bench-201, by default on distorted digits: ``live:cells``.

    Args:
        data: images; 4,096 distorted digits if omitted.
        skeleton: channels, cells per stage and reduction; 8, 1 and thin if omitted.
        recipe: three epochs with a learning rate of 0.1 if omitted.
        device: as for :func:`~surrobench.training.devices.choose_device`.
        cache: folder of finished trainings; in the user's cache folder if omitted.
    """
    data, skeleton, space = data or distorted_digits(), skeleton or Skeleton(), nas_bench_201()
    channels, classes = data.shape[0], data.classes

    if skeleton.ndim == 1 and data.shape[1] != 1:
        raise UserError(f"skeleton: ndim is 1, but the images are {data.shape[1]} high, not 1.")

    def build(arch: Arch, width: float = 1.0) -> nn.Module:
        share = whole(width * skeleton.channels, f"width {width:g} of the channels")
        narrow = replace(skeleton, channels=share)
        return CellNetwork(space, arch, narrow, channels=channels, classes=classes)

    return LiveTask(
        "live:cells",
        space,
        build,
        {"skeleton": skeleton.settings},
        data,
        recipe or Recipe(learning_rate=0.1),
        choose_device(device),
        cache or cache_folder() / "live",
        build_at=build,
    )


def live_signals(
    data: ImageData | None = None,
    *,
    skeleton: Skeleton | None = None,
    recipe: Recipe | None = None,
    **options: Any,
) -> LiveTask:
    """Cells of NAS-Bench-201 for signals, by default synthetic ones: ``live:signals``.

    Args:
        data: images of height 1; 4,096 signals of
            :func:`~surrobench.training.signals.synthetic_signals` if omitted.
        skeleton: as for :func:`live_cells`, but of one dimension, whatever it says.
        recipe: four epochs with a learning rate of 0.1 if omitted.
        options: as for :func:`live_cells`.
    """
    task = live_cells(
        data or synthetic_signals(),
        skeleton=replace(skeleton or Skeleton(), ndim=1),
        recipe=recipe or Recipe(epochs=4, learning_rate=0.1),
        **options,
    )
    return replace(task, name="live:signals")


def live_chain(
    data: ImageData | None = None,
    *,
    div: int = 4,
    recipe: Recipe | None = None,
    device: str = "auto",
    cache: Path | None = None,
) -> LiveTask:
    """Chains of convolutions and fully-connected layers, by default on distorted digits.

    Args:
        data: square images; 4,096 distorted digits if omitted.
        div: filters and widths are divided by it.
        recipe: three epochs with a learning rate of 0.05 if omitted.
        device: as for :func:`~surrobench.training.devices.choose_device`.
        cache: folder of finished trainings; in the user's cache folder if omitted.

    Raises:
        UserError: for images that are not square.
    """
    data = data or distorted_digits()
    channels, height, width = data.shape
    if height != width:
        raise UserError(f"live:chain needs square images, but these are {height} x {width}.")
    space, classes = Chains(side=height), data.classes

    def build(arch: Arch, width: float = 1.0) -> nn.Module:
        narrow = whole(div / width, f"div {div} over width {width:g}")
        return build_chain(space, arch, div=narrow, channels=channels, classes=classes)

    return LiveTask(
        "live:chain",
        space,
        build,
        {"side": height, "div": div},
        data,
        recipe or Recipe(),
        choose_device(device),
        cache or cache_folder() / "live",
        build_at=build,
    )


LIVE_TASKS: Mapping[str, Callable[..., LiveTask]] = {
    "live:cells": live_cells,
    "live:chain": live_chain,
    "live:signals": live_signals,
}


def live_task(name: str, data: ImageData | None = None, **options: Any) -> LiveTask:
    """A live task by its name: ``"live:cells"``, ``"live:chain"`` or ``"live:signals"``.

    Args:
        name: of the task.
        data: images, for example of :func:`~surrobench.training.datasets.division.read_images`;
            distorted digits or synthetic signals if omitted.
        options: of :func:`live_cells`, :func:`live_chain` or :func:`live_signals`.

    Raises:
        UserError: for an unknown name.
    """
    if name not in LIVE_TASKS:
        raise UserError(f"unknown live task {name!r}. " + did_you_mean(name, LIVE_TASKS))
    return LIVE_TASKS[name](data, **options)
