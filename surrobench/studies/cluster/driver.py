"""The driver's side of a run on a Dask cluster: examine workers, deal out units, take records in.

Every unit is meant for one worker, which the driver has examined before: so a worker with other
versions, code or data computes nothing, one that joins late is used at once, and when one is lost
it is known which cells went with it. These are computed again. The scheduler holds no more than the
units that are being computed, one for each thread of the cluster.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrobench.base.atomic import TEMPORARY, write_atomically
from surrobench.base.wording import counted
from surrobench.errors import UserError, text_of
from surrobench.predictors.given import GivenPart
from surrobench.studies.cluster import member
from surrobench.studies.cluster.batches import Batches
from surrobench.studies.cluster.job import Computed, Examined, Job, Unit
from surrobench.studies.cluster.requests import Request, Requests
from surrobench.studies.cluster.tables import SharedFile, manifest_of, read_chunk
from surrobench.studies.engine.executor import Limits, Outcome, remove_empty_logs
from surrobench.studies.engine.outcomes import record_of
from surrobench.studies.kind import Kind
from surrobench.studies.kinds import AnyStudy, kind_of
from surrobench.studies.observer import RunObserver
from surrobench.studies.plan import Plan, PlannedCell
from surrobench.studies.run_folder.contents import read_file
from surrobench.studies.run_folder.environment import versions
from surrobench.studies.run_folder.kernels import numerical_kernels
from surrobench.studies.run_folder.plan_file import SINGULAR, difference
from surrobench.studies.run_folder.record import Record
from surrobench.studies.run_folder.run_files import add_environments
from surrobench.studies.run_folder.segments import CorruptRecordError, unseal
from surrobench.studies.run_folder.store import ResultStore
from surrobench.studies.stopping import RunStoppedError
from surrobench.tasks.catalogue import is_live

if TYPE_CHECKING:
    from distributed import Client

MOST_LOSSES = 3
"""A cell that was alone on so many workers when they were lost is not tried again."""
MOST_MISHAPS = 3
"""A worker that could not compute so many units one after the other gets no further one."""
_LOOK_SECONDS = 0.1


@dataclass
class _Worker:
    """A Dask worker as the driver knows it.

    Attributes:
        address: of the worker.
        threads: that it has.
        state: ``asked`` while it is examined, then ``ready`` or ``unfit``.
        gpus: cells on GPUs that it computes at a time.
        supplied: whether it gets the data of the study sent.
        units: what it computes at the moment.
        mishaps: units that went wrong, one after the other.
    """

    address: str
    threads: int
    state: str = "asked"
    gpus: int = 0
    supplied: bool = False
    units: dict[Request, Sequence[PlannedCell]] = field(default_factory=dict)
    mishaps: int = 0

    def on_gpu(self) -> int:
        """How many of its units are on GPUs."""
        return sum(needs_gpu(cells[0]) for cells in self.units.values())


def needs_gpu(cell: Any) -> bool:
    """Whether a cell trains on a CUDA GPU."""
    device = str(getattr(cell, "live", {}).get("device", ""))
    return is_live(cell.spec) and device.partition(":")[0] == "cuda"


class ClusterRun:
    """A run on a cluster.

    Args:
        client: of the cluster.
        study: what is run.
        base: folder that relative paths of cards start from.
        plan: of the study.
        todo: its cells that are to be computed.
        store: the run folder; this process holds it.
        limits: time and memory of one cell.
        most: cells that are computed at a time; None for as many as the cluster can.
        observer: is told what a user should know.
        stop: asked ten times a second; once true, the run is broken off.
        more: asked before a unit is dealt out; once false, no further one is.
    """

    def __init__(
        self,
        client: Client,
        study: AnyStudy,
        base: Path,
        plan: Plan,
        todo: Sequence[PlannedCell],
        store: ResultStore,
        *,
        limits: Limits,
        most: int | None,
        observer: RunObserver,
        stop: Callable[[], bool],
        more: Callable[[], bool],
    ) -> None:
        self._plan, self._store, self._observer = plan, store, observer
        self._study, self._base = study, base.absolute()
        self._kind: Kind = kind_of(study)
        self._most, self._stop, self._more = most or sys.maxsize, stop, more
        self._job = _job(study, self._base, store.folder.absolute(), limits)
        self._supplied_job: Job | None = None
        self._files: Mapping[str, Path] = {}
        self._requests = Requests(client, f"surrobench-{self._job.run[:12]}")
        self._queues = {on_gpu: self._batches(todo, on_gpu) for on_gpu in (True, False)}
        self._workers: dict[str, _Worker] = {}
        self._first: frozenset[str] | None = None
        self._refused: dict[str, str] = {}
        self._losses: Counter[str] = Counter()
        self._found: list[Record] = []
        self._told: set[str] = set()
        self._begun = False

    def _batches(self, todo: Sequence[PlannedCell], on_gpu: bool) -> Batches[PlannedCell]:
        cells = [cell for cell in todo if needs_gpu(cell) == on_gpu]
        return Batches(cells, [self._kind.cost(cell, self._plan.work[cell.task]) for cell in cells])

    def records(self) -> Iterator[Record]:
        """Compute the cells; records come as units end.

        Raises:
            UserError: if a worker that is there at the start has other versions, code or data.
            RunStoppedError: if the scheduler is lost, or no worker is left that can compute.
        """
        self._store.pack()  # whatever lies in files of its own from now on is of this run
        token = self._store.folder / self._job.token
        write_atomically(token, self._job.run.encode())
        try:
            while not self._stop():
                if not self._requests.alive():
                    raise _scheduler_is_lost()
                self._look_around()
                self._judge()
                self._deal()
                yield from self._records_found()
                if self._is_over():
                    return
                self._settle()
        finally:
            self._leave(token)

    def _records_found(self) -> Iterator[Record]:
        found, self._found = self._found, []
        yield from found

    def _is_over(self) -> bool:
        if any(worker.units for worker in self._workers.values()):
            return False
        nobody = not self._workers
        return not self._left or ((self._begun or nobody) and not self._more())

    @property
    def _left(self) -> int:
        """Cells that nobody computes yet."""
        return sum(len(line) for line in self._queues.values())

    def _tell_once(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            self._observer.note(message)

    # Which workers there are

    def _look_around(self) -> None:
        """Notice workers that came or went."""
        there = self._requests.workers()
        if there is None:
            return
        if self._first is None:
            self._first = frozenset(there)
        if not there:
            self._tell_once("there is no Dask worker; waiting for one")
        for address in self._workers.keys() - there.keys():
            self._lose(self._workers.pop(address))
        for address, threads in there.items():
            if address not in self._workers:
                self._workers[address] = _Worker(address, threads)
                self._examine(self._workers[address])

    def _lose(self, worker: _Worker) -> None:
        """Take back what a worker was computing when it was lost."""
        self._requests.drop(worker.address)
        for line in self._queues.values():
            line.forget(worker.address)
        cells = [cell for unit in worker.units.values() for cell in unit]
        if cells:
            self._observer.note(
                f"the Dask worker {worker.address} was lost; {counted(len(cells), 'cell')} that it "
                "had will be computed by others unless finished"
            )
        for unit in worker.units.values():
            self._put_back(unit)

    def _put_back(self, cells: Sequence[PlannedCell]) -> None:
        """Let cells of a worker that was lost be computed again, one by one.

        One that was alone may be what it was lost to. Those that a worker has finished and written
        are not lost.
        """
        again = []
        for cell in cells:
            with suppress(FileNotFoundError, CorruptRecordError):
                self._found.append(read_file(self._store.path(cell.key), cell.key))
                continue
            self._losses[cell.key] += len(cells) == 1
            if self._losses[cell.key] < MOST_LOSSES:
                again.append(cell)
                continue
            why = f"the Dask worker that computed it was lost, {MOST_LOSSES} times"
            self._found.append(record_of(self._kind, Outcome(cell, "died", why, 0.0)))
        self._wait_again(again, alone=True)

    def _wait_again(self, cells: Sequence[PlannedCell], *, alone: bool = False) -> None:
        for on_gpu, line in self._queues.items():
            line.put_back([cell for cell in cells if needs_gpu(cell) == on_gpu], alone=alone)

    # Whether they would compute the same

    def _examine(self, worker: _Worker) -> None:
        worker.state = "asked"
        job = self._supplied_job if worker.supplied else self._job
        ask = partial(self._examined, worker)
        self._requests.send(
            worker.address, ask, partial(self._unasked, worker), member.examine, job
        )

    def _unasked(self, worker: _Worker, error: BaseException) -> None:
        why = f"cannot run surrobench: {type(error).__name__}: {text_of(error)}"
        self._refuse(worker, f"{why}. Install surrobench {self._job.versions['surrobench']} there")

    def _examined(self, worker: _Worker, found: Examined) -> None:
        worker.threads, worker.gpus = found.threads, found.gpus
        problem = found.problem or (not found.lacking and self._differing(found))
        if found.differences:
            self._refuse(worker, "has " + ", ".join(found.differences))
        elif found.lacking:
            self._supply(worker, list(found.lacking), 0)
        elif not problem:
            worker.state = "ready"
            self._welcome(found.environment)
        elif worker.supplied:
            self._refuse(worker, f"would not compute this study: {problem}")
        else:
            self._send_data(worker, str(problem))

    def _welcome(self, environment: Mapping[str, Any]) -> None:
        """Keep what a worker computes with; tell if its processor is of another kind."""
        add_environments(self._store.folder, [dict(environment)])
        mine = numerical_kernels()
        other = {
            f"{name}: {kernel} instead of {mine.get(name)}"
            for name, kernel in environment["kernels"].items()
            if mine.get(name) != kernel
        }
        if other:
            self._tell_once(
                "Dask workers compute with other kernels than this machine, so numbers may differ "
                "in their last digits (" + "; ".join(sorted(other)) + ")"
            )

    def _differing(self, found: Examined) -> str:
        """What of the study is not the same over there."""
        said = []
        if found.version != self._plan.version:
            said.append("its numbers are of another version")
        for kind, values in found.ingredients.items():
            mine = self._plan.ingredients[kind]
            for name, value in values.items():
                if mine.get(name) != value:
                    said.append(difference(SINGULAR[kind], name, mine.get(name, "null"), value))
        lost = self._plan.ingredients["tasks"].keys() - found.ingredients.get("tasks", {}).keys()
        return "; ".join([*said, *(f"task {name!r} is missing" for name in sorted(lost))])

    def _send_data(self, worker: _Worker, problem: str) -> None:
        """Have a worker that cannot plan the study look at the list of its files."""
        if self._supplied_job is None:
            try:
                manifest, self._files = manifest_of(self._study, self._base)
            except UserError as error:
                self._refuse(worker, f"would not compute this study: {problem} ({error})")
                return
            self._supplied_job = replace(self._job, manifest=manifest)
        worker.supplied = True
        self._examine(worker)

    def _supply(self, worker: _Worker, files: Sequence[SharedFile], offset: int) -> None:
        """Send the next part of the first of some files."""
        chunk = read_chunk(self._files[files[0].name], offset)
        self._requests.send(
            worker.address,
            partial(self._supplied, worker, files, offset + len(chunk)),
            partial(self._unasked, worker),
            member.receive,
            self._supplied_job,
            files[0],
            offset,
            chunk,
        )

    def _supplied(
        self, worker: _Worker, files: Sequence[SharedFile], offset: int, whole: bool
    ) -> None:
        if not whole:
            self._supply(worker, files, offset)
        elif files[1:]:
            self._supply(worker, files[1:], 0)
        else:
            self._examine(worker)

    def _refuse(self, worker: _Worker, why: str) -> None:
        worker.state = "unfit"
        self._refused[worker.address] = f"the Dask worker {worker.address} {why}"

    def _judge(self) -> None:
        """Stop before the first cell if workers of the start are unfit; leave later ones alone.

        Raises:
            UserError: naming every such worker and what is wrong with it.
            RunStoppedError: if nobody is left who could go on.
        """
        if not self._begun:
            if self._first is None or self._asking():
                return
            if self._refused:
                raise UserError(
                    ".\n".join(self._refused.values()) + ".\nNothing was computed. All workers "
                    "need what this machine has: pip install the same versions, and the same files."
                )
        for sentence in self._refused.values():
            self._tell_once(f"{sentence}; it gets nothing to compute")
        states = {worker.state for worker in self._workers.values()}
        if self._begun and states == {"unfit"}:
            raise RunStoppedError(
                "\n".join(self._refused.values()) + "\nNo other Dask worker is left. Finished "
                "cells are kept; mend the workers and run the same command again."
            )

    def _asking(self) -> bool:
        """Whether workers of the start are still being examined."""
        assert self._first is not None
        known = (self._workers.get(address) for address in self._first)
        return any(worker is not None and worker.state == "asked" for worker in known)

    # Units

    def _deal(self) -> None:
        """Give every free thread of the cluster a unit."""
        if self._first is None or (not self._begun and self._asking()):
            return
        ready = [worker for worker in self._workers.values() if worker.state == "ready"]
        slots = min(self._most, sum(worker.threads for worker in ready))
        busy = sum(len(worker.units) for worker in ready)
        if self._queues[True] and ready and not any(worker.gpus for worker in ready):
            self._tell_once(
                "no Dask worker offers a GPU; start one with: dask worker … --resources GPU=1"
            )
        for worker in ready:
            while len(worker.units) < worker.threads and busy < slots:
                if not self._left or (self._begun and not self._more()):
                    return
                if not self._give(worker, slots):
                    break
                busy += 1

    def _give(self, worker: _Worker, slots: int) -> bool:
        """Give a worker one unit, if there is one for it."""
        on_gpu = bool(self._queues[True]) and worker.gpus > worker.on_gpu()
        cells = self._queues[on_gpu].take(worker.address, slots)
        if not cells:
            return False
        self._begun = True
        request = self._requests.send(
            worker.address,
            partial(self._computed, worker, cells),
            partial(self._went_wrong, worker, cells),
            member.compute,
            Unit(self._job.run, cells),
            resources={"GPU": 1} if on_gpu else None,
        )
        worker.units[request] = cells
        return True

    def _computed(self, worker: _Worker, cells: Sequence[PlannedCell], found: Computed) -> None:
        worker.mishaps = 0
        if found.unprepared:  # it was started anew under the same address
            self._examine(worker)
        for cell, content, seconds in zip(cells, found.records, found.seconds, strict=False):
            self._queues[needs_gpu(cell)].learn(cell, seconds)
            self._found.append(unseal(content))
        self._wait_again(cells[len(found.records) :])

    def _went_wrong(
        self, worker: _Worker, cells: Sequence[PlannedCell], error: BaseException
    ) -> None:
        worker.mishaps += 1
        if worker.mishaps == MOST_MISHAPS:
            self._refuse(worker, f"computes nothing: {type(error).__name__}: {text_of(error)}")
        self._put_back(cells)

    def _settle(self) -> None:
        """Take in what workers have answered; wait a moment if nothing is there."""
        for request, answer in self._requests.answers(_LOOK_SECONDS):
            worker = self._workers.get(request.address)
            if worker is not None:
                worker.units.pop(request, None)
            request.settle(answer)

    def _leave(self, token: Path) -> None:
        """Have nobody compute for this run any more."""
        ready = [worker.address for worker in self._workers.values() if worker.state == "ready"]
        self._requests.close(ready, member.dismiss, self._job.run)
        with suppress(OSError):
            token.unlink(missing_ok=True)
        remove_empty_logs(self._store.folder / "logs")
        with suppress(OSError):  # a search is unfinished, or there was none
            (self._store.folder / "unfinished").rmdir()


def _scheduler_is_lost() -> RunStoppedError:
    return RunStoppedError(
        "the Dask scheduler is gone. Finished cells are kept; start one and run the same command "
        "again, or leave out --engine and --scheduler to go on with this machine."
    )


def _job(study: AnyStudy, base: Path, folder: Path, limits: Limits) -> Job:
    run = secrets.token_hex(16)
    return Job(
        run=run,
        kind=kind_of(study).name,
        study=_sample(study),
        base=str(base),
        limits=limits,
        folder=str(folder),
        token=f"{TEMPORARY}dask-{run[:12]}",  # swept by the next run if this one is killed
        path=tuple(os.path.abspath(entry) for entry in (*sys.path, os.getcwd())),
        versions=versions(),
    )


def _sample(study: AnyStudy) -> AnyStudy:
    """The study with one seed, and without predictors that cannot leave this process."""
    changed: dict[str, Any] = {"seeds": study.seeds[:1]}
    if study.predictors:
        changed["predictors"] = [one for one in study.predictors if not _is_bound(one)]
    return study.model_copy(update=changed)


def _is_bound(choice: Any) -> bool:
    use = getattr(choice, "use", "")
    return isinstance(use, GivenPart) and use.is_bound
