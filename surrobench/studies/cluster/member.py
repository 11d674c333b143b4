"""What runs inside a Dask worker: cells, in guarded processes that the worker lends out.

A Dask worker never computes a cell itself. For each of its threads it keeps a process of the local
engine (:class:`~surrobench.studies.engine.executor.GuardedProcess`) with its deadline, its memory
limit and its one thread, from unit to unit. These processes end with the run, with the worker, or
when nobody has asked for them for half a minute, as happens when a driver dies.

Foreign code (methods, plug-ins, tables) runs in these processes alone.
"""

from __future__ import annotations

import itertools
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from distributed import get_worker

from surrobench.studies.cluster.guarded import PLAN, RECORD
from surrobench.studies.cluster.job import UNIT_SECONDS, Computed, Examined, Job, Unit
from surrobench.studies.cluster.tables import SharedFile, write_chunk
from surrobench.studies.engine.executor import GuardedProcess
from surrobench.studies.engine.outcomes import record_of
from surrobench.studies.kinds import KINDS
from surrobench.studies.run_folder.environment import versions
from surrobench.studies.run_folder.record import Record
from surrobench.studies.run_folder.segments import seal
from surrobench.studies.run_folder.store import ResultStore

IDLE_SECONDS = 30.0
"""A process that has had nothing to do for so long is ended."""
_LOOK_SECONDS = 5.0

Going = Callable[[], bool]


class Member:
    """A run on this worker: its processes, and where its files lie.

    Args:
        job: the run.
        here: folder of this Dask worker for temporary files.
    """

    def __init__(self, job: Job, here: Path) -> None:
        self.job = job
        self.kind = KINDS[job.kind]
        self.shared = _sees(job)
        self.folder = Path(job.folder) if self.shared else here / f"surrobench-{job.run[:12]}"
        self.store = ResultStore(self.folder) if self.shared else None
        self.moved = False
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._idle: list[tuple[float, GuardedProcess[Any]]] = []
        self._closed = False

    @contextmanager
    def process(self) -> Iterator[GuardedProcess[Any]]:
        """A process for this thread: one that is idle, or a new one."""
        with self._lock:
            found = self._idle.pop()[1] if self._idle else None
        if found is None:
            logs = self.folder / "logs"
            logs.mkdir(parents=True, exist_ok=True)
            worker = get_worker()
            name = f"worker-{platform.node()}-{worker.id[-8:]}-{next(self._numbers)}.log"
            found = GuardedProcess(
                self.kind.worker_target, self.job.limits, logs / name, {}, self.job.path
            )
        try:
            yield found
        except BaseException:
            found.close()
            raise
        with self._lock:
            if not self._closed:
                self._idle.append((time.monotonic(), found))
                return
        found.close()

    def end_idle(self, before: float) -> None:
        """End processes that have been idle since before a moment of the monotonic clock."""
        with self._lock:
            ended = [one for since, one in self._idle if since < before]
            self._idle = [pair for pair in self._idle if pair[0] >= before]
        for one in ended:
            one.close()

    def close(self) -> None:
        """End all processes, those that are lent out as soon as they come back."""
        self._closed = True
        self.end_idle(float("inf"))

    def cell(self, cell: Any) -> Any:
        """A cell as this machine finds its data and keeps its checkpoints."""
        if self.moved and self.job.manifest is not None:
            cell = self.job.manifest.cell(cell)
        changed: dict[str, Any] = {"base": self.job.base}
        if hasattr(cell, "scratch"):
            changed["scratch"] = str(self.folder / "unfinished")
        return replace(cell, **changed)

    def compute(self, cells: Unit, going: Going) -> Computed:
        """Compute cells one after the other until a unit's time is over."""
        records: list[bytes] = []
        seconds: list[float] = []
        end = time.monotonic() + UNIT_SECONDS
        with self.process() as process:
            for cell in cells.cells:
                if records and time.monotonic() >= end:
                    break
                started = time.monotonic()
                record = self._record(process, self.cell(cell), going)
                if record is None:
                    break
                records.append(self._kept(record))
                seconds.append(time.monotonic() - started)
        return Computed(records, seconds)

    def _record(self, process: GuardedProcess[Any], cell: Any, going: Going) -> Record | None:
        outcome = process.run(cell, going=going)
        if outcome is None or outcome.ending == "done":
            return None if outcome is None else record_of(self.kind, outcome)
        for salvage in (True, False):  # building a method may be what goes wrong
            item = (self.job.kind, outcome, salvage)
            ended = process.run(item, RECORD, going=going)
            if ended is None:
                return None
            if ended.ending == "done":
                return record_of(self.kind, ended)
        return record_of(self.kind, outcome, salvage=False)

    def _kept(self, record: Record) -> bytes:
        """The sealed record; in the run folder too, if this worker sees it."""
        content = seal(record)
        if self.store is not None:
            with suppress(OSError):  # the driver will tell of a full disk
                self.store.keep(record.key, content)
        return content


