"""What a driver and its Dask workers tell each other: plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from surrobench.studies.cluster.tables import Manifest, SharedFile
from surrobench.studies.engine.executor import Limits

UNIT_SECONDS = 2.0
"""A unit begins no further cell after so long."""


@dataclass(frozen=True)
class Job:
    """A run, as its workers need to know it.

    Attributes:
        run: names the run; nobody can guess it.
        kind: of the study.
        study: the settings, with one seed: enough to see whether a worker would compute the same.
        base: absolute folder that relative paths of cards start from, on the driver's machine.
        limits: time and memory of one cell.
        folder: absolute run folder on the driver's machine.
        token: name of a file in it with ``run`` as its content: who can read it sees the folder.
        path: folders that the driver imports modules from.
        versions: of everything that numbers depend on, as the driver has them.
        manifest: of the data of the study, for workers that do not have it; None at first.
    """

    run: str
    kind: str
    study: Any
    base: str
    limits: Limits
    folder: str
    token: str
    path: tuple[str, ...]
    versions: Mapping[str, str]
    manifest: Manifest | None = None


@dataclass(frozen=True)
class Examined:
    """What a worker found out about itself.

    Attributes:
        threads: cells that it computes at a time.
        gpus: cells on GPUs that it computes at a time.
        shared: whether it sees the run folder.
        differences: versions that are not the driver's.
        problem: why it cannot plan the study, "" if it can.
        lacking: files of the manifest that it needs first.
        ingredients: what enters the keys of cells, as it has it.
        version: of the numbers of this kind of study.
        environment: versions, kernels and machine.
    """

    threads: int
    gpus: int
    shared: bool = False
    differences: Sequence[str] = ()
    problem: str = ""
    lacking: Sequence[SharedFile] = ()
    ingredients: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    version: int = 0
    environment: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Unit:
    """Cells that a worker computes one after the other.

    Attributes:
        run: names the run.
        cells: in their order.
    """

    run: str
    cells: Sequence[Any]


@dataclass(frozen=True)
class Computed:
    """What became of a unit.

    Attributes:
        records: sealed, of the first cells of the unit; the others were not begun.
        seconds: that each of these took.
        unprepared: whether the worker does not know the run, having been started anew.
    """

    records: Sequence[bytes] = ()
    seconds: Sequence[float] = ()
    unprepared: bool = False
