"""How a study is run, and where."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surrobench.studies.engine.retries import RetryRule
from surrobench.studies.kinds import AnyStudy
from surrobench.studies.run_folder.shards import Shard


@dataclass(frozen=True)
class RunSettings:
    """How a study is run; nothing here changes a number.

    Attributes:
        out: the run folder; by default ``runs/<study name>``, with the shard behind the name.
        workers: processes; by default one per usable core, or per device.
        limit: compute at most so many cells now.
        retry_failed: compute cells again that ended with another status than ``ok``.
        retry: which ways to end are tried again, also such of earlier runs, and how often.
        update: let cells replace those of the same name that were computed otherwise.
        devices: numbers of the CUDA GPUs to use; every worker sees one of them, in turn.
        shard: compute the cells of this shard alone.
        budget: seconds after which no further cell begins; those that have begun are finished, and
            every worker computes one at least.
        engine: ``"local"``, ``"dask"`` or a ``distributed.Client``.
        scheduler: address or file of a Dask scheduler, for ``"dask"``.
    """

    out: Path | None = None
    workers: int | None = None
    limit: int | None = None
    retry_failed: bool = False
    retry: RetryRule | None = None
    update: bool = False
    devices: tuple[int, ...] = ()
    shard: Shard | None = None
    budget: float | None = None
    engine: Any = "local"
    scheduler: str | None = None

    @property
    def processes(self) -> int:
        """Number of workers."""
        return self.workers or len(self.devices) or usable_cores()

    @property
    def environments(self) -> list[dict[str, str]]:
        """What the workers find in their environment: the GPU that each may see."""
        return [{"CUDA_VISIBLE_DEVICES": str(device)} for device in self.devices]

    def folder(self, study: AnyStudy) -> Path:
        """Where the run goes."""
        if self.out is not None:
            return self.out
        part = f"-shard-{self.shard.number}-of-{self.shard.count}" if self.shard else ""
        return Path("runs") / (slug(study.name) + part)


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def slug(name: str) -> str:
    """A safe folder name: the name itself if it is one, else cleaned and with a hash."""
    clean = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:60]
    if clean == name and not re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name):
        return name
    return f"{clean or 'study'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
