"""Train architectures of a live task into a table; all numbers but the seconds are reproducible.

A few trainings that share their tensor operations are one unit of work and one small file in a
folder of partial results, written atomically by the worker that did them. A run that was killed
continues where it stopped, and the table is the same whatever the number of workers.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import groupby
from multiprocessing import get_context, parent_process
from operator import attrgetter
from pathlib import Path
from typing import Any

import torch

from surrobench.base.sealed import DamagedError, read_sealed, write_sealed
from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.tasks.live.live import LiveTask, live_task
from surrobench.training.datasets.data import Data
from surrobench.training.loop.groups import GroupTrainer, Job, alike
from surrobench.training.loop.trainer import Recipe
from surrobench.training.loop.training_run import run_from_json
from surrobench.training.table_file import Row
from surrobench.training.zero_cost.scoring import all_proxies

Progress = Callable[[int, int], None]
"""Called with the number of finished units of work and the number of all of them."""
Unit = tuple[Job, ...]


@dataclass(frozen=True)
class Setting:
    """Everything that decides the numbers of a table, apart from its architectures and seeds.

    The images are the same for every seed, as those of a published data set are; a seed decides
    the initial weights and the order of the training images.

    Attributes:
        task: name of a live task.
        options: of the live task.
        data: images, those of the live task if omitted.
        recipe: settings of a training, those of the live task if omitted.
        measured: registered zero-cost proxies that become columns, as
            :func:`~surrobench.training.zero_cost.scoring.all_proxies` has them with seed 0.
    """

    task: str
    options: Mapping[str, Any] = field(default_factory=dict)
    data: Data | None = None
    recipe: Recipe | None = None
    measured: tuple[str, ...] = ("params", "flops")

    def live(self) -> LiveTask:
        """The live task, on the CPU."""
        recipe = {} if self.recipe is None else {"recipe": self.recipe}
        return live_task(self.task, self.data, device="cpu", **recipe, **self.options)


def seed_by_seed(archs: Sequence[Arch], seeds: int) -> list[Unit]:
    """Units of one architecture under all its seeds: for networks that differ in shape."""
    return [tuple(Job(arch, seed) for seed in range(seeds)) for arch in archs]


def side_by_side(archs: Sequence[Arch], seeds: int, repeated: int, together: int) -> list[Unit]:
    """Units of ``together`` architectures under one seed: for networks of one shape.

    Args:
        archs: architectures.
        seeds: of the first ``repeated`` architectures; the others are trained with seed 0 alone.
        repeated: how many are trained more than once.
        together: architectures of a unit.

    Returns:
        All runs of what is repeated first, so that an unfinished table tells the noise; then seed
        0 of the others. Architectures that are alike share units.
    """
    again = [Job(arch, seed) for seed in range(1, seeds) for arch in archs[:repeated]]
    first = [Job(arch, 0) for arch in archs]
    parts = (first[:repeated], again, first[repeated:])
    return [unit for jobs in parts for unit in _alike(jobs, together)]


def _alike(jobs: Sequence[Job], together: int) -> Iterator[Unit]:
    """Units of jobs that are trained fast together, none with two seeds."""
    for _, group in groupby(sorted(jobs, key=alike), key=attrgetter("seed")):
        same = tuple(group)
        yield from (same[i : i + together] for i in range(0, len(same), together))


def tabulate(
    setting: Setting,
    units: Sequence[Unit],
    *,
    folder: Path,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[Row]:
    """Do every training; one row per architecture, in the order of their seed 0.

    Args:
        setting: task, data and recipe.
        units: what is trained together. Architectures are distinct and canonical.
        folder: of partial results; those that belong to this setting and these versions
            of torch, numpy and scikit-learn are not trained again.
        workers: processes, one thread each.
        progress: told after every unit.

    Raises:
        UserError: if a worker process dies; what was finished is kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    live = setting.live()
    identity = {**live.identity, "recipe": live.recipe.settings, "measured": setting.measured}
    files = [folder / f"{_key(identity, unit)}.json" for unit in units]
    todo = [(unit, file) for unit, file in zip(units, files, strict=True) if not _is_whole(file)]
    already = len(units) - len(todo)
    if progress:
        progress(already, len(units))
    if todo:
        with _pool(min(workers, len(todo)), setting) as pool:
            futures = [pool.submit(_train_unit, unit, file) for unit, file in todo]
            for done, future in enumerate(as_completed(futures), start=already + 1):
                future.result()
                if progress:
                    progress(done, len(units))
    return _rows(files)


@contextmanager
def _pool(workers: int, setting: Setting) -> Iterator[ProcessPoolExecutor]:
    """Worker processes; on any error what has not begun is dropped."""
    # Even one worker is a process of its own: the threads of the caller's torch stay as they are.
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_start_worker, initargs=(setting,)
    )
    try:
        yield pool
    except BrokenProcessPool as error:
        raise UserError(
            "a training process died, perhaps for lack of memory. Finished architectures are kept: "
            "run the same command again to continue, if need be with fewer workers."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_work: list[tuple[Setting, LiveTask]] = []
"""What a worker process was started for."""


def _start_worker(setting: Setting) -> None:
    """One thread; on Ctrl-C finish the unit; do not outlive a parent that was killed."""
    torch.set_num_threads(1)
    _work.append((setting, setting.live()))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _train_unit(unit: Unit, file: Path) -> None:
    """Do the trainings of one unit and write its partial result."""
    (setting, live), *_ = _work
    runs = GroupTrainer(live.build, live.data, live.recipe, live.device, len(unit)).train(unit)
    for job, run in zip(unit, runs, strict=True):
        if run.status == "failed":  # a table has no place for it
            raise UserError(f"the training of {live.space.to_string(job.arch)!r}: {run.reason}")

    def proxies(arch: Arch) -> dict[str, float]:
        return all_proxies(partial(live.build, arch), live.data, names=setting.measured)

    found = [
        {
            "arch": job.arch,
            "seed": job.seed,
            "run": asdict(run),
            "measured": proxies(job.arch) if job.seed == 0 else None,
        }
        for job, run in zip(unit, runs, strict=True)
    ]
    write_sealed(file, found)


def _is_whole(file: Path) -> bool:
    """Whether a partial result is there and undamaged."""
    try:
        read_sealed(file)
    except (OSError, DamagedError):
        return False
    return True


def _rows(files: Iterable[Path]) -> list[Row]:
    """One row per architecture; its runs in the order of the seeds."""
    trainings = [training for file in files for training in read_sealed(file)]
    found: dict[Arch, list[dict[str, Any]]] = {
        tuple(training["arch"]): [] for training in trainings if training["seed"] == 0
    }
    for training in trainings:
        found[tuple(training["arch"])].append(training)
    return [_row(arch, runs) for arch, runs in found.items()]


def _row(arch: Arch, trainings: list[dict[str, Any]]) -> Row:
    trainings = sorted(trainings, key=lambda training: int(training["seed"]))
    runs = tuple(run_from_json(training["run"]) for training in trainings)
    return Row(arch, runs, trainings[0]["measured"])


def _key(identity: Mapping[str, Any], unit: Unit) -> str:
    content = {**identity, "unit": [asdict(job) for job in unit]}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:24]
