"""Parts of a study put together: all of it, nothing damaged, nothing that does not belong."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from in_process import in_process
from single_files import in_single_files
from toy import toy_study

from surrobench import run_study
from surrobench.base.sealed import read_sealed, write_sealed
from surrobench.errors import DamagedStoreError, UserError
from surrobench.studies.observer import Silent
from surrobench.studies.run_folder import segments, store
from surrobench.studies.run_folder.environment import ENVIRONMENT_FILE
from surrobench.studies.run_folder.merging import merge
from surrobench.studies.run_folder.plan_file import PLAN_FILE
from surrobench.studies.run_folder.record import Record
from surrobench.studies.run_folder.segments import Line, write_segment
from surrobench.studies.run_folder.store import ResultStore
from surrobench.studies.run_folder.tally import Tally
from surrobench.studies.run_folder.view import RESULTS_FILE
from surrobench.studies.stopping import RunStoppedError

__all__ = ["in_process"]

STUDY = toy_study(predictors=["constant", "params", "zoo:NotAModel"], train_sizes=[8, 16])
SECONDS = ["fit_seconds", "query_seconds_per_arch", "cpu_seconds"]


def copies(folder: Path, parts: list[Path]) -> list[Path]:
    return [Path(shutil.copytree(part, folder / part.name)) for part in parts]


@pytest.fixture(scope="module")
def made(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[Path]]]:
    """A whole run of twelve cells, four of which fail, and the three shards of it."""
    from in_process import compute_here

    from surrobench.studies import runner
    from surrobench.studies.engine import forks

    folder = tmp_path_factory.mktemp("shards")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(toy)
        patch.setattr(runner, "execute", compute_here)
        patch.setattr(forks, "new_template", lambda target: None)
        run_study(STUDY, out=folder / "whole")
        for number in (1, 2, 3):
            run_study(STUDY, out=folder / f"p{number}", shard=f"{number}/3")
        yield folder / "whole", [folder / f"p{number}" for number in (1, 2, 3)]


@pytest.fixture
def whole(made: tuple[Path, list[Path]]) -> Path:
    return made[0]


@pytest.fixture
def parts(made: tuple[Path, list[Path]], in_toy: Path, tmp_path: Path) -> list[Path]:
    """Copies of the shards, to do anything with."""
    return copies(tmp_path, made[1])


def numbers(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / RESULTS_FILE).drop(columns=SECONDS)


def first_record(folder: Path, status: str = "ok") -> tuple[ResultStore, Record]:
    store = in_single_files(folder)
    records = sorted(store.scan().records.values(), key=lambda record: record.key)
    return store, next(record for record in records if record.status == status)


def test_merged_shards_are_the_run_that_was_not_cut(
    whole: Path, parts: list[Path], tmp_path: Path, in_process: list[int]
) -> None:
    out = tmp_path / "out"
    merged = merge(out, parts)
    assert sum(merged.copied.values()) == 12
    assert all(merged.copied.values())
    tally = Tally.of(out)
    assert tally == merged.tally == Tally.of(whole)
    assert (tally.cells, tally.finished, tally.failed, tally.missing, tally.elsewhere) == (
        *(12, 12, 4),
        *(0, 0),
    )
    plan, other = (json.loads((folder / PLAN_FILE).read_text()) for folder in (out, whole))
    assert plan == other
    pd.testing.assert_frame_equal(numbers(out), numbers(whole))
    assert (out / "study.toml").read_text() == (whole / "study.toml").read_text()
    run_study(STUDY, out=out)
    assert in_process == []  # nothing was missing
    before = {path: path.read_bytes() for path in out.rglob("*.json")}
    again = merge(out, parts)
    assert (sum(again.copied.values()), again.present) == (0, 12)
    assert {path: path.read_bytes() for path in out.rglob("*.json")} == before


def test_a_shard_knows_of_which_study_it_is(parts: list[Path], tmp_path: Path) -> None:
    tally = Tally.of(parts[0])
    assert tally.missing == 0
    assert tally.cells + tally.elsewhere == tally.study == 12
    merged = merge(tmp_path / "out", parts[:2])
    assert merged.tally.missing == 0
    assert merged.tally.elsewhere == Tally.of(parts[2]).cells
    assert merge(tmp_path / "out", parts[2:]).tally.elsewhere == 0


def test_what_is_missing_is_computed_and_nothing_else(
    whole: Path, parts: list[Path], tmp_path: Path, in_process: list[int]
) -> None:
    out = tmp_path / "out"
    merge(out, [parts[2], parts[0]])
    run_study(STUDY, out=out)
    assert in_process == [Tally.of(parts[1]).cells]
    pd.testing.assert_frame_equal(numbers(out), numbers(whole))


def test_runs_that_did_not_end_are_parts_and_so_is_the_folder_itself(
    whole: Path, in_toy: Path, tmp_path: Path, in_process: list[int]
) -> None:
    for name, most in (("a", 5), ("b", 7)):
        run_study(STUDY, out=tmp_path / name, limit=most)
    run_study(STUDY, out=tmp_path / "a", shard="2/2")
    merged = merge(tmp_path / "a", [tmp_path / "b", tmp_path / "a"])
    assert merged.present >= 5
    run_study(STUDY, out=tmp_path / "a")
    assert Tally.of(tmp_path / "a") == Tally.of(whole)


@pytest.mark.slow
def test_more_shards_than_cells_leave_some_empty(
    whole: Path, in_toy: Path, tmp_path: Path, in_process: list[int]
) -> None:
    folders = [tmp_path / f"p{number}" for number in range(1, 14)]
    for number, folder in enumerate(folders, start=1):
        frame = run_study(STUDY, out=folder, shard=f"{number}/13")
        assert len(frame) == (1 if number <= 12 else 0)
    assert Tally.of(folders[-1]).cells == 0
    assert merge(tmp_path / "out", folders).tally == Tally.of(whole)


def test_a_merge_that_was_stopped_goes_on(
    whole: Path, parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, written = tmp_path / "out", []

    def write(path: Path, lines: list[Line]) -> None:
        if len(written) == 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(lines[-1].key)
        write_segment(path, lines)

    with monkeypatch.context() as patch:
        patch.setattr(segments, "SEGMENT_BYTES", 1)  # every record fills one
        patch.setattr(store, "SEGMENT_BYTES", 1)
        patch.setattr(store, "write_segment", write)
        with pytest.raises(RunStoppedError, match="No space left on device"):
            merge(out, parts)
    assert ResultStore(out).finished_keys() == set(written)
    merged = merge(out, parts)
    assert (merged.present, sum(merged.copied.values())) == (5, 7)
    assert merged.tally == Tally.of(whole)


def test_a_damaged_record_is_left_out_and_named(
    whole: Path, parts: list[Path], tmp_path: Path, in_process: list[int]
) -> None:
    store, record = first_record(parts[0])
    path = store.path(record.key)
    path.write_bytes(path.read_bytes().replace(b'"seed":', b'"sead":'))
    out = tmp_path / "out"
    merged = merge(out, parts)
    assert merged.damaged == [path]
    assert merged.tally.damaged == (path,)
    assert merged.tally.missing == 1
    assert record.key not in ResultStore(out).finished_keys()
    run_study(STUDY, out=out)
    assert in_process == [1]
    assert Tally.of(out) == Tally.of(whole)


def test_an_intact_record_stands_in_for_a_damaged_one(
    whole: Path, parts: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    merge(out, parts)
    store, record = first_record(out)
    store.path(record.key).write_bytes(b"")
    assert sum(merge(out, parts).copied.values()) == 1
    assert Tally.of(out) == Tally.of(whole)


def test_other_numbers_for_one_cell_are_refused_by_name(parts: list[Path], tmp_path: Path) -> None:
    _, record = first_record(parts[0])
    other = Record(record.key, {**record.payload, "rmse": 123.5}, {}, {})
    ResultStore(parts[1]).write(other)
    with pytest.raises(UserError, match="1 cell has different numbers in two places") as refused:
        merge(tmp_path / "out", parts)
    told = str(refused.value)
    assert "toy/accuracy, " in told
    assert "rmse is" in told
    for part in parts[:2]:
        assert str(ResultStore(part).where(record.key)) in told
    assert not (tmp_path / "out").exists()


def test_a_record_without_numbers_gives_way(parts: list[Path], tmp_path: Path, whole: Path) -> None:
    out = tmp_path / "out"
    merge(out, parts)
    for folder, replaced in ((out, 1), (parts[1], 0)):
        _, record = first_record(parts[0])
        identity = {name: record.payload[name] for name in list(record.payload)[:7]}
        lost = {**identity, "status": "timeout", "reason": "stopped after 9 s"}
        ResultStore(folder).write(Record(record.key, lost, {}, {}))
        merged = merge(out, parts[::-1])
        assert (merged.replaced, sum(merged.copied.values())) == (replaced, replaced)
        assert merged.tally == Tally.of(whole)
        assert ResultStore(out).read(record.key).status == "ok"


def other_study(**changes: Any) -> dict[str, Any]:
    return {**STUDY, **changes}


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({"seeds": 3}, ["seeds is [0, 1] in", "study.toml", "[0, 1, 2] in"]),
        ({"train_sizes": [8, 32]}, ["train_sizes is [8, 16]"]),
        ({"predictors": ["constant", "knn"]}, ["predictor 'knn' is in", "'params' is in"]),
        (
            {"predictors": ["constant", "params", {"use": "zoo:Lines", "label": "zoo:NotAModel"}]},
            ["predictor 'zoo:NotAModel'"],
        ),
        ({"protocol": "white2021"}, ["protocol is grouped", "white2021"]),
    ],
)
def test_parts_of_other_studies_are_refused_by_name(
    parts: list[Path],
    tmp_path: Path,
    in_process: list[int],
    changes: dict[str, Any],
    messages: list[str],
) -> None:
    if "protocol" in changes:
        changes = {**changes, "train_sizes": [8, 16]}
    other = tmp_path / "other"
    run_study(other_study(**changes), out=other, limit=1)
    with pytest.raises(UserError, match="are not parts of one study") as refused:
        merge(tmp_path / "out", [parts[0], other])
    told = str(refused.value)
    assert f"{parts[0]} and {other}" in told
    for message in messages:
        assert message in told
    assert not (tmp_path / "out").exists()


def test_other_data_are_refused_by_fingerprint(
    toy: Path, parts: list[Path], tmp_path: Path, in_process: list[int]
) -> None:
    for name in ("toy.toml", "toy.csv"):
        shutil.copy(toy / name, tmp_path / name)
    table = (tmp_path / "toy.csv").read_text().splitlines()
    (tmp_path / "toy.csv").write_text("\n".join([*table[:-1], table[-1][:-1] + "9"]) + "\n")
    other = tmp_path / "other"
    run_study(other_study(tasks=[str(tmp_path / "toy.toml")]), out=other, limit=1)
    with pytest.raises(UserError) as refused:
        merge(tmp_path / "out", [parts[0], other])
    told = str(refused.value)
    assert "task 'toy/accuracy' is other data: its fingerprint is" in told
    assert f"in {parts[0] / PLAN_FILE}" in told
    assert f"in {other / PLAN_FILE}" in told


def test_other_versions_and_kinds_are_refused(parts: list[Path], tmp_path: Path) -> None:
    plan = json.loads((parts[1] / PLAN_FILE).read_text())["plan"]  # written plain, as before
    (parts[1] / PLAN_FILE).write_text(json.dumps({**plan, "version": 99}))
    with pytest.raises(UserError, match=r"p2/plan.json has version 99: they were made by diff"):
        merge(tmp_path / "out", parts)
    (parts[1] / PLAN_FILE).write_text(json.dumps({**plan, "kind": "search"}))
    with pytest.raises(UserError, match=r"of a prediction study, .*p2/plan.json of a search study"):
        merge(tmp_path / "out", parts)


def test_what_is_no_part_is_refused(parts: list[Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="there is nothing to merge"):
        merge(tmp_path / "out", [tmp_path / "out"])
    for name, message in (("absent", "does not exist"), ("empty", r"holds no plan\.json")):
        with pytest.raises(UserError, match=f"{name} {message}"):
            merge(tmp_path / "out", [*parts, tmp_path / name])
    (parts[2] / PLAN_FILE).write_text("{")
    with pytest.raises(DamagedStoreError, match=r"plan\.json is damaged"):
        merge(tmp_path / "out", parts)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write to the run folder"):
        merge(tmp_path / "file", parts[:2])


def test_a_part_that_an_earlier_version_left_is_taken(
    whole: Path, parts: list[Path], tmp_path: Path
) -> None:
    """Its plan says neither of which version nor of which study it is: it is all of it."""
    (old,) = copies(tmp_path, [whole])
    plan = json.loads((old / PLAN_FILE).read_text())["plan"]
    assert plan.pop("version") > 0
    (old / PLAN_FILE).write_text(json.dumps(plan))
    store, record = first_record(old)
    store.path(record.key).unlink()
    assert merge(tmp_path / "out", [old, *parts]).tally == Tally.of(whole)


def test_other_environments_are_told_and_kept(parts: list[Path], tmp_path: Path) -> None:
    path = parts[1] / ENVIRONMENT_FILE
    (seen,) = json.loads(path.read_text())
    seen["packages"]["torch"] = "0.0"
    path.write_text(json.dumps([seen]))
    notes: list[str] = []

    class Listener(Silent):
        def note(self, message: str) -> None:
            notes.append(message)

    merge(tmp_path / "out", parts, Listener())
    (told,) = notes
    assert f"{parts[1]} was computed in another environment than {parts[0]}" in told
    assert "torch was" in told
    kept = json.loads((tmp_path / "out" / ENVIRONMENT_FILE).read_text())
    assert [one["packages"]["torch"] == "0.0" for one in kept] == [False, True]


def test_states_of_searches_come_along(parts: list[Path], tmp_path: Path) -> None:
    store, finished = first_record(parts[0])
    _, open_one = first_record(parts[1])
    ResultStore(parts[1]).path(open_one.key).unlink()
    for part, key in ((parts[0], finished.key), (parts[1], open_one.key)):
        write_sealed(part / "unfinished" / f"{key}.json", {"state": key})
    write_sealed(parts[2] / "unfinished" / "ffff.json", {"of": "another study"})
    out = tmp_path / "out"
    merge(out, parts)
    (kept,) = (out / "unfinished").iterdir()
    assert read_sealed(kept) == {"state": open_one.key}
    assert store.path(finished.key).is_file()
