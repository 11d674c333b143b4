"""The run folder: whole files or none, and no changed byte goes unnoticed."""

from __future__ import annotations

import math
import multiprocessing
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from surrobench.base.atomic import write_atomically
from surrobench.errors import UserError
from surrobench.studies.run_folder.record import Record
from surrobench.studies.run_folder.store import (
    CorruptRecordError,
    ResultStore,
    payload_digest,
    seal,
    unseal,
)


def record(number: int, seconds: float = 0.25) -> Record:
    payload = {"task": "täsk/🙂", "seed": number, "status": "ok", "kendall_tau": number / 7}
    return Record(f"{number:040x}", payload, {"fit_seconds": seconds}, {"host": "here"})


def test_a_record_comes_back_as_it_was() -> None:
    written = record(3)
    assert unseal(seal(written)) == written


def test_numbers_that_json_lacks_come_back() -> None:
    written = Record("a" * 40, {"status": "ok", "nll": math.inf, "x": -math.inf, "y": math.nan})
    payload = unseal(seal(written)).payload
    assert payload["nll"] == math.inf
    assert payload["x"] == -math.inf
    assert math.isnan(payload["y"])


def test_every_flipped_byte_is_noticed() -> None:
    rng = random.Random(0)
    content = seal(record(1))
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1 << rng.randrange(8)
        with pytest.raises(CorruptRecordError):
            unseal(bytes(damaged))


@pytest.mark.parametrize("content", [b"", b"{}", b"\0" * 400, seal(record(1))[:-1]])
def test_torn_files_are_noticed(content: bytes) -> None:
    with pytest.raises(CorruptRecordError):
        unseal(content)


def test_damaged_files_are_set_aside_and_only_they(tmp_path: Path) -> None:
    store = ResultStore(tmp_path)
    for number in range(5):
        store.write(record(number))
    store.path(record(2).key).write_bytes(b"")
    found = store.scan()
    assert set(found.records) == {record(number).key for number in (0, 1, 3, 4)}
    moved = store.set_aside(found.corrupt)
    assert [path.parent.name for path in moved] == ["corrupt"]
    assert record(2).key not in store.finished_keys()


def test_a_record_under_a_foreign_name_is_damaged(tmp_path: Path) -> None:
    store = ResultStore(tmp_path)
    store.write(record(1))
    os.rename(store.path(record(1).key), store.path(record(2).key))
    assert len(store.scan().corrupt) == 1


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"


def test_leftovers_of_a_killed_run_are_swept_and_never_read(tmp_path: Path) -> None:
    store = ResultStore(tmp_path)
    store.write(record(1))
    leftover = store.path(record(1).key).with_name(".tmp-1234-" + "b" * 40 + ".json")
    leftover.write_bytes(b"half a rec")
    assert store.finished_keys() == {record(1).key}
    assert store.scan().corrupt == []
    assert store.sweep() == 1
    assert not leftover.exists()


def test_the_digest_ignores_order_and_timing() -> None:
    one = [record(1, seconds=0.1), record(2, seconds=0.2)]
    two = [record(2, seconds=9.0), record(1, seconds=8.0)]
    assert payload_digest(one) == payload_digest(two)
    assert payload_digest(one) != payload_digest([record(1), record(3)])


def _hold(folder: Path, ready: multiprocessing.synchronize.Event) -> None:
    with ResultStore(folder).lock():
        ready.set()
        multiprocessing.Event().wait(60)


def test_a_folder_in_use_is_refused_and_free_after_a_kill(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_hold, args=(tmp_path, ready), daemon=True)
    process.start()
    assert ready.wait(30)
    with pytest.raises(UserError, match=rf"process {process.pid} on"), ResultStore(tmp_path).lock():
        pass
    assert f"process {process.pid}" in ResultStore(tmp_path).holder()
    process.kill()
    process.join()
    with ResultStore(tmp_path).lock():
        pass
    assert ResultStore(tmp_path).holder() == ""


def test_a_folder_that_cannot_be_written_is_a_clear_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match=r"cannot write to the run folder .*--out"):
        ResultStore(tmp_path / "file" / "run").prepare()


def test_what_a_folder_holds_is_told_without_libraries_of_numbers() -> None:
    """``status``, ``hash`` and ``verify`` of a run are waited for."""
    code = (
        "import sys, surrobench.studies.run_folder.plan_file, surrobench.studies.run_folder.tally\n"
        "print(sorted({'torch', 'sklearn', 'xgboost', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
