"""Records are packed into segments: none is lost, the newest counts, no changed byte is missed."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from single_files import in_single_files

from surrobench.base import failpoints
from surrobench.base.failpoints import FAILPOINTS, VARIABLE
from surrobench.studies.run_folder import store as storing
from surrobench.studies.run_folder.record import Record
from surrobench.studies.run_folder.store import CorruptRecordError, ResultStore


def record(number: int, value: float = 0.5, status: str = "ok") -> Record:
    payload = {"task": "täsk/\u2028🙂\n", "seed": number, "status": status, "rmse": value}
    return Record(f"{number:040x}", payload, {"fit_seconds": 0.25}, {"host": "here"})


def filled(folder: Path, count: int = 12) -> ResultStore:
    """A packed store."""
    store = ResultStore(folder)
    for number in range(count):
        store.write(record(number))
    store.pack()
    return store


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_packing_keeps_every_record_in_one_file(tmp_path: Path) -> None:
    store = filled(tmp_path)
    assert files(tmp_path) == ["00000001.jsonl"]
    assert list(store.cells.iterdir()) == []
    everything = {record(number).key: record(number) for number in range(12)}
    assert store.scan().records == ResultStore(tmp_path).scan().records == everything
    assert store.finished_keys() == set(everything)
    assert store.contents().statuses == dict.fromkeys(everything, "ok")
    assert store.read(record(7).key) == record(7)
    with pytest.raises(FileNotFoundError):
        store.read("f" * 40)
    assert [one.payload["seed"] for one in store.records([record(n).key for n in (5, 99, 3)])] == [
        *(5, 3)
    ]


def test_a_segment_is_filled_up_and_then_another_one_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(tmp_path, 3)
    store.write(record(3))
    store.pack()
    assert files(tmp_path) == ["00000002.jsonl"]
    monkeypatch.setattr(storing, "SEGMENT_BYTES", 1)
    store.write(record(4))
    store.pack()
    assert files(tmp_path) == ["00000002.jsonl", "00000003.jsonl"]
    assert len(store.scan().records) == 5


def test_the_newest_record_of_a_cell_counts(tmp_path: Path) -> None:
    store = ResultStore(tmp_path)
    store.write_all([record(1, status="timeout"), record(2)])
    assert store.contents().statuses[record(1).key] == "timeout"
    for value in (1.0, 2.0):
        store.write(record(1, value))
        assert store.scan().records[record(1).key] == record(1, value)
        store.pack()
        assert store.scan().records[record(1).key] == record(1, value)
    assert store.write_all([record(1, 3.0), record(3)]) == 2
    assert store.read(record(1).key) == record(1, 3.0)
    assert store.contents().statuses == dict.fromkeys([record(n).key for n in (1, 2, 3)], "ok")


def test_only_who_holds_the_folder_packs_while_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "PACK_RECORDS", 5)
    store, other = ResultStore(tmp_path), ResultStore(tmp_path)
    with store.lock():
        for number in range(7):
            store.write(record(number))
        assert len(list(store.cells.rglob("*.json"))) == 2
        for number in range(7, 14):
            other.write(record(number))
        assert len(list(store.cells.rglob("*.json"))) == 9
    assert len(store.scan().records) == 14


def test_who_reads_meanwhile_misses_nothing(tmp_path: Path) -> None:
    store, other = ResultStore(tmp_path), ResultStore(tmp_path)
    for number in range(4):
        store.write(record(number))
    reading = other.records([record(number).key for number in range(4)])
    next(reading)
    store.pack()
    assert [one.payload["seed"] for one in reading] == [1, 2, 3]
    reading = other.records([record(number).key for number in range(4)])
    next(reading)
    store.write(record(4))
    store.pack()
    assert [one.payload["seed"] for one in reading] == [1, 2, 3]
    other.read(record(2).key)
    store.write(record(2, 7.0))
    store.pack()
    assert other.scan().records[record(2).key] == record(2, 7.0)


@pytest.mark.slow
def test_every_flipped_byte_costs_the_record_that_it_is_in_and_no_other(tmp_path: Path) -> None:
    store = filled(tmp_path, 3)
    (path,) = store.segments.iterdir()
    content = path.read_bytes()
    behind = content.index(b"\n") + 1
    rng = random.Random(0)
    for position in range(0, len(content), 3):
        damaged = bytearray(content)
        damaged[position] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        found = store.check()
        assert found.corrupt, position
        if position >= behind:
            assert len(found.statuses) == 2, position
        elif position < behind - 1:
            assert len(found.statuses) == 3, position
        store.set_aside(found.corrupt)
        healed = store.check()
        assert healed.corrupt == []
        assert healed.statuses.items() == found.statuses.items()
        assert all(store.read(key).key == key for key in healed.statuses)
        for left in store.segments.iterdir():
            left.unlink()
    assert (tmp_path / "corrupt" / path.name).is_file()


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda content: content[:-300],
    "cut in the index": lambda content: content[:50],
    "empty": lambda content: b"",
    "longer": lambda content: content + b"{}\n",
    "zeros": lambda content: bytes(len(content)),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_torn_segments_are_found_and_healed(how: str, tmp_path: Path) -> None:
    store = filled(tmp_path, 5)
    (path,) = store.segments.iterdir()
    path.write_bytes(DAMAGE[how](path.read_bytes()))
    found = store.check()
    assert found.corrupt
    assert store.set_aside(found.corrupt)
    assert store.check().corrupt == []
    assert store.check().statuses == {
        key: status for key, status in found.statuses.items() if len(key) == 40
    }


def test_damage_is_not_carried_into_another_segment(tmp_path: Path) -> None:
    store = filled(tmp_path, 5)
    (path,) = store.segments.iterdir()
    path.write_bytes(path.read_bytes().replace(b'"rmse":0.5', b'"rmse":0.6', 1))
    lost = store.check().corrupt
    store.write(record(9))
    store.path(record(9).key).write_bytes(b"{}")
    store.write(record(10))
    store.pack()
    found = store.check()
    assert set(found.corrupt) == {*lost, store.path(record(9).key)}
    assert len(found.statuses) == 5
    with pytest.raises(CorruptRecordError):
        store.read(record(9).key)


def dying(work: Callable[[], object], where: str) -> int:
    """Do something in a child that dies at a failpoint; its exit status."""
    child = os.fork()
    if not child:
        os.environ[VARIABLE] = where
        failpoints._passed.clear()
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def passes() -> Iterator[str]:
    """Every failpoint, and most of them at more than one pass."""
    for name in FAILPOINTS:
        yield name
        yield f"{name}:{2 if name in FAILPOINTS[4:] else 9}"


@pytest.mark.slow
@pytest.mark.parametrize("where", passes())
def test_a_process_that_dies_anywhere_loses_nothing_that_it_had_kept(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "PACK_RECORDS", 4)
    store = ResultStore(tmp_path)
    store.write_all(record(number) for number in range(3))
    told = tmp_path / "told"

    def work() -> None:
        with store.lock():
            for number in range(3, 12):
                store.write(record(number))
                with told.open("a") as file:
                    file.write(f"{record(number).key}\n")
            store.pack()

    assert dying(work, where) == 137
    kept = set(told.read_text().split()) if told.exists() else set()
    with store.lock():
        store.sweep()
        found = store.check()
        assert found.corrupt == []
        assert kept <= found.statuses.keys()
        store.write_all(record(number) for number in range(12))
        store.pack()
    assert store.scan().records == {record(n).key: record(n) for n in range(12)}
    assert not [path for path in tmp_path.rglob(".tmp-*") if path.is_file()]


def test_files_of_single_records_and_segments_are_the_same_store(tmp_path: Path) -> None:
    packed = filled(tmp_path / "a", 6)
    other = filled(tmp_path / "b", 6)
    assert in_single_files(tmp_path / "b").scan().records == packed.scan().records
    assert len(list(other.cells.rglob("*.json"))) == 6
