"""A small study that is killed, damaged, shuffled and cut up; what comes of it is counted."""

from __future__ import annotations

import importlib.util
import itertools
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surrobench import run_study
from surrobench.base import failpoints
from surrobench.studies import runner
from surrobench.studies.engine.run_settings import RunSettings
from surrobench.studies.observer import Silent
from surrobench.studies.run_folder import store as storing
from surrobench.studies.run_folder.merging import merge
from surrobench.studies.run_folder.record import Record
from surrobench.studies.run_folder.store import ResultStore, seal
from surrobench.studies.run_folder.tally import Tally
from surrobench.studies.runner import run
from surrobench.studies.stopping import RunStoppedError

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from dask_cluster import DaskProcesses, dask_processes
from engine_clock import Clock
from in_process import compute_here

CARD = """\
name = "grid"
data = "grid.csv"
decisions = ["a", "b", "c"]

[tasks.value]
target = "value"
direction = "maximize"
unit = ""
"""
MISBEHAVED = """\
import os, signal, time
import numpy as np

class Line:
    def fit(self, X, y):
        time.sleep(0.004)
        self.weights = np.linalg.lstsq(X, y - y.mean(), rcond=None)[0]
        self.mean = y.mean() + 1e-3 * np.random.rand()

    def predict(self, X, return_std=False):
        mean = X @ self.weights + self.mean
        return (mean, np.ones(len(X))) if return_std else mean

class Raises(Line):
    def fit(self, X, y):
        raise RuntimeError("no")

class Dies(Line):
    def fit(self, X, y):
        os.kill(os.getpid(), signal.SIGKILL)

class Hangs(Line):
    def fit(self, X, y):
        while True:
            pass

class Eats(Line):
    def fit(self, X, y):
        self.heap = [np.ones(2**24) for _ in range(64)]
"""
PACKED_EVERY = 10
"""Records that are packed at once here, so that a run of 60 cells packs six times."""


@dataclass(frozen=True)
class Place:
    """Where the study lies; ``whole`` is an uninterrupted run of it."""

    folder: Path

    @property
    def whole(self) -> Path:
        return self.folder / "whole"

    @property
    def hash(self) -> str:
        return Tally.of(self.whole).digest


def study(**changes: Any) -> dict[str, Any]:
    """60 cells, 20 of which draw from the global generator and take some milliseconds."""
    content = {
        "kind": "prediction",
        "name": "faults",
        "tasks": ["grid.toml"],
        "predictors": ["constant", "knn", "misbehaved:Line"],
        "train_sizes": [4, 8, 12, 16],
        "seeds": 5,
    }
    return {**content, **changes}


def lay_out(folder: Path) -> Place:
    """Table, card and predictors, and the run that was not disturbed."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = itertools.product(range(4), repeat=3)
    rows = [f"{a},{b},{c},{2 * a - b + 0.3 * b * c}" for a, b, c in cells]
    (folder / "grid.csv").write_text("\n".join(["a,b,c,value", *rows]) + "\n")
    (folder / "grid.toml").write_text(CARD)
    (folder / "misbehaved.py").write_text(MISBEHAVED)
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    os.chdir(folder)
    with here():
        run_study(study(), out=folder / "whole")
    return Place(folder)


@contextmanager
def here() -> Iterator[None]:
    """Cells are computed in this process, and packed often."""
    before, packed = runner.execute, storing.PACK_RECORDS
    runner.execute, storing.PACK_RECORDS = compute_here, PACKED_EVERY
    try:
        yield
    finally:
        runner.execute, storing.PACK_RECORDS = before, packed


class Telling(Silent):
    """Tells a pipe of every cell that is kept."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def cell(self, record: Record) -> None:
        os.write(self._descriptor, record.key.encode())


