"""The tables that this project trains itself: which architectures, how often, and in what order."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from surrobench.base.wording import counted
from surrobench.errors import UserError, did_you_mean
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.spaces.chains import Chains
from surrobench.spaces.edge_cells import EdgeCells
from surrobench.spaces.transformers import Transformers
from surrobench.tasks.live.tabulate import (
    Progress,
    Setting,
    Unit,
    seed_by_seed,
    side_by_side,
    tabulate,
)
from surrobench.training.loop.versions import versions
from surrobench.training.sampling import sample_by_depth
from surrobench.training.table_file import write_table

SAMPLE_SEED = 0
DIGITS = (
    "real handwritten digits (scikit-learn), procedurally distorted: rotation up to 30 degrees, "
    "zoom 0.8 to 1, shift within the frame, Gaussian noise 0.25; train, validation and test "
    "images come from disjoint source digits and are the same for every seed"
)
MOTIFS = (
    "synthetic sequences of motifs in an order (no biology): background residues as frequent as "
    "in Swiss-Prot, the class is an ordered pair of motifs with gaps; the same for every seed"
)
SIZES = ("params", "flops", "l2_norm", "grad_norm", "snip")
"""Proxies that ask for no images."""
DIGITS_CELLS = (
    *("params", "flops", "l2_norm", "grad_norm", "snip", "grasp", "synflow", "fisher", "jacov"),
    *("epe_nas", "nwot", "zen"),
)
"""Proxies of the table in the package; those that were added later are not in it."""
UNITS = (
    "accuracy in percent, cross-entropy in nats, flops = 2 x multiply-accumulates of one input, "
    "train_seconds = CPU seconds of one thread without evaluation, shared equally by the networks "
    "that are trained together; NaN marks what a diverged training could not measure and seeds "
    "that an architecture was not trained with"
)


@dataclass(frozen=True)
class LiveTable:
    """One table.

    Attributes:
        setting: the trainings.
        archs: default number of architectures, None for all.
        repeated: how many of them are trained with every seed, None for all.
        sample: that many distinct canonical architectures in an order of which every beginning is
            a sample too.
        units: what is trained together, given architectures, seeds and ``repeated``.
        sampling: the sample in words.
        data: the data in words.
    """

    setting: Setting
    archs: int | None
    repeated: int | None
    sample: Callable[[SearchSpace, int | None], list[Arch]]
    units: Callable[[Sequence[Arch], int, int], list[Unit]]
    sampling: str
    data: str = DIGITS


def _chains(space: SearchSpace, n: int | None) -> list[Arch]:
    return sample_by_depth(cast(Chains, space), n or 0, SAMPLE_SEED)


def connected_cells(space: SearchSpace, n: int | None) -> list[Arch]:
    """Connected cells up to isomorphism, ``n`` or all of them, shuffled.

    Raises:
        UserError: for more than there are.
    """
    cells = cast(EdgeCells, space)
    known = sorted({cells.canonical(cells.at(i)) for i in range(len(cells))})
    connected = [arch for arch in known if not cells.disconnected(arch)]
    if n is not None and n > len(connected):
        raise UserError(
            f"--archs is {n}, but there are {counted(len(connected), 'connected cell')}."
        )
    order = np.random.default_rng(SAMPLE_SEED).permutation(len(connected))
    return [connected[i] for i in order[:n].tolist()]


def _encoders(space: SearchSpace, n: int | None) -> list[Arch]:
    """All transformers, or ``n`` of them, shuffled.

    Raises:
        UserError: for more than there are.
    """
    known = list(cast(Transformers, space))
    if n is not None and n > len(known):
        raise UserError(f"--archs is {n}, but there are {counted(len(known), 'transformer')}.")
    order = np.random.default_rng(SAMPLE_SEED).permutation(len(known))
    return [known[i] for i in order[:n].tolist()]


LIVE_TABLES: Mapping[str, LiveTable] = {
    "digits-chain": LiveTable(
        Setting("live:chain"),
        archs=1600,
        repeated=None,
        sample=_chains,
        units=lambda archs, seeds, _: seed_by_seed(archs, seeds),
        sampling="distinct canonical architectures in equal shares of depth 1 to 4, all of a depth "
        "that has fewer; uniform within a depth",
    ),
    "digits-cells": LiveTable(
        Setting("live:cells", measured=DIGITS_CELLS),
        archs=None,
        repeated=1024,
        sample=connected_cells,
        units=lambda archs, seeds, repeated: side_by_side(archs, seeds, repeated, 32),
        sampling="all connected cells up to isomorphism, in random order",
    ),
    "motifs-transformer": LiveTable(
        Setting("live:transformer", measured=SIZES),
        archs=None,
        repeated=100,
        sample=_encoders,
        units=lambda archs, seeds, repeated: side_by_side(archs, seeds, repeated, 1),
        sampling="all architectures of the space, in random order",
        data=MOTIFS,
    ),
}


@dataclass(frozen=True)
class Request:
    """How much of a table to make; None for its default.

    Attributes:
        archs: number of architectures; a smaller table is part of a larger one.
        seeds: trainings of an architecture.
        repeated: how many architectures, the first ones, are trained with every seed; the others
            are trained with seed 0 alone.
        workers: processes, one thread each.
        resume: folder of partial results, kept at the end. If omitted it is ``<out>.partial``,
            which is removed once the table is written.
    """

    archs: int | None = None
    seeds: int = 3
    repeated: int | None = None
    workers: int = 1
    resume: Path | None = None


def make_table(
    name: str,
    out: Path,
    request: Request | None = None,
    progress: Progress | None = None,
    setting: Setting | None = None,
) -> Path:
    """Write one of the tables.

    Args:
        name: of :data:`LIVE_TABLES`.
        out: the Parquet file to write.
        request: how much of it.
        progress: told after every unit of work.
        setting: other trainings than those of the table.

    Returns:
        ``out``.

    Raises:
        UserError: for an unknown name, numbers below 1, more architectures than there are, or a
            place that cannot be written.
    """
    if name not in LIVE_TABLES:
        raise UserError(f"there is no table {name!r} to train. " + did_you_mean(name, LIVE_TABLES))
    table, request = LIVE_TABLES[name], request or Request()
    for option, value in (
        ("--archs", request.archs),
        ("--seeds", request.seeds),
        ("--repeated", request.repeated),
        ("--workers", request.workers),
    ):
        if value is not None and value < 1:
            raise UserError(f"{option} is {value}; it must be at least 1.")
    setting = setting or table.setting
    space = setting.live().space
    archs = table.sample(space, request.archs or table.archs)
    repeated = min(request.repeated or table.repeated or len(archs), len(archs))
    folder = request.resume or out.with_name(out.name + ".partial")
    _make_folders(out, folder)
    units = table.units(archs, request.seeds, repeated)
    rows = tabulate(setting, units, folder=folder, workers=request.workers, progress=progress)
    found = {row.arch: row for row in rows}
    command = f"surrobench tabulate {name} --out {out.name} --archs {len(archs)}"
    command += f" --seeds {request.seeds}"
    command += f" --repeated {repeated}" if repeated < len(archs) else ""
    write_table(
        out,
        space,
        [found[arch] for arch in archs],
        metadata=_metadata(command, table, setting, request.seeds),
    )
    if request.resume is None:
        shutil.rmtree(folder)
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


def _metadata(command: str, table: LiveTable, setting: Setting, seeds: int) -> dict[str, Any]:
    live = setting.live()
    return {
        "command": command,
        "versions": versions(),
        "seeds": list(range(seeds)),
        "epochs": live.recipe.epochs,
        "protocol": {
            "task": setting.task,
            "network": dict(live.network),
            "recipe": live.recipe.settings,
            "images": [len(s) for s in (live.data.train, live.data.validation, live.data.test)],
        },
        "sample": table.sampling,
        "data": table.data,
        "units": UNITS,
    }
