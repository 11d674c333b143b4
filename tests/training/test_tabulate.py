"""Tabulation: the same table from any number of workers, and after an interruption."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.spaces.chains import Chains
from surrobench.training.sampling import sample_by_depth
from surrobench.training.table_file import Row
from surrobench.training.tabulate import (
    Protocol,
    main_digits_chain,
    tabulate,
)
from surrobench.training.trainer import Recipe

SPACE = Chains(side=8)
TINY = Protocol(
    seeds=(0, 1),
    recipe=Recipe(epochs=2, batch_size=32),
    train_images=96,
    validation_images=50,
    test_images=60,
)


def without_seconds(rows: list[Row]) -> list[Row]:
    return [
        replace(row, runs=tuple(replace(run, train_seconds=0.0) for run in row.runs))
        for row in rows
    ]


@pytest.fixture(scope="module")
def archs() -> list[Arch]:
    return sample_by_depth(SPACE, 6, seed=0)


@pytest.fixture(scope="module")
def partial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("partial")


@pytest.fixture(scope="module")
def uninterrupted(archs: list[Arch], partial: Path) -> list[Row]:
    return tabulate(SPACE, archs, TINY, partial=partial, workers=1)


def test_rows_follow_the_architectures(archs: list[Arch], uninterrupted: list[Row]) -> None:
    assert [row.arch for row in uninterrupted] == archs
    assert all(len(row.runs) == 2 for row in uninterrupted)
    assert all(len(run.train_loss) == 2 for row in uninterrupted for run in row.runs)
    assert all(row.runs[0].train_loss != row.runs[1].train_loss for row in uninterrupted)


def test_interrupted_with_two_workers_then_continued(
    archs: list[Arch], uninterrupted: list[Row], tmp_path: Path
) -> None:
    def stop_after_one(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tabulate(SPACE, archs, TINY, partial=tmp_path, workers=2, progress=stop_after_one)
    finished = {file: file.read_text() for file in tmp_path.glob("*.json")}
    assert finished
    # With so few architectures the workers may have taken them all: leave one finished.
    for file in list(finished)[1:]:
        file.unlink()
        finished.pop(file)

    calls: list[tuple[int, int]] = []
    rows = tabulate(
        SPACE,
        archs,
        TINY,
        partial=tmp_path,
        workers=1,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert without_seconds(rows) == without_seconds(uninterrupted)
    assert calls == [(done, 6) for done in range(1, 7)]
    assert all(file.read_text() == text for file, text in finished.items())
    assert not list(tmp_path.glob("*.tmp-*"))


@pytest.mark.parametrize("change", [{"div": 8}, {"seeds": (0,)}, {"data_seed": 1}])
def test_another_protocol_does_not_reuse_results(
    archs: list[Arch], uninterrupted: list[Row], partial: Path, change: dict[str, Any]
) -> None:
    calls: list[int] = []

    def stop_before_training(done: int, total: int) -> None:
        calls.append(done)
        if done < total:
            raise KeyboardInterrupt

    assert tabulate(SPACE, archs, TINY, partial=partial, progress=stop_before_training)
    changed = replace(TINY, **change)
    with pytest.raises(KeyboardInterrupt):
        tabulate(SPACE, archs, changed, partial=partial, progress=stop_before_training)
    assert calls == [6, 0]


@pytest.mark.parametrize("option", ["archs", "seeds", "workers"])
def test_numbers_below_one_are_refused(option: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"--{option} is 0"):
        main_digits_chain(tmp_path / "t.parquet", **{option: 0})
    assert not list(tmp_path.iterdir())


def test_main_writes_the_promised_file(
    uninterrupted: list[Row],
    partial: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "surrobench.training.tabulate.Protocol",
        lambda seeds: replace(TINY, seeds=seeds),
    )
    shutil.copytree(partial, tmp_path / "t.parquet.partial")
    out = main_digits_chain(tmp_path / "t.parquet", archs=6, seeds=2)
    assert [file.name for file in tmp_path.iterdir()] == ["t.parquet"]

    table = pq.read_table(out)
    assert table.column_names == [
        *(f"x{i}" for i in range(14)), "arch", "val_accuracy", "val_cross_entropy", "train_loss",
        "test_accuracy", "test_cross_entropy", "train_seconds", "params", "flops",
    ]  # fmt: skip
    for row, trained in zip(table.to_pylist(), uninterrupted, strict=True):
        assert tuple(row[f"x{i}"] for i in range(14)) == trained.arch
        assert SPACE.parse(row["arch"]) == trained.arch
        curves = [value for run in trained.runs for value in run.validation_accuracy]
        assert row["val_accuracy"] == pytest.approx(curves)
        assert row["test_accuracy"] == pytest.approx([run.test_accuracy for run in trained.runs])
    metadata = json.loads(table.schema.metadata[b"surrobench"])
    assert metadata["command"] == (
        "surrobench tabulate digits-chain --out t.parquet --archs 6 --seeds 2"
    )
    assert metadata["seeds"] == [0, 1]
    assert metadata["protocol"]["recipe"]["batch_size"] == 32


def test_a_place_that_cannot_be_written_is_found_out_first(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder"):
        main_digits_chain(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be made"):
        main_digits_chain(tmp_path / "file" / "t.parquet")
