"""What lies in a run folder: single records, and segments with many, the newest of each cell."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from surrobench.base.atomic import TEMPORARY, write_atomically
from surrobench.studies.run_folder.key_list import KeyList, Numbers, latest_of
from surrobench.studies.run_folder.record import STATUSES, Record, Status
from surrobench.studies.run_folder.segments import (
    CorruptRecordError,
    Line,
    Segment,
    read_record,
    segment_paths,
    write_segment,
)

_MOST_OPEN = 200
_TRIES = 20
_MOVED: Literal["moved"] = "moved"


@dataclass
class Contents:
    """How the cells of a run folder ended.

    Attributes:
        statuses: key of a cell with a record -> how it ended.
        corrupt: what is not as it was written: files of single records, segments, and records in
            segments (``<segment>/<key>.json``).
    """

    statuses: dict[str, Status] = field(default_factory=dict)
    corrupt: list[Path] = field(default_factory=list)


class Snapshot:
    """The records that lay in a run folder at one moment.

    Args:
        cells: folder of the files of single records.
        segments: folder of segments.

    Attributes:
        loose: key -> file of a single record.
        segments: the oldest first.
    """

    def __init__(self, cells: Path, segments: Path) -> None:
        # Records move from files into segments, so files are looked at first.
        self.loose = {
            name.removesuffix(".json"): f"{folder}/{name}"
            for folder in record_folders(cells)
            for name in os.listdir(folder)
            if not name.startswith(TEMPORARY)
        }
        self.segments = _opened(segments)
        self._rows: dict[str, int] = {}
        self._ends: list[int] = []
        self._open: OrderedDict[int, Segment] = OrderedDict()

    def keys(self) -> set[str]:
        """Of all cells that have a record."""
        return set(self.loose).union(*(segment.keys for segment in self.segments))

    @property
    def digests(self) -> list[str]:
        """What says whether the segments are the same as at another time."""
        return [segment.digest for segment in self.segments]

    def packed(self) -> Mapping[str, int]:
        """Keys of the records in segments, and at which place, counted over all segments."""
        if not self._rows:
            end = 0
            for segment in self.segments:
                self._rows.update(
                    zip(segment.keys, range(end, end + len(segment.keys)), strict=True)
                )
                end += len(segment.keys)
                self._ends.append(end)
        return self._rows

    def where(self, key: str) -> Path | None:
        """The file of a record; None if it has none."""
        if key in self.loose:
            return Path(self.loose[key])
        if key not in self.packed():
            return None
        return self._place(key)[0].path / f"{key}.json"

    def read(self, key: str) -> Record:
        """Read and verify one record.

        Raises:
            FileNotFoundError: if it is not there (any more).
            CorruptRecordError: if it is not what was written.
        """
        if key in self.loose:
            return read_file(self.loose[key], key)
        if key not in self.packed():
            raise FileNotFoundError(key)
        segment, row = self._place(key)
        return segment.record(row)

    def _place(self, key: str) -> tuple[Segment, int]:
        place = self._rows[key]
        number = bisect_right(self._ends, place)
        segment = self.segments[number]
        self._open[number] = segment
        self._open.move_to_end(number)
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)[1].close()
        return segment, place - (self._ends[number - 1] if number else 0)

    def contents(self, keys: Iterable[str] | None = None) -> Contents:
        """Statuses as the indices of segments tell them; files of single records are read."""
        found = Contents()
        for segment in self.segments:
            found.statuses.update(zip(segment.keys, segment.statuses, strict=True))
        self._add_loose(found, None if keys is None else set(keys))
        return _of(found, keys)

    def statuses_of(self, keys: KeyList) -> Numbers:
        """How cells ended, without a check: places in ``STATUSES``, -1 for those without a record.

        What :meth:`contents` says of them, told in a tenth of the time where there are many.
        """
        parts = [(segment.key_list, _places(segment.endings)) for segment in self.segments]
        loose = dict(self._loose_statuses(None))
        moved = [key for key, status in loose.items() if status == _MOVED]
        read = [(key, status) for key, status in loose.items() if status != _MOVED]
        ends = [-1 if status is None else STATUSES.index(status) for _, status in read]
        return latest_of(
            keys,
            [
                (KeyList(moved), np.full(len(moved), STATUSES.index("ok"))),
                *parts,
                (KeyList(key for key, _ in read), np.array(ends, dtype=np.int64)),
            ],
        )

    def check(self, keys: Iterable[str] | None = None) -> Contents:
        """The same after a look at every byte."""
        found = Contents()
        for segment in self.segments:
            rows = segment.damaged()
            found.statuses.update(zip(segment.keys, segment.statuses, strict=True))
            for row in rows:
                found.corrupt.append(segment.path / f"{segment.keys[row]}.json")
                found.statuses.pop(segment.keys[row], None)
            if not segment.sound:
                found.corrupt.append(segment.path)
        self._add_loose(found, None if keys is None else set(keys))
        return _of(found, keys)

    def _add_loose(self, found: Contents, wanted: set[str] | None) -> None:
        for key, status in self._loose_statuses(wanted):
            if status == _MOVED:
                found.statuses.setdefault(key, "ok")
            elif status is None:
                found.statuses.pop(key, None)
                found.corrupt.append(Path(self.loose[key]))
            else:
                found.statuses[key] = status

    def _loose_statuses(
        self, wanted: set[str] | None
    ) -> Iterator[tuple[str, Status | Literal["moved"] | None]]:
        """How the cells with files of their own ended; None for what is damaged."""
        for key, path in self.loose.items():
            if wanted is not None and key not in wanted:
                continue
            try:
                yield key, read_file(path, key).status
            except FileNotFoundError:  # packed meanwhile; it is finished all the same
                yield key, _MOVED
            except CorruptRecordError:
                yield key, None


def _places(endings: Iterable[tuple[Status, int]]) -> Numbers:
    runs = list(endings)
    return np.repeat([STATUSES.index(status) for status, _ in runs], [count for _, count in runs])


def _of(found: Contents, keys: Iterable[str] | None) -> Contents:
    if keys is not None:
        statuses = found.statuses
        found.statuses = {key: statuses[key] for key in keys if key in statuses}
    return found


def _opened(folder: Path) -> list[Segment]:
    """All segments of a folder, looked up again if one is taken into another meanwhile."""
    for _ in range(_TRIES):
        try:
            return [Segment(path) for path in segment_paths(folder)]
        except FileNotFoundError:
            continue
    raise OSError(f"{folder} changes faster than it can be read")


def record_folders(cells: Path) -> list[str]:
    """The folders with files of single records."""
    if not cells.is_dir():
        return []
    with os.scandir(cells) as entries:
        return sorted(entry.path for entry in entries if entry.is_dir())


def read_file(path: str | Path, key: str) -> Record:
    """Read and verify the file of a single record.

    Raises:
        FileNotFoundError: if it is not there.
        CorruptRecordError: if it is not what was written.
    """
    with open(path, "rb", buffering=0) as file:
        return read_record(key, file.read())


def intact_lines(loose: Mapping[str, str]) -> Iterator[Line]:
    """The files of single records as lines of a segment; damaged ones are left out."""
    for key, path in loose.items():
        try:
            with open(path, "rb", buffering=0) as file:
                content = file.read()
            yield Line(key, read_record(key, content).status, content)
        except (CorruptRecordError, FileNotFoundError):
            continue


def set_aside(damaged: Iterable[Path], folder: Path) -> list[Path]:
    """Move damaged records and segments into a folder; what is intact in a segment stays.

    Args:
        damaged: as in :class:`Contents`.
        folder: where they go.

    Returns:
        Where they are now.
    """
    moved = []
    segments: dict[Path, None] = {}
    for path in damaged:
        folder.mkdir(exist_ok=True)
        if path.suffix == ".jsonl":
            segments.setdefault(path)
        elif path.parent.suffix == ".jsonl":
            segments.setdefault(path.parent)
        else:
            os.replace(path, folder / path.name)
            moved.append(folder / path.name)
    for path in segments:
        moved += _mend(Segment(path), folder)
    return moved


def _mend(segment: Segment, folder: Path) -> Iterator[Path]:
    """Write a segment anew without what is damaged in it."""
    rows = set(segment.damaged())
    if not segment.sound:
        write_atomically(folder / segment.path.name, segment.path.read_bytes())
        yield folder / segment.path.name
    for row in sorted(rows):
        target = folder / f"{segment.keys[row]}.json"
        write_atomically(target, segment.content(row))
        yield target
    kept = [segment.line(row) for row in range(len(segment.keys)) if row not in rows]
    if kept:
        write_segment(segment.path, kept)
    else:
        segment.path.unlink()
    segment.close()
