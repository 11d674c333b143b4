"""Train a sample of a space into a table; every number but the seconds is reproducible.

Each architecture is one unit of work and one small file in a folder of partial results, written
atomically by the worker that trained it. A run that was killed continues where it stopped, and the
table is the same whatever the number of workers.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import version
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

import torch
from torch import nn

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.spaces.chains import Chains
from surrobench.training.costs import count_flops, count_params
from surrobench.training.digits import CLASSES, SIDE, distorted_digits
from surrobench.training.images import ImageData
from surrobench.training.networks import build_chain
from surrobench.training.sampling import sample_by_depth
from surrobench.training.table_file import Row, write_table
from surrobench.training.trainer import Recipe, initialised, train
from surrobench.training.training_run import run_from_json

Progress = Callable[[int, int], None]
"""Called with the number of finished architectures and the number of all of them."""

SAMPLE_SEED = 0


@dataclass(frozen=True)
class Protocol:
    """Everything that decides the numbers of a row, apart from its architecture.

    The images are the same for every seed, as those of a published data set are; a seed decides
    the initial weights and the order of the training images.
    """

    seeds: tuple[int, ...] = (0, 1, 2)
    recipe: Recipe = field(default_factory=Recipe)
    div: int = 4
    data_seed: int = 0
    train_images: int = 4096
    validation_images: int = 2000
    test_images: int = 4000

    def images(self) -> ImageData:
        """The data set, rendered."""
        return distorted_digits(
            self.data_seed,
            train=self.train_images,
            validation=self.validation_images,
            test=self.test_images,
        )


def main_digits_chain(
    out: Path,
    archs: int = 1600,
    seeds: int = 3,
    workers: int = 1,
    resume: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write the table of the task ``live/digits-chain``.

    Args:
        out: the Parquet file to write.
        archs: number of architectures, drawn by
            :func:`~surrobench.training.sampling.sample_by_depth`; a smaller table is part of a
            larger one.
        seeds: trainings of each architecture.
        workers: processes, one thread each.
        resume: folder of partial results, kept at the end. If omitted it is ``<out>.partial``,
            which is removed once the table is written.
        progress: told after every architecture.

    Returns:
        ``out``.

    Raises:
        UserError: for numbers below 1, more architectures than there are, or a place that cannot
            be written.
    """
    for option, value in (("--archs", archs), ("--seeds", seeds), ("--workers", workers)):
        if value < 1:
            raise UserError(f"{option} is {value}; it must be at least 1.")
    space, protocol = Chains(side=SIDE), Protocol(seeds=tuple(range(seeds)))
    partial = resume or out.with_name(out.name + ".partial")
    _make_folders(out, partial)
    rows = tabulate(
        space,
        sample_by_depth(space, archs, SAMPLE_SEED),
        protocol,
        partial=partial,
        workers=workers,
        progress=progress,
    )
    command = f"surrobench tabulate digits-chain --out {out.name} --archs {archs} --seeds {seeds}"
    write_table(out, space, rows, metadata=_metadata(command, protocol))
    if resume is None:
        shutil.rmtree(partial)
    return out


def _make_folders(out: Path, partial: Path) -> None:
    """Find out before hours of training, not after, that the table cannot be written."""
    if out.is_dir():
        raise UserError(f"--out is {out}, which is a folder; name a Parquet file.")
    try:
        for folder in (out.parent, partial):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out is {out}: {folder} cannot be made ({error.strerror}).") from error


def tabulate(
    space: Chains,
    archs: Sequence[Arch],
    protocol: Protocol,
    *,
    partial: Path,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[Row]:
    """Train every architecture under every seed; one row each, in the order of ``archs``.

    Args:
        space: the space; its ``side`` must be that of the images.
        archs: distinct canonical architectures.
        protocol: data, recipe and seeds.
        partial: folder of partial results; those that belong to this protocol and these versions
            of torch, numpy and scikit-learn are not trained again.
        workers: processes, one thread each.
        progress: told after every architecture.

    Raises:
        UserError: if a worker process dies; what was finished is kept.
    """
    partial.mkdir(parents=True, exist_ok=True)
    files = [partial / f"{_key(space, arch, protocol)}.json" for arch in archs]
    todo = [(arch, file) for arch, file in zip(archs, files, strict=True) if not file.exists()]
    already = len(archs) - len(todo)
    if progress:
        progress(already, len(archs))
    if todo:
        with _pool(min(workers, len(todo))) as pool:
            futures = [pool.submit(_train_one, space, arch, protocol, file) for arch, file in todo]
            for done, future in enumerate(as_completed(futures), start=already + 1):
                future.result()
                if progress:
                    progress(done, len(archs))
    return [_read(file) for file in files]


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Worker processes; on any error what has not begun is dropped."""
    # Even one worker is a process of its own: the threads of the caller's torch stay as they are.
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker)
    try:
        yield pool
    except BrokenProcessPool as error:
        raise UserError(
            "a training process died, perhaps for lack of memory. Finished architectures are kept: "
            "run the same command again to continue, if need be with fewer workers."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    """One thread; on Ctrl-C finish the architecture; do not outlive a parent that was killed."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _train_one(space: Chains, arch: Arch, protocol: Protocol, file: Path) -> None:
    """Train one architecture under every seed and write its partial result."""

    def build() -> nn.Sequential:
        return build_chain(space, arch, div=protocol.div, classes=CLASSES)

    runs = train(build, _images(protocol), protocol.recipe, seeds=protocol.seeds)
    network = initialised(build, seed=0)
    row = Row(arch, tuple(runs), count_params(network), count_flops(network, (1, SIDE, SIDE)))
    temporary = file.with_name(f"{file.name}.tmp-{os.getpid()}")
    temporary.write_text(json.dumps(asdict(row)))
    temporary.replace(file)


@cache
def _images(protocol: Protocol) -> ImageData:
    return protocol.images()


def _read(file: Path) -> Row:
    content = json.loads(file.read_text())
    runs = tuple(run_from_json(run) for run in content["runs"])
    return Row(tuple(content["arch"]), runs, content["params"], content["flops"])


def _key(space: Chains, arch: Arch, protocol: Protocol) -> str:
    identity = [space.name, space.side, arch, asdict(protocol), versions()]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:24]


def versions() -> dict[str, str]:
    """Versions of the packages that numbers of a training depend on."""
    return {name: version(name) for name in ("torch", "numpy", "scikit-learn")}


def _metadata(command: str, protocol: Protocol) -> dict[str, Any]:
    return {
        "command": command,
        "versions": versions(),
        "seeds": list(protocol.seeds),
        "epochs": protocol.recipe.epochs,
        "protocol": asdict(protocol),
        "sample": "distinct canonical architectures in equal shares of depth 1 to 4, all of a "
        "depth that has fewer; uniform within a depth",
        "data": "real handwritten digits (scikit-learn), procedurally distorted: rotation up to "
        "30 degrees, zoom 0.8 to 1, shift within the frame, Gaussian noise 0.25; train, "
        "validation and test images come from disjoint source digits and are the same for every "
        "seed",
        "units": "accuracy in percent, cross-entropy in nats, flops = 2 x multiply-accumulates of "
        "one image, train_seconds = CPU seconds of one thread without evaluation, shared equally "
        "by the seeds, which are trained together; NaN marks what a diverged training could not "
        "measure",
    }