def _sees(job: Job) -> bool:
    """Whether the run folder is there, and not another one of the same name."""
    with suppress(OSError, ValueError):
        return (Path(job.folder) / job.token).read_text(encoding="utf-8") == job.run
    return False


_MEMBERS: dict[str, Member] = {}
_LOCK = threading.Lock()


def _member(job: Job) -> Member:
    with _LOCK:
        member = _MEMBERS.get(job.run)
        if member is None:
            first = not _MEMBERS
            member = _MEMBERS[job.run] = Member(job, Path(get_worker().local_directory))
            if first:
                threading.Thread(target=_tidy, daemon=True).start()
        member.job = job
        return member


def _tidy() -> None:
    """End idle processes now and then, as long as there are runs."""
    while _MEMBERS:
        time.sleep(_LOOK_SECONDS)
        for member in list(_MEMBERS.values()):
            member.end_idle(time.monotonic() - IDLE_SECONDS)


def _going() -> Going:
    """Whether somebody still waits for the task that runs in this thread.

    Dask cannot interrupt a thread, but it notes when a task was cancelled, or its client is gone.
    """
    worker = get_worker()
    key = worker.get_current_task()

    def going() -> bool:
        task = worker.state.tasks.get(key)
        wanted = task is not None and task.state in ("executing", "long-running")
        return wanted and worker.status.name in ("running", "paused", "closing_gracefully")

    return going


def examine(job: Job) -> Examined:
    """Find out whether this worker would compute the same numbers as the driver.

    It plans the study itself, in a guarded process, from the data and the code that it has.
    """
    worker = get_worker()
    gpus = int(worker.state.total_resources.get("GPU", 0))
    threads = int(worker.state.nthreads)
    mine = versions()
    wrong = [
        f"{name} {mine.get(name, 'missing')} instead of {wanted}"
        for name, wanted in job.versions.items()
        if mine.get(name) != wanted
    ]
    if wrong:
        return Examined(threads, gpus, differences=wrong)
    member = _member(job)
    lacking = [] if job.manifest is None else job.manifest.lacking()
    if lacking:
        return Examined(threads, gpus, member.shared, lacking=lacking)
    study = job.study
    member.moved = job.manifest is not None
    if job.manifest is not None:
        study = job.manifest.study(study)
    with member.process() as process:
        found = process.run((job.kind, study, job.base), PLAN, going=_going(), timed=False)
    if found is None:
        return Examined(threads, gpus, member.shared, problem="the examination was broken off")
    if found.ending != "done":
        problem = str(found.value).strip().splitlines()[-1]
        return Examined(threads, gpus, member.shared, problem=problem)
    problem, ingredients, version, environment = found.value
    return Examined(
        threads,
        gpus,
        member.shared,
        problem=problem,
        ingredients=ingredients,
        version=version,
        environment=environment,
    )


def receive(job: Job, file: SharedFile, offset: int, chunk: bytes) -> bool:
    """Take in a part of a file of the study; whether it is whole now."""
    assert job.manifest is not None
    return write_chunk(job.manifest, file, offset, chunk)


def compute(unit: Unit) -> Computed:
    """Compute a unit, as far as its time goes."""
    member = _MEMBERS.get(unit.run)
    if member is None:
        return Computed(unprepared=True)
    return member.compute(unit, _going())


def dismiss(run: str) -> None:
    """The run is over here."""
    with _LOCK:
        member = _MEMBERS.pop(run, None)
    if member is not None:
        member.close()
