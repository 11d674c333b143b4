"""The run folder: one atomic, checksummed file per finished cell.

::

    runs/<study>/
      cells/<2 hex>/<key>.json   {"sha256": "...", "record": {...}}: the truth
      plan.json                  what was asked for (keys and names of all cells)
      study.toml                 the study, every field spelt out
      environment.json           versions, threads and machine
      results.parquet            a view, one row per cell or evaluation; rebuilt from the cells
      results.parquet.sha256     its checksum, as for every file here that has no seal inside
      fronts.csv                 the true fronts, for searches with several objectives
      unfinished/<key>.json      the state of a search that was cut off; run again, it goes on
      report/                    report.html, report.md, LaTeX, figures/, tables/
      corrupt/                   damaged cell files, set aside
      logs/                      what the workers printed

A cell file appears by rename after fsync, so it is either absent or whole; its first field is the
SHA-256 of the rest, so a changed byte is noticed.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from surrobench import sealed
from surrobench.atomic import TEMPORARY, write_atomically
from surrobench.errors import UserError
from surrobench.studies.record import Record, canonical_json, decode_record, encode_record


class CorruptRecordError(ValueError):
    """A cell file whose bytes are not what was written."""


def seal(record: Record) -> bytes:
    """The bytes of a cell file."""
    return sealed.seal(encode_record(record).encode(), "record")


def unseal(content: bytes) -> Record:
    """The record in the bytes of a cell file.

    Raises:
        CorruptRecordError: if a single byte differs from what was written.
    """
    try:
        return decode_record(sealed.unseal(content, "record"))
    except sealed.DamagedError as error:
        raise CorruptRecordError(str(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptRecordError(f"not a record: {error}") from error


@dataclass
class Scan:
    """What a look at the cell files found."""

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
            yield
        finally:
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
        """Where the cell with that key lies."""
        return self.cells / key[:2] / f"{key}.json"

    def write(self, record: Record) -> None:
        """Keep a record: once this returns it survives the death of this process."""
        write_atomically(self.path(record.key), seal(record))

    def finished_keys(self) -> set[str]:
        """Keys of all finished cells, from the file names alone."""
        return {
            name.removesuffix(".json")
            for _, name in self._files()
            if not name.startswith(TEMPORARY)
        }

    def scan(self, keys: Iterable[str] | None = None) -> Scan:
        """Read and verify every cell file (or only those with the given keys)."""
        found = Scan()
        wanted = None if keys is None else set(keys)
        for folder, name in self._files():
            key = name.removesuffix(".json")
            if name.startswith(TEMPORARY) or (wanted is not None and key not in wanted):
                continue
            path = f"{folder}/{name}"
            try:
                found.records[key] = _read(path, key)
            except CorruptRecordError:
                found.corrupt.append(Path(path))
        return found

    def read(self, key: str) -> Record:
        """Read and verify one cell.

        Raises:
            FileNotFoundError: if it is not there.
            CorruptRecordError: if it is not what was written.
        """
        return _read(str(self.path(key)), key)

    def set_aside(self, damaged: Iterable[Path]) -> list[Path]:
        """Move damaged files to ``corrupt/``, so that their cells run again."""
        moved = []
        for path in damaged:
            target = self.folder / "corrupt" / path.name
            target.parent.mkdir(exist_ok=True)
            os.replace(path, target)
            moved.append(target)
        return moved

    def sweep(self) -> int:
        """Remove temporary files that a killed run left; only while holding the lock."""
        leftovers = [
            Path(folder, name) for folder, name in self._files() if name.startswith(TEMPORARY)
        ]
        leftovers += self.folder.glob(f"{TEMPORARY}*")
        for path in leftovers:
            path.unlink(missing_ok=True)
        return len(leftovers)

    def _files(self) -> Iterator[tuple[str, str]]:
        """Folder and name of every file under ``cells``."""
        if not self.cells.is_dir():
            return
        with os.scandir(self.cells) as shards:
            folders = sorted(shard.path for shard in shards if shard.is_dir())
        for folder in folders:
            for name in os.listdir(folder):
                yield folder, name


def _read(path: str, key: str) -> Record:
    with open(path, "rb", buffering=0) as file:
        record = unseal(file.read())
    if record.key != key:
        raise CorruptRecordError(f"the file holds the cell {record.key}")
    return record


def _describe_holder(path: Path) -> str:
    try:
        info = json.loads(path.read_text())
        return f"process {info['pid']} on {info['host']}, since {info['started']}"
    except (OSError, ValueError, KeyError):
        return "an unknown process"


def payload_digest(records: Iterable[Record]) -> str:
    """One hash of all that is reproducible in a set of records, whatever their order.

    What enters of a record is its key and its :attr:`~surrobench.studies.record.Record.numbers`.
    """
    digest = hashlib.sha256()
    for record in sorted(records, key=lambda record: record.key):
        digest.update(f"{record.key}{canonical_json(record.numbers)}\n".encode())
    return digest.hexdigest()