def started(out: Path, *, workers: bool) -> tuple[int, int]:
    """A driver in a process of its own: its id, and where it tells of the cells that it kept."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    os.setsid()
    loaded = load_study_of(study())
    settings = RunSettings(out, 1)
    if workers:
        run(loaded, Path.cwd(), settings, Telling(writing))
    else:
        with here():
            run(loaded, Path.cwd(), settings, Telling(writing))
    os._exit(0)


def load_study_of(content: dict[str, Any]) -> Any:
    from surrobench.studies.kinds import kind_of

    return kind_of(content).build(content, "", "study")


def told(descriptor: int) -> set[str]:
    """The keys in a pipe whose writer is gone."""
    with os.fdopen(descriptor, "rb") as pipe:
        text = pipe.read().decode()
    return {text[at : at + 40] for at in range(0, len(text) - 39, 40)}


def resumed(place: Place, out: Path, kept: set[str]) -> dict[str, int]:
    """Look at what a dead driver left, go on, and compare."""
    store = ResultStore(out)
    found = store.check() if store.exists else None
    statuses = {} if found is None else found.statuses
    with here():
        run_study(study(), out=out)
    after = Tally.of(out)
    return {
        "equal": int(after.digest == place.hash and after.missing == 0),
        "lost": len(kept - statuses.keys()),
        "torn": 0 if found is None else len(found.corrupt),
        "finished": len(statuses),
    }


def kills(place: Place, count: int, with_workers: int, seed: int = 0) -> list[dict[str, Any]]:
    """SIGKILL the driver at random moments; the last ones have worker processes."""
    rng, rows = random.Random(seed), []
    lasting = [duration(place, workers=False), duration(place, workers=True) if with_workers else 0]
    for number in range(count):
        workers = number >= count - with_workers
        out = place.folder / f"killed-{number}"
        driver, pipe = started(out, workers=workers)
        time.sleep(rng.uniform(0, lasting[workers]))
        os.kill(driver, signal.SIGKILL)
        os.waitpid(driver, 0)
        rows.append({"workers": workers, **resumed(place, out, told(pipe))})
        shutil.rmtree(out)
    return rows


def duration(place: Place, *, workers: bool) -> float:
    """How long the driver lives if nobody kills it."""
    out, begun = place.folder / "timed", time.monotonic()
    driver, pipe = started(out, workers=workers)
    told(pipe)
    os.waitpid(driver, 0)
    shutil.rmtree(out)
    return time.monotonic() - begun


def deaths(place: Place) -> list[dict[str, Any]]:
    """Die at the first, a middle and the last pass of every failpoint."""
    rows = []
    for name, passes in passed(place).items():
        for number in sorted({1, (passes + 1) // 2, passes}):
            os.environ[failpoints.VARIABLE] = f"{name}:{number}"
            out = place.folder / "dead"
            driver, pipe = started(out, workers=False)
            del os.environ[failpoints.VARIABLE]
            kept = told(pipe)
            died = os.waitstatus_to_exitcode(os.waitpid(driver, 0)[1]) == 137
            rows.append({"at": f"{name}:{number}", "died": died, **resumed(place, out, kept)})
            shutil.rmtree(out)
    return rows


def passed(place: Place) -> dict[str, int]:
    """How often a run passes every failpoint."""
    failpoints._passed.clear()
    os.environ[failpoints.VARIABLE] = "nowhere"
    out = place.folder / "counted"
    with here():
        run_study(study(), out=out)
    del os.environ[failpoints.VARIABLE]
    shutil.rmtree(out)
    counts = {name: failpoints._passed[name] for name in failpoints.FAILPOINTS}
    failpoints._passed.clear()
    return counts


def flips(place: Place, count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Change one byte of a stored record: in segments, and in files of single records."""
    rng, rows = random.Random(seed), []
    packed, single = place.folder / "packed", place.folder / "single"
    shutil.copytree(place.whole, packed)
    shutil.copytree(place.whole, single)
    store = ResultStore(single)
    for key, record in store.scan().records.items():
        store.path(key).parent.mkdir(parents=True, exist_ok=True)
        store.path(key).write_bytes(seal(record))
    shutil.rmtree(store.segments)
    for number in range(count):
        source = packed if number % 2 else single
        out = place.folder / "flipped"
        shutil.copytree(source, out)
        files = sorted([*out.glob("cells/*/*.json"), *out.glob("segments/*.jsonl")])
        path = rng.choice(files)
        content = bytearray(path.read_bytes())
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        found = Tally.of(out)
        with here():
            run_study(study(), out=out)
        after = Tally.of(out)
        rows.append(
            {
                "in": "segment" if number % 2 else "file",
                "found": bool(found.damaged),
                "cells": found.missing,
                "equal": after.digest == place.hash and not after.damaged,
            }
        )
        shutil.rmtree(out)
    return rows


def hashes(place: Place) -> dict[str, str]:
    """Ways to compute the same study, and the hash of each; "" where one cannot be tried."""
    folder = place.folder
    found = {"uninterrupted, in one process": place.hash}
    for workers in (1, 2):
        run_study(study(), out=folder / f"workers-{workers}", workers=workers)
        found[f"{workers} worker{'s' * (workers > 1)}"] = Tally.of(
            folder / f"workers-{workers}"
        ).digest
    backwards = study(
        predictors=study()["predictors"][::-1], train_sizes=[16, 4, 12, 8], seeds=[4, 1, 0, 3, 2]
    )
    with here():
        run_study(backwards, out=folder / "shuffled")
        found["another order"] = Tally.of(folder / "shuffled").digest
        parts = [folder / f"part-{number}" for number in range(1, 5)]
        for number, part in enumerate(parts, start=1):
            run_study(study(), out=part, shard=f"{number}/4")
        merge(folder / "merged", parts[::-1])
        found["4 shards, merged"] = Tally.of(folder / "merged").digest
    return {**found, **dask_hashes(folder)}


