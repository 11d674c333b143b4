"""Segments of a run folder: the records of thousands of cells in one sealed file.

``segments/<number>.jsonl`` is, line by line::

    {"sha256":"…","segment":{"sha256":"…","keys":{…},"endings":[["ok",9]],"lengths":[…]}}
    {"sha256":"…","record":{…}}
    {"sha256":"…","record":{…}}

The first line is an index: which cells these are, how they ended, how many bytes each line has, and
the SHA-256 of all lines behind it. Every other line is what a cell file holds. So how far a run is
takes a look at first lines, a check of everything is one hash a file, and a changed byte costs the
record that it is in.

A segment appears by rename after fsync and never grows. What was computed later stands in one of
a higher number, and goes before what the others say of the same cell.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO

from surrobench.base import sealed
from surrobench.base.atomic import write_atomically
from surrobench.studies.run_folder.key_list import KeyList, in_runs, out_of_runs
from surrobench.studies.run_folder.record import Record, Status, decode_record, encode_record

SEGMENT_BYTES = 16 * 2**20
"""A segment gets no further record once it has so many bytes."""
_WHAT = "segment"
_BUFFER = 2**16


class CorruptRecordError(ValueError):
    """A record whose bytes are not what was written."""


def seal(record: Record) -> bytes:
    """A record as the bytes of a cell file, or a line of a segment."""
    return sealed.seal(encode_record(record).encode(), "record")


def unseal(content: bytes) -> Record:
    """The record in such bytes.

    Raises:
        CorruptRecordError: if a single byte differs from what was written.
    """
    try:
        return decode_record(sealed.unseal(content, "record"))
    except sealed.DamagedError as error:
        raise CorruptRecordError(str(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptRecordError(f"not a record: {error}") from error


@dataclass(frozen=True)
class Line:
    """A sealed record, with what the index says of it."""

    key: str
    status: Status
    content: bytes

    @classmethod
    def of(cls, record: Record) -> Line:
        """The line of a record."""
        return cls(record.key, record.status, seal(record))


def _endings(index: dict[str, Any]) -> list[tuple[Status, int]]:
    """Of an index, which said the status of each record in earlier versions."""
    if "statuses" in index:
        return in_runs(index["statuses"])
    return [(status, count) for status, count in index["endings"]]


class Segment:
    """One segment, its index read and checked.

    Args:
        path: of the file.

    Attributes:
        key_list: keys of its records, in the order of the lines.
        endings: how these cells ended, as runs of equal statuses.
        digest: SHA-256 of the lines behind the index, as the index says.
        sound: whether the index is what was written; if not, the lines were read instead.

    Raises:
        FileNotFoundError: if it is gone, because another one took its records in.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        with path.open("rb") as file:
            first = file.readline()
        try:
            index = json.loads(sealed.unseal(first, _WHAT))
        except sealed.DamagedError:
            self._salvage(path.read_bytes())
            return
        self.sound = True
        self.key_list = KeyList.read(index["keys"])
        self.endings: list[tuple[Status, int]] = _endings(index)
        self.digest: str = index["sha256"]
        self._starts = list(accumulate(index["lengths"], initial=len(first)))

    def _salvage(self, content: bytes) -> None:
        """Make up an index from the lines; those that are damaged are known by their number."""
        self.sound, self.digest = False, ""
        lines = [piece + b"\n" for piece in content.split(b"\n")]
        lines[-1:] = [lines[-1][:-1]] if lines[-1] != b"\n" else []
        if lines:  # the index, and what came to stand behind it if its end is what is damaged
            _, mark, behind = lines[0].rpartition(b'{"sha256":"')
            lines[:1] = [mark + behind] if b'"record":' in behind[:80] else []
        keys: list[str] = []
        statuses: list[Status] = []
        for number, line in enumerate(lines):
            try:
                record = unseal(line)
                key, status = record.key, record.status
            except CorruptRecordError:
                key, status = f"line-{number + 1}", "failed"
            keys.append(key)
            statuses.append(status)
        self.key_list, self.endings = KeyList(keys), in_runs(statuses)
        end = len(content)
        lengths = [len(line) for line in lines]
        self._starts = list(accumulate(lengths, initial=end - sum(lengths)))

    @property
    def keys(self) -> list[str]:
        """Of its records, in the order of the lines."""
        return self.key_list.texts

    @cached_property
    def statuses(self) -> list[Status]:
        """How these cells ended."""
        return out_of_runs(self.endings)

    def content(self, row: int) -> bytes:
        """The line of a row, unchecked."""
        if self._file is None:
            self._file = self.path.open("rb", buffering=_BUFFER)
        self._file.seek(self._starts[row])
        return self._file.read(self._starts[row + 1] - self._starts[row])

    def record(self, row: int) -> Record:
        """The record of a row.

        Raises:
            CorruptRecordError: if it is not what was written.
        """
        return read_record(self.keys[row], self.content(row))

    def line(self, row: int) -> Line:
        """The line of a row."""
        return Line(self.keys[row], self.statuses[row], self.content(row))

    def lines(self, without: Collection[str]) -> list[Line]:
        """Its lines but for those of some cells."""
        rows = range(len(self.keys))
        return [self.line(row) for row in rows if self.keys[row] not in without]

    def close(self) -> None:
        """Close the file; reading opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def damaged(self) -> list[int]:
        """Rows whose bytes are not what was written, after a look at every byte."""
        if self.sound:
            digest = hashlib.sha256()
            with self.path.open("rb") as file:
                file.seek(self._starts[0])
                while block := file.read(2**20):
                    digest.update(block)
            if digest.hexdigest() == self.digest:
                return []
        rows = [row for row in range(len(self.keys)) if not self._is_intact(row)]
        self.sound &= bool(rows)  # something stands there that is no record
        return rows

    def _is_intact(self, row: int) -> bool:
        try:
            self.record(row)
        except CorruptRecordError:
            return False
        return True


def read_record(key: str, content: bytes) -> Record:
    """The record of a cell in the bytes of its file or line.

    Raises:
        CorruptRecordError: if they are not what was written, or of another cell.
    """
    record = unseal(content)
    if record.key != key:
        raise CorruptRecordError(f"the record is of the cell {record.key}")
    return record


def write_segment(path: Path, lines: Sequence[Line]) -> None:
    """Write a segment, so that it survives this process and the machine."""
    body = b"".join(line.content for line in lines)
    index = {
        "sha256": hashlib.sha256(body).hexdigest(),
        "keys": KeyList(line.key for line in lines).written(),
        "endings": in_runs(line.status for line in lines),
        "lengths": [len(line.content) for line in lines],
    }
    head = sealed.seal(json.dumps(index, separators=(",", ":")).encode(), _WHAT)
    write_atomically(path, head + body)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # before what it took in is removed
    finally:
        os.close(descriptor)


def in_portions(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Lines as they fit into segments."""
    portion: list[Line] = []
    size = 0
    for line in lines:
        portion.append(line)
        size += len(line.content)
        if size >= SEGMENT_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def segment_paths(folder: Path) -> list[Path]:
    """The segments in a folder, the oldest first."""
    if not folder.is_dir():
        return []
    names = [name for name in os.listdir(folder) if name.endswith(".jsonl") and name[:1] != "."]
    return [folder / name for name in sorted(names)]


def next_path(folder: Path) -> Path:
    """The name of the next segment in a folder."""
    paths = segment_paths(folder)
    number = int(paths[-1].stem) + 1 if paths else 1
    return folder / f"{number:08d}.jsonl"
