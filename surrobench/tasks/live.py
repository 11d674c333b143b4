"""Tasks whose evaluation trains a network; finished trainings are kept and never repeated."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from surrobench.atomic import write_atomically
from surrobench.errors import UserError, did_you_mean
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.spaces.chains import Chains
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.tasks.evaluation import Evaluation
from surrobench.tasks.sources import cache_folder
from surrobench.training.cells import CellNetwork, Skeleton
from surrobench.training.costs import count_flops, count_params
from surrobench.training.devices import choose_device
from surrobench.training.digits import distorted_digits
from surrobench.training.groups import GroupTrainer, Job
from surrobench.training.images import ImageData
from surrobench.training.networks import build_chain
from surrobench.training.tabulate import versions
from surrobench.training.trainer import Recipe, initialised
from surrobench.training.training_frame import training_frame
from surrobench.training.training_run import TrainingRun, run_from_json

Progress = Callable[[int, int], None]
GROUP_SIZE = 8
"""Stated, not tuned, so that rounding and hence numbers are the same on every run."""


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

    def evaluate(self, arch: Arch, *, seed: int = 0, epochs: int | None = None) -> Evaluation:
        """Train one architecture, or look its training up; see :meth:`evaluate_many`."""
        return self.evaluate_many([arch], seed=seed, epochs=epochs)[0]

    def evaluate_many(
        self,
        archs: Sequence[Arch],
        *,
        seed: int = 0,
        epochs: int | None = None,
        progress: Progress | None = None,
    ) -> list[Evaluation]:
        """Train architectures in groups; what was trained before is looked up.

        Args:
            archs: architectures of the space.
            seed: of the initial weights and of the order of the images.
            epochs: a shorter training with a schedule of its own; by default the full one.
            progress: told the number of finished trainings and of all that are needed.

        Returns:
            For each architecture the validation accuracy after the last epoch and after every
            epoch (``curve``), the seconds of its training as ``cost``, and the metrics
            ``params``, ``flops``, ``validation_cross_entropy`` (nats, negated),
            ``validation_macro_recall`` and ``validation_macro_f1`` (percent) and
            ``summed_train_loss`` (negated).

        Raises:
            UserError: for an architecture of another space, or fewer epochs than 1.
        """
        recipe = self.recipe if epochs is None else replace(self.recipe, epochs=epochs)
        if recipe.epochs < 1:
            raise UserError(f"epochs is {epochs}; it must be at least 1.")
        canonical = [self.space.canonical(self.space.check(arch)) for arch in archs]
        runs = self._runs(list(dict.fromkeys(canonical)), recipe, seed, progress)
        return [self._evaluation(arch, runs[arch]) for arch in canonical]

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
        wanted = list(dict.fromkeys(canonical.values()))
        found = {seed: self._runs(wanted, self.recipe, seed, None) for seed in seeds}
        return training_frame(
            (self.space.to_string(arch), seed, found[seed][canonical[arch]])
            for arch in canonical
            for seed in seeds
        )

    def _runs(
        self, archs: Sequence[Arch], recipe: Recipe, seed: int, progress: Progress | None
    ) -> dict[Arch, TrainingRun]:
        """Look up what is kept, train the rest, and keep every group when it is finished."""
        runs: dict[Arch, TrainingRun] = {}
        for arch in archs:
            if run := self._kept(arch, recipe, seed):
                runs[arch] = run
        missing = [arch for arch in archs if arch not in runs]
        trainer = GroupTrainer(self.build, self.data, recipe, self.device, self.group_size)
        for group in trainer.iterate([Job(arch, seed) for arch in missing]):
            for position, run in group.items():
                runs[missing[position]] = run
                self._keep(missing[position], recipe, seed, run)
            if progress:
                progress(len(runs) - (len(archs) - len(missing)), len(missing))
        return runs

    def _evaluation(self, arch: Arch, run: TrainingRun) -> Evaluation:
        metrics = {} if run.status == "failed" else self._costs(arch)
        metrics["validation_cross_entropy"] = -run.validation_cross_entropy[-1]
        metrics["validation_macro_recall"] = run.validation_macro_recall[-1]
        metrics["validation_macro_f1"] = run.validation_macro_f1[-1]
        metrics["summed_train_loss"] = -run.summed_train_loss
        return Evaluation(
            value=run.validation_accuracy[-1] if run.status == "ok" else math.nan,
            cost=None if math.isnan(run.train_seconds) else run.train_seconds,
            status=run.status,
            metrics=metrics,
            curve=run.validation_accuracy,
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

    def _file(self, arch: Arch, recipe: Recipe, seed: int) -> Path | None:
        if self.cache is None:
            return None
        key = {**self.identity, "arch": list(arch), "recipe": asdict(recipe), "seed": seed}
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        return self.cache / digest[:2] / f"{digest[2:40]}.json"

    def _kept(self, arch: Arch, recipe: Recipe, seed: int) -> TrainingRun | None:
        """A finished training; one that cannot be read is done again."""
        file = self._file(arch, recipe, seed)
        if file is None or not file.is_file():
            return None
        try:
            content = json.loads(file.read_bytes())
            intact = content["arch"] == list(arch) and content["seed"] == seed
            return run_from_json(content["run"]) if intact else None
        except (ValueError, KeyError, TypeError):
            return None

    def _keep(self, arch: Arch, recipe: Recipe, seed: int, run: TrainingRun) -> None:
        """Keep a training, unless it failed: that may be the fault of the moment."""
        file = self._file(arch, recipe, seed)
        if file is not None and run.status != "failed":
            content = {"arch": list(arch), "seed": seed, "run": asdict(run)}
            write_atomically(file, json.dumps(content).encode())


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

    def build(arch: Arch) -> nn.Module:
        return CellNetwork(space, arch, skeleton, channels=channels, classes=classes)

    return LiveTask(
        "live:cells",
        space,
        build,
        {"skeleton": asdict(skeleton)},
        data,
        recipe or Recipe(learning_rate=0.1),
        choose_device(device),
        cache or cache_folder() / "live",
    )


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

    def build(arch: Arch) -> nn.Module:
        return build_chain(space, arch, div=div, channels=channels, classes=classes)

    return LiveTask(
        "live:chain",
        space,
        build,
        {"side": height, "div": div},
        data,
        recipe or Recipe(),
        choose_device(device),
        cache or cache_folder() / "live",
    )


LIVE_TASKS: Mapping[str, Callable[..., LiveTask]] = {
    "live:cells": live_cells,
    "live:chain": live_chain,
}


def live_task(name: str, data: ImageData | None = None, **options: Any) -> LiveTask:
    """A live task by its name, ``"live:cells"`` or ``"live:chain"``.

    Args:
        name: of the task.
        data: images, for example of :func:`~surrobench.training.datasets.division.read_images`;
            distorted digits if omitted.
        options: of :func:`live_cells` or :func:`live_chain`.

    Raises:
        UserError: for an unknown name.
    """
    if name not in LIVE_TASKS:
        raise UserError(f"unknown live task {name!r}. " + did_you_mean(name, LIVE_TASKS))
    return LIVE_TASKS[name](data, **options)
