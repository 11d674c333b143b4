"""Keys as one text: read back, and the latest value of each told as a dictionary would."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surrobench.base.sealed import seal
from surrobench.studies.run_folder import plan_file
from surrobench.studies.run_folder.key_list import KeyList, in_runs, latest_of, out_of_runs
from surrobench.studies.run_folder.plan_file import PlannedCells, read_overview, read_plan_file
from surrobench.studies.run_folder.record import STATUSES, Record
from surrobench.studies.run_folder.segments import Segment
from surrobench.studies.run_folder.store import ResultStore


def key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()[:40]


ODD = ("", "a", "AB" * 20, "a b " * 10, "é" * 40, "0" * 39 + "g")
KEYS = st.one_of(st.integers(0, 9).map(key), st.sampled_from(ODD))
CELLS = st.integers(0, 9).map(key)


def as_written(keys: KeyList) -> KeyList:
    return KeyList.read(json.loads(json.dumps(keys.written())))


@given(st.lists(KEYS))
def test_keys_come_back(keys: list[str]) -> None:
    again = as_written(KeyList(keys))
    assert len(again) == len(keys)
    assert again.texts == list(again) == keys


@pytest.mark.slow
@given(
    st.lists(st.one_of(CELLS, KEYS)),
    st.lists(st.lists(st.tuples(st.one_of(CELLS, CELLS, KEYS), st.integers(-1, 5)))),
    st.booleans(),
)
def test_the_latest_value_is_that_of_a_dictionary(
    wanted: list[str], parts: list[list[tuple[str, int]]], written: bool
) -> None:
    known = {key: value for part in parts for key, value in part}
    form = as_written if written else (lambda keys: keys)
    lists = [
        (form(KeyList(key for key, _ in part)), np.array([v for _, v in part], dtype=np.int64))
        for part in parts
    ]
    found = latest_of(form(KeyList(wanted)), lists)
    assert found.tolist() == [known.get(key, -1) for key in wanted]


def test_keys_that_begin_alike_are_told_apart() -> None:
    alike = ["ab" * 8 + "0" * 24, "ab" * 8 + "1" * 24, "ab" * 8 + "2" * 24]
    parts = [(KeyList(alike[:2]), np.array([3, 4]))]
    assert latest_of(KeyList(alike), parts).tolist() == [3, 4, -1]


@pytest.mark.parametrize(
    "written",
    [{"joined": "abc", "length": 2}, {"joined": "", "length": 0}, {"joined": ["a"], "length": 1}],
)
def test_what_holds_no_keys_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="keys"):
        KeyList.read(written)


@given(st.lists(st.sampled_from(STATUSES)))
def test_runs_come_back(statuses: list[str]) -> None:
    assert out_of_runs(json.loads(json.dumps(in_runs(statuses)))) == statuses


def record(number: int, status: str = "ok") -> Record:
    return Record(key(number), {"status": status, "place": number})


def test_a_store_says_the_same_of_all_cells_at_once_and_one_by_one(tmp_path: Path) -> None:
    store = ResultStore(tmp_path)
    store.prepare()
    store.write_all(record(n, STATUSES[n % len(STATUSES)]) for n in range(40))
    store.write(record(3, "ok"))  # newer than what the segment says
    store.write(record(50, "timeout"))
    store.write(record(51))
    store.path(key(51)).write_text("{}")  # damaged
    keys = KeyList(key(n) for n in range(60))
    ends, statuses = store.statuses_of(keys), store.contents().statuses
    assert [STATUSES[at] if at >= 0 else None for at in ends] == [statuses.get(k) for k in keys]
    assert (statuses[key(3)], statuses.get(key(51))) == ("ok", None)


def test_plans_and_segments_of_earlier_versions_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_file, "MANY", 2)
    cells = {("t", "p", seed): key(seed) for seed in range(300)}
    PlannedCells(keys=dict(cells)).save(tmp_path)
    now = read_plan_file(tmp_path)
    assert now.keys == cells
    assert read_overview(tmp_path).keys.texts == list(cells.values())

    columns = [
        {"values": ["t"], "numbers": [0] * 300},
        {"values": ["p"], "numbers": [0] * 300},
        {"values": list(range(300)), "numbers": list(range(300))},
    ]
    before = {
        "cells": {"keys": list(cells.values()), "columns": columns},
        "skipped": [],
        "ingredients": {},
    }
    (tmp_path / "plan.json").write_bytes(seal(json.dumps(before).encode(), "plan"))
    assert read_plan_file(tmp_path).keys == cells
    assert read_overview(tmp_path).keys.texts == list(cells.values())

    store = ResultStore(tmp_path)
    store.prepare()
    store.write_all(record(n, STATUSES[n % 2]) for n in range(9))
    (path,) = (tmp_path / "segments").iterdir()
    segment = Segment(path)
    lines = [segment.content(row) for row in range(9)]
    index = {
        "sha256": segment.digest,
        "keys": segment.keys,
        "statuses": segment.statuses,
        "lengths": [len(line) for line in lines],
    }
    path.write_bytes(seal(json.dumps(index).encode(), "segment") + b"".join(lines))
    earlier = Segment(path)
    assert (earlier.keys, earlier.statuses) == (segment.keys, segment.statuses)
    assert not earlier.damaged()
    assert [earlier.record(row) for row in range(9)] == [
        record(n, STATUSES[n % 2]) for n in range(9)
    ]