HAS_DASK = importlib.util.find_spec("distributed") is not None


@contextmanager
def cluster(place: Path, workers: int) -> Iterator[tuple[DaskProcesses, Any]]:
    """A Dask cluster of so many workers of one thread on this machine, and a client of it."""
    from distributed import Client

    with dask_processes(place) as processes:
        processes.start_scheduler()
        for number in range(workers):
            processes.start_worker(f"worker-{number}")
        with Client(scheduler_file=str(processes.file), set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=120)
            yield processes, client


class Acting(Silent):
    """Does something once so many cells are kept."""

    def __init__(self, cells: int, act: Callable[[], object]) -> None:
        self._left, self._act = cells, act

    def cell(self, record: Record) -> None:
        self._left -= 1
        if self._left == 0:
            self._act()


def dask_hashes(folder: Path) -> dict[str, str]:
    """The same on a Dask cluster of two workers, undisturbed and disturbed."""
    names = ("Dask, 2 workers", "Dask, one of 2 workers killed",
             "Dask, its scheduler killed, resumed on this machine")  # fmt: skip
    if not HAS_DASK:
        return dict.fromkeys(names, "")
    runs = [folder / f"dask-{number}" for number in range(3)]
    loaded, base = load_study_of(study()), Path.cwd()
    with cluster(folder / "cluster", 2) as (processes, client):
        run(loaded, base, RunSettings(runs[0], engine=client))
        killing = Acting(10, lambda: processes.kill("worker-1"))
        run(loaded, base, RunSettings(runs[1], engine=client), killing)
        killing = Acting(10, lambda: processes.kill("scheduler"))
        try:
            run(loaded, base, RunSettings(runs[2], engine=client), killing)
        except RunStoppedError:
            assert 10 <= Tally.of(runs[2]).finished < 60
            with here():
                run_study(study(), out=runs[2])
    return {name: Tally.of(run).digest for name, run in zip(names, runs, strict=True)}


def misdeeds(place: Place, engine: Any = "local") -> list[dict[str, Any]]:
    """Predictors that raise, die, hang or eat, beside those that do not; with two workers."""
    names = ("Raises", "Dies", "Hangs", "Eats")
    wanted = {"Raises": "failed", "Dies": "failed", "Hangs": "timeout", "Eats": "oom"}
    bad = [f"misbehaved:{name}" for name in names]
    given = study(
        predictors=[*bad, "constant", "knn", "misbehaved:Line"], train_sizes=[8], seeds=2,
        timeout_seconds=20.0, memory_gib=2.0,
    )  # fmt: skip
    out = place.folder / ("bad" if engine == "local" else "bad-on-dask")
    frame = run_study(given, out=out, workers=2, engine=engine).set_index(["predictor", "seed"])
    alone = ResultStore(place.whole).scan().records
    beside = ResultStore(out).scan().records
    others = [key for key, record in beside.items() if record.payload["predictor"] not in bad]
    same = all(beside[key].payload == alone[key].payload for key in others)
    return [
        {
            "predictor": name.lower(),
            "status": "/".join(sorted(set(frame.loc[f"misbehaved:{name}", "status"]))),
            "as_expected": set(frame.loc[f"misbehaved:{name}", "status"]) == {wanted[name]},
            "others_untouched": same and len(others) == 6,
        }
        for name in names
    ]


def milliseconds_of_a_cell(place: Place, engine: Any, number: int) -> float:
    """Of the processor, for a cell that fits a mean to eight values, on one worker."""
    out, clock = place.folder / f"no-op-{engine != 'local'}-{number}", Clock(250)
    given = study(predictors=["constant"], train_sizes=[8], seeds=250)
    run(load_study_of(given), Path.cwd(), RunSettings(out, 1, engine=engine), clock)
    return clock.per_cell()[1]


def timed(work: Callable[[], object], repeats: int) -> float:
    """Median seconds of the processor."""
    taken = []
    for _ in range(repeats):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return sorted(taken)[repeats // 2]


def failed_of(rows: Sequence[dict[str, Any]], name: str) -> int:
    return sum(not row[name] for row in rows)
