"""What a run folder holds of what was asked for: counts, damage, and one hash of the numbers.

The hash is that of :func:`~surrobench.studies.store.payload_digest` over the cells that the
folder's plan names. Into it go, of every cell with a record, its key (a hash of everything that
its numbers depend on: versions of the numbers, data, method with all options, protocol, seed) and
its scores with the names of task, method and settings; of a cell that ended without numbers, its
key and status. Nothing else does: no timings (measured seconds of live trainings among them), no
host, threads, kernels or versions of packages, no paths, no order, no reasons. So the hash is the
same for any number of workers, any order, any engine and any shards merged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from surrobench.studies.plan_file import PlannedCells, read_plan_file
from surrobench.studies.record import Record
from surrobench.studies.store import ResultStore, payload_digest


@dataclass(frozen=True)
class Tally:
    """Counts of the cells of a run folder.

    Attributes:
        cells: that the folder's plan names (that it holds, if it has no plan).
        finished: of these, cells with an intact record.
        failed: of these, cells that ended without numbers.
        unavailable: of the finished, cells whose task lacks what their method needs.
        damaged: files that are not what was written.
        elsewhere: cells of the study that the folder, a part of it, was not asked for.
        digest: of the numbers.
    """

    cells: int
    finished: int
    failed: int
    unavailable: int
    damaged: tuple[Path, ...]
    elsewhere: int
    digest: str

    @property
    def missing(self) -> int:
        """Cells of the folder's plan without an intact record."""
        return self.cells - self.finished

    @property
    def study(self) -> int:
        """Cells of the study, of which the folder may hold a part."""
        return self.cells + self.elsewhere

    @classmethod
    def of(cls, folder: Path) -> Tally:
        """Read and verify everything in a run folder."""
        found = ResultStore(folder).scan()
        planned = read_plan_file(folder)
        return cls.count(planned, current(planned, found.records.values()), found.corrupt)

    @classmethod
    def count(
        cls, planned: PlannedCells, records: Iterable[Record], damaged: Iterable[Path] = ()
    ) -> Tally:
        """Count what was read already: records of the plan's cells."""
        kept = list(records)
        return cls(
            cells=len(planned.keys) or len(kept),
            finished=len(kept),
            failed=sum(record.failed for record in kept),
            unavailable=sum(record.status == "unavailable" for record in kept),
            damaged=tuple(damaged),
            elsewhere=planned.elsewhere,
            digest=payload_digest(kept),
        )


def current(planned: PlannedCells, records: Iterable[Record]) -> list[Record]:
    """The records that a folder's plan names; all, if it has no plan."""
    if not planned.keys and planned.whole is None:
        return list(records)
    wanted = set(planned.keys.values())
    return [record for record in records if record.key in wanted]
