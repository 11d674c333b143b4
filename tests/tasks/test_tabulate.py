"""Tabulation: the same table from any number of workers, and after an interruption."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.spaces.chains import Chains
from surrobench.tasks.live.live_tables import LIVE_TABLES, Request, connected_cells, make_table
from surrobench.tasks.live.tabulate import Setting, seed_by_seed, side_by_side, tabulate
from surrobench.training.datasets.digits import distorted_digits
from surrobench.training.loop.groups import Job
from surrobench.training.loop.trainer import Recipe, train
from surrobench.training.sampling import sample_by_depth
from surrobench.training.table_file import Row

SPACE = Chains(side=8)
DATA = distorted_digits(train=96, validation=50, test=60)
TINY = Setting("live:chain", data=DATA, recipe=Recipe(epochs=2, batch_size=32))


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
    return tabulate(TINY, seed_by_seed(archs, 2), folder=partial)


@pytest.mark.slow
def test_rows_follow_the_architectures(archs: list[Arch], uninterrupted: list[Row]) -> None:
    assert [row.arch for row in uninterrupted] == archs
    assert all(len(row.runs) == 2 for row in uninterrupted)
    assert all(len(run.train_loss) == 2 for row in uninterrupted for run in row.runs)
    assert all(row.runs[0].train_loss != row.runs[1].train_loss for row in uninterrupted)


@pytest.mark.slow
def test_interrupted_with_two_workers_then_continued(
    archs: list[Arch], uninterrupted: list[Row], tmp_path: Path
) -> None:
    def stop_after_one(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    units = seed_by_seed(archs, 2)
    with pytest.raises(KeyboardInterrupt):
        tabulate(TINY, units, folder=tmp_path, workers=2, progress=stop_after_one)
    finished = {file: file.read_text() for file in tmp_path.glob("*.json")}
    assert finished
    # With so few architectures the workers may have taken them all: leave one finished.
    for file in list(finished)[1:]:
        file.unlink()
        finished.pop(file)

    calls: list[tuple[int, int]] = []
    rows = tabulate(
        TINY,
        units,
        folder=tmp_path,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert without_seconds(rows) == without_seconds(uninterrupted)
    assert calls == [(done, 6) for done in range(1, 7)]
    assert all(file.read_text() == text for file, text in finished.items())
    assert not list(tmp_path.glob("*.tmp-*"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"options": {"div": 8}},
        {"recipe": Recipe(epochs=2, batch_size=48)},
        {"data": distorted_digits(1, train=96, validation=50, test=60)},
        {"measured": ("params",)},
    ],
    ids=["network", "recipe", "data", "measured"],
)
def test_another_setting_does_not_reuse_results(
    archs: list[Arch], uninterrupted: list[Row], partial: Path, change: dict[str, Any]
) -> None:
    calls: list[int] = []

    def stop_before_training(done: int, total: int) -> None:
        calls.append(done)
        if done < total:
            raise KeyboardInterrupt

    units = seed_by_seed(archs, 2)
    assert tabulate(TINY, units, folder=partial, progress=stop_before_training)
    changed = replace(TINY, **change)
    with pytest.raises(KeyboardInterrupt):
        tabulate(changed, units, folder=partial, progress=stop_before_training)
    assert calls == [6, 0]


@pytest.mark.parametrize("option", ["archs", "seeds", "repeated", "workers"])
def test_numbers_below_one_are_refused(option: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"--{option} is 0"):
        make_table("digits-chain", tmp_path / "t.parquet", Request(**{option: 0}))
    assert not list(tmp_path.iterdir())


def test_the_file_holds_what_was_promised(
    uninterrupted: list[Row], partial: Path, tmp_path: Path
) -> None:
    shutil.copytree(partial, tmp_path / "t.parquet.partial")
    request = Request(archs=6, seeds=2)
    out = make_table("digits-chain", tmp_path / "t.parquet", request, setting=TINY)
    assert [file.name for file in tmp_path.iterdir()] == ["t.parquet"]

    table = pq.read_table(out)
    assert table.column_names == [
        *(f"x{i}" for i in range(14)), "arch", "val_accuracy", "val_cross_entropy", "train_loss",
        "val_mae", "train_mae",
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
        make_table("digits-chain", tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be made"):
        make_table("digits-chain", tmp_path / "file" / "t.parquet")


def test_an_unknown_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Did you mean 'digits-cells'"):
        make_table("digits-cell", tmp_path / "t.parquet")


@pytest.mark.slow
def test_the_cells_of_the_table_are_connected_and_distinct() -> None:
    live = LIVE_TABLES["digits-cells"].setting.live()
    archs = connected_cells(live.space, None)
    assert len(archs) == len(set(archs)) == 6461
    assert all(live.space.canonical(arch) == arch for arch in archs[:200])
    assert archs[:50] == connected_cells(live.space, 50)
    with pytest.raises(UserError, match="6,461 connected cells"):
        connected_cells(live.space, 6462)


def test_only_the_first_architectures_are_repeated() -> None:
    archs = [(i,) * 6 for i in range(5)]
    units = side_by_side(archs, seeds=3, repeated=3, together=2)
    assert all(len({job.seed for job in unit}) == 1 and len(unit) <= 2 for unit in units)
    assert sorted(job.seed for unit in units for job in unit if job.arch == archs[2]) == [0, 1, 2]
    assert [job for unit in units for job in unit if job.arch == archs[3]] == [Job(archs[3], 0)]
    assert len({job for unit in units for job in unit}) == 3 * 3 + 2


@pytest.mark.slow
def test_cells_of_a_unit_are_trained_as_if_alone(tmp_path: Path) -> None:
    """Missing seeds are NaN, proxies are columns, and grouping changes numbers by rounding only."""
    recipe = Recipe(epochs=1, batch_size=32, learning_rate=0.1)
    setting = Setting("live:cells", data=DATA, recipe=recipe, measured=("params", "synflow"))
    request = Request(archs=3, seeds=2, repeated=1)
    out = make_table("digits-cells", tmp_path / "t.parquet", request, setting=setting)
    table = pq.read_table(out).to_pylist()
    assert np.isnan([row["val_accuracy"][1] for row in table]).tolist() == [False, True, True]
    live = setting.live()
    archs = connected_cells(live.space, 3)  # the order of the sample, not that of training
    assert archs != [archs[0], *sorted(archs[1:], key=lambda arch: arch[::-1])]
    assert [live.space.parse(row["arch"]) for row in table] == archs
    for row in table:
        arch = live.space.parse(row["arch"])
        alone = train(lambda arch=arch: live.build(arch), DATA, recipe, seeds=[0])[0]  # type: ignore[misc]
        assert row["train_loss"][0] == pytest.approx(alone.train_loss[0], abs=1e-4)
        assert row["params"] == sum(p.numel() for p in live.build(arch).parameters())
        assert np.isfinite(row["synflow"])
    assert json.loads(pq.read_schema(out).metadata[b"surrobench"])["command"] == (
        "surrobench tabulate digits-cells --out t.parquet --archs 3 --seeds 2 --repeated 1"
    )
