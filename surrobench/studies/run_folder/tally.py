"""What a run folder holds of what was asked for: counts, damage, and one hash of the numbers.

The hash is that of :func:`~surrobench.studies.run_folder.store.payload_digest` over the cells that
the folder's plan names. Into it go, of every cell with a record, its key (a hash of everything that
its numbers depend on: versions of the numbers, data, method with all options, protocol, seed) and
its scores with the names of task, method and settings; of a cell that ended without numbers, its
key and status. Nothing else does: no timings (measured seconds of live trainings among them), no
host, threads, kernels or versions of packages, no paths, no order, no reasons. So the hash is the
same for any number of workers, any order, any engine and any shards merged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from surrobench.studies.run_folder.contents import Contents
from surrobench.studies.run_folder.plan_file import PlannedCells, read_plan_file
from surrobench.studies.run_folder.record import Record, Status, is_failure
from surrobench.studies.run_folder.store import ResultStore, digest_in_order


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
    def of(cls, folder: Path, seen: Callable[[Record], None] = lambda record: None) -> Tally:
        """Read and verify everything in a run folder.

        Args:
            folder: of the run.
            seen: is called with every record of the plan's cells.
        """
        store = ResultStore(folder)
        return cls.count(store, read_plan_file(folder), store.check(), seen=seen)

    @classmethod
    def count(
        cls,
        store: ResultStore,
        planned: PlannedCells,
        found: Contents,
        damaged: Iterable[Path] | None = None,
        seen: Callable[[Record], None] = lambda record: None,
    ) -> Tally:
        """Count what was checked already.

        Args:
            store: the run folder.
            planned: its plan.
            found: what is in it.
            damaged: files to tell of instead of those found.
            seen: is called with every record of the plan's cells.
        """
        kept = current(planned, found.statuses)

        def records() -> Iterator[Record]:
            for record in store.records(sorted(kept)):
                seen(record)
                yield record

        return cls(
            cells=len(planned.keys) or len(kept),
            finished=len(kept),
            failed=sum(map(is_failure, kept.values())),
            unavailable=sum(status == "unavailable" for status in kept.values()),
            damaged=tuple(found.corrupt if damaged is None else damaged),
            elsewhere=planned.elsewhere,
            digest=digest_in_order(records()),
        )


def current(planned: PlannedCells, statuses: Mapping[str, Status]) -> Mapping[str, Status]:
    """Those cells with a record that a folder's plan names; all, if it has no plan."""
    if not planned.is_known:
        return statuses
    keys = planned.keys.values()
    return {key: statuses[key] for key in keys if key in statuses}
