"""The run folder: what is finished is kept, and whoever changes a byte of it is found out.

::

    runs/<study>/
      cells/<2 hex>/<key>.json   {"sha256": "...", "record": {...}}: a cell that has just finished
      segments/<number>.jsonl    thousands of these in one file, see :mod:`.segments`
      plan.json                  what was asked for (keys and names of all cells)
      study.toml                 the study, every field spelt out
      environment.json           versions, threads and machine
      results.parquet            a view, one row per cell or evaluation; rebuilt from the records
      results.parquet.sha256     its checksum, as for every file here that has no seal inside
      fronts.csv                 the true fronts, for searches with several objectives
      predictions/<key>.parquet  of the cells that a report shows (no part of the results)
      unfinished/<key>.json      the state of a search that was cut off; run again, it goes on
      report/                    report.html, report.md, LaTeX, figures/, tables/
      corrupt/                   damaged records, set aside
      logs/                      what the workers printed

A record is first a file of its own, which appears by rename after fsync, so it is either absent or
whole; any process may write one. Whoever holds the folder packs them into segments, a thousand at a
time and the rest when the run ends: a segment appears in the same way, and only then the files that
it took in go. A process that dies in between leaves records twice, and both are the same. Runs of
earlier versions have files alone and are packed when they go on.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from surrobench.base.atomic import TEMPORARY, write_atomically
from surrobench.base.failpoints import failpoint
from surrobench.errors import UserError
from surrobench.studies.run_folder.contents import (
    Contents,
    Snapshot,
    intact_lines,
    read_file,
    record_folders,
    set_aside,
)
from surrobench.studies.run_folder.key_list import KeyList, Numbers
from surrobench.studies.run_folder.record import Record, canonical_json
from surrobench.studies.run_folder.segments import (
    SEGMENT_BYTES,
    CorruptRecordError,
    Line,
    Segment,
    in_portions,
    next_path,
    seal,
    unseal,
    write_segment,
)

__all__ = ["CorruptRecordError", "ResultStore", "Scan", "payload_digest", "seal", "unseal"]

PACK_RECORDS = 1000
"""So many files of their own are packed while a run goes on."""


@dataclass
class Scan:
    """What a look at all records found."""

    records: dict[str, Record] = field(default_factory=dict)
    corrupt: list[Path] = field(default_factory=list)


class ResultStore:
    """Reads and writes the cells of one run folder.

    Args:
        folder: the run folder; it is made on the first write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cells = folder / "cells"
        self.segments = folder / "segments"
        self._held = False
        self._unpacked = self._unpacked_bytes = 0
        self._snapshot: Snapshot | None = None

    @property
    def exists(self) -> bool:
        """Whether the folder is one of a run."""
        return self.cells.is_dir() or self.segments.is_dir()

    def prepare(self) -> None:
        """Make the folder and try it out, before any work is done.

        Raises:
            UserError: if the folder cannot be written to.
        """
        try:
            self.cells.mkdir(parents=True, exist_ok=True)
            write_atomically(self.folder / f"{TEMPORARY}probe", b"")
            (self.folder / f"{TEMPORARY}probe").unlink()
        except OSError as error:
            reason = error.strerror or str(error)
            raise UserError(
                f"cannot write to the run folder {self.folder}: {reason}. "
                "Choose another one with --out FOLDER."
            ) from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for this process; the kernel frees it if the process dies.

        Raises:
            UserError: naming the process that holds it.
        """
        holder = self.folder / "lock-holder.json"
        lock = FileLock(self.folder / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise UserError(
                f"another surrobench is running in {self.folder} ({_describe_holder(holder)}). "
                "Wait for it, stop it, or choose another folder with --out FOLDER."
            ) from None
        started = time.strftime("%Y-%m-%d %H:%M:%S")
        info = {"pid": os.getpid(), "host": socket.gethostname(), "started": started}
        try:
            write_atomically(holder, canonical_json(info).encode())
            self._held = True
            yield
        finally:
            self._held = False
            holder.unlink(missing_ok=True)
            lock.release()

    def holder(self) -> str:
        """Who runs in this folder at the moment ("" if nobody)."""
        lock = FileLock(self.folder / ".lock", timeout=0)
        try:
            with lock:
                return ""
        except Timeout:
            return _describe_holder(self.folder / "lock-holder.json")
        except OSError:  # a read-only copy
            return ""

    def path(self, key: str) -> Path:
        """Where the cell with that key lies until it is packed."""
        return self.cells / key[:2] / f"{key}.json"

    def where(self, key: str) -> Path:
        """The file with the record of a cell; inside a segment ``<segment>/<key>.json``."""
        return self._look().where(key) or self.path(key)

    def write(self, record: Record) -> None:
        """Keep a record: once this returns it survives the death of this process.

        Any process may do so; the one that holds the folder also packs what has piled up.
        """
        content = seal(record)
        self.keep(record.key, content)
        self._unpacked += 1
        self._unpacked_bytes += len(content)
        if self._held and (self._unpacked >= PACK_RECORDS or self._unpacked_bytes >= SEGMENT_BYTES):
            self.pack()

    def keep(self, key: str, content: bytes) -> None:
        """Write the file of a sealed record, unless its very bytes are there already."""
        path = self.path(key)
        try:
            with open(path, "rb", buffering=0) as file:
                there = file.read() == content
        except FileNotFoundError:
            there = False
        if not there:
            write_atomically(path, content)

    def write_all(self, records: Iterable[Record]) -> int:
        """Keep many records at once, in segments; only while holding the lock (or a new folder).

        Each segment's records survive once it is full, the last ones when this returns.

        Returns:
            How many there were.
        """
        return self._append(Line.of(record) for record in records)

    def _look(self) -> Snapshot:
        self._snapshot = Snapshot(self.cells, self.segments)
        return self._snapshot

    def pack(self) -> None:
        """Move the files of single cells into segments; only while holding the lock.

        Damaged ones stay where they are.
        """
        self._unpacked = self._unpacked_bytes = 0
        self._append(intact_lines(self._look().loose))
        for folder in record_folders(self.cells):
            with suppress(OSError):  # something is in it
                os.rmdir(folder)

    def _append(self, lines: Iterable[Line]) -> int:
        """Write lines into segments, the first of them together with those of the last one."""
        snapshot = self._look()
        filling, count = _unfilled(snapshot), 0
        for portion in in_portions(lines):
            latest = {line.key: line for line in portion}
            taken = [] if filling is None else filling.lines(without=latest)
            write_segment(next_path(self.segments), [*taken, *latest.values()])
            failpoint("segment-written")
            if filling is not None:
                filling.path.unlink()
                filling = None
            failpoint("segment-replaced")
            for key in latest.keys() & snapshot.loose.keys():
                os.unlink(snapshot.loose[key])
            failpoint("records-packed")
            count += len(latest)
        self._snapshot = None
        return count

    def finished_keys(self) -> set[str]:
        """Keys of all finished cells; what is in the files is not checked."""
        return self._look().keys()

    def fingerprint(self) -> str:
        """Says which records there are, those in files of their own by what is in them."""
        snapshot = self._look()
        loose = (Path(path).read_bytes() for path in snapshot.loose.values())
        return " ".join([*snapshot.digests, *(hashlib.sha256(one).hexdigest() for one in loose)])

    def contents(self, keys: Iterable[str] | None = None) -> Contents:
        """How the cells ended that have a record (or only those given), without a check."""
        return self._look().contents(keys)

    def statuses_of(self, keys: KeyList) -> Numbers:
        """How cells ended, without a check: places in ``STATUSES``, or -1 (no record)."""
        return self._look().statuses_of(keys)

    def check(self, keys: Iterable[str] | None = None) -> Contents:
        """The same after a look at every byte, with what is damaged (of the given keys only)."""
        return self._look().check(keys)

    def scan(self, keys: Iterable[str] | None = None) -> Scan:
        """Read and verify every record (or only those with the given keys)."""
        found = self.check(keys)
        records = {record.key: record for record in self.records(found.statuses)}
        return Scan(records, found.corrupt)

    def records(self, keys: Iterable[str]) -> Iterator[Record]:
        """Read and verify the records of some cells, one after another; others are left out."""
        snapshot = self._look()
        for key in keys:
            try:
                yield snapshot.read(key)
            except FileNotFoundError:  # packed meanwhile, or not there at all
                with suppress(FileNotFoundError):
                    snapshot = self._look()
                    yield snapshot.read(key)

    def read(self, key: str) -> Record:
        """Read and verify one cell.

        Raises:
            FileNotFoundError: if it is not there.
            CorruptRecordError: if it is not what was written.
        """
        with suppress(FileNotFoundError):
            return read_file(self.path(key), key)
        if self._snapshot is not None:
            with suppress(FileNotFoundError):
                return self._snapshot.read(key)
        return self._look().read(key)

    def set_aside(self, damaged: Iterable[Path]) -> list[Path]:
        """Move what is damaged to ``corrupt/``, so that its cells run again."""
        self._snapshot = None
        return set_aside(damaged, self.folder / "corrupt")

    def sweep(self) -> int:
        """Remove temporary files that a killed run left; only while holding the lock."""
        places = [self.folder, self.segments, *map(Path, record_folders(self.cells))]
        leftovers = [path for place in places for path in place.glob(f"{TEMPORARY}*")]
        for path in leftovers:
            path.unlink(missing_ok=True)
        return len(leftovers)


def _unfilled(snapshot: Snapshot) -> Segment | None:
    """The last segment, if there is room in it and nothing in it is damaged."""
    last = snapshot.segments[-1] if snapshot.segments else None
    if last is None or last.path.stat().st_size >= SEGMENT_BYTES or last.damaged():
        return None
    return last if last.sound else None


def _describe_holder(path: Path) -> str:
    try:
        info = json.loads(path.read_text())
        return f"process {info['pid']} on {info['host']}, since {info['started']}"
    except (OSError, ValueError, KeyError):
        return "an unknown process"


def payload_digest(records: Iterable[Record]) -> str:
    """One hash of all that is reproducible in a set of records, whatever their order."""
    return digest_in_order(sorted(records, key=lambda record: record.key))


def digest_in_order(records: Iterable[Record]) -> str:
    """The same of records that come by their keys, without holding all of them.

    What enters of a record is its key and its
    :attr:`~surrobench.studies.run_folder.record.Record.numbers`.
    """
    digest = hashlib.sha256()
    for record in records:
        digest.update(f"{record.key}{canonical_json(record.numbers)}\n".encode())
    return digest.hexdigest()
