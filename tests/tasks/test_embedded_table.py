"""The table in the package is complete, honest about itself, and can be reproduced."""

from __future__ import annotations

import json
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from surrobench.spaces.chains import Chains
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.spaces.transformers import Transformers
from surrobench.tasks.live.live_tables import LIVE_TABLES, SAMPLE_SEED, connected_cells
from surrobench.training.loop.trainer import train
from surrobench.training.networks.costs import count_flops, count_params
from surrobench.training.sampling import sample_by_depth

FILE = files("surrobench") / "tasks" / "data" / "digits_chain.parquet"
SPACE = Chains(side=8)


@pytest.fixture(scope="module")
def table() -> pa.Table:
    with FILE.open("rb") as stream:
        return pq.read_table(stream)


def archs_of(table: pa.Table) -> list[tuple[int, ...]]:
    columns = [table[f"x{i}"].to_pylist() for i in range(14)]
    return list(zip(*columns, strict=True))


def test_holds_distinct_canonical_architectures(table: pa.Table) -> None:
    archs = archs_of(table)
    assert len(set(archs)) == len(archs) >= 1500
    assert all(SPACE.canonical(SPACE.check(arch)) == arch for arch in archs)
    assert archs == sample_by_depth(SPACE, len(archs), SAMPLE_SEED)
    assert [SPACE.to_string(arch) for arch in archs] == table["arch"].to_pylist()


def test_three_seeds_finite_and_plausible(table: pa.Table) -> None:
    for name, length in (
        ("val_accuracy", 9), ("val_cross_entropy", 9), ("train_loss", 9),
        ("test_accuracy", 3), ("test_cross_entropy", 3), ("train_seconds", 3),
    ):  # fmt: skip
        values = np.array(table[name].to_pylist())
        assert values.shape == (table.num_rows, length)
        assert np.isfinite(values).all()
        assert (values > 0).all()
    assert np.array(table["val_accuracy"].to_pylist()).max() < 100


def test_is_small_and_says_how_it_was_made(table: pa.Table) -> None:
    with FILE.open("rb") as stream:
        assert len(stream.read()) < 2_000_000
    metadata = json.loads(table.schema.metadata[b"surrobench"])
    assert metadata["command"].startswith("surrobench tabulate digits-chain --out")
    assert metadata["seeds"] == [0, 1, 2]
    assert metadata["epochs"] == LIVE_TABLES["digits-chain"].setting.live().recipe.epochs
    assert {"torch", "numpy", "scikit-learn"} <= set(metadata["versions"])
    assert "procedurally distorted" in metadata["data"]


def test_architectures_differ_by_more_than_training_noise(table: pa.Table) -> None:
    final = np.array(table["val_accuracy"].to_pylist()).reshape(-1, 3, 3)[:, :, -1]
    noise = final.var(axis=1, ddof=1).mean()
    between = final.mean(axis=1).var(ddof=1) - noise / 3
    assert between / noise > 7  # so a mean of three seeds is more than 95 % architecture


def test_training_again_gives_the_stored_numbers(table: pa.Table) -> None:
    # One block: rounding is amplified least there.
    row, live = table.slice(3, 1).to_pylist()[0], LIVE_TABLES["digits-chain"].setting.live()
    build = partial(live.build, SPACE.parse(row["arch"]))
    assert row["params"] == count_params(build())
    assert row["flops"] == count_flops(build(), (1, 8, 8))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        runs = train(build, live.data, live.recipe, seeds=(0, 1, 2))
    finally:
        torch.set_num_threads(threads)
    # Equal to the bit on the machine that made the table, nearly so elsewhere.
    curves = [value for run in runs for value in run.validation_accuracy]
    np.testing.assert_allclose(curves, row["val_accuracy"], atol=1.5)
    tests = [run.test_accuracy for run in runs]
    np.testing.assert_allclose(tests, row["test_accuracy"], atol=1.5)
    losses = [value for run in runs for value in run.train_loss]
    np.testing.assert_allclose(losses, row["train_loss"], atol=0.05)


CELLS_FILE = Path(str(FILE)).with_name("digits_cells.parquet")
CELLS = nas_bench_201()
REPEATED = LIVE_TABLES["digits-cells"].repeated or 0


@pytest.fixture(scope="module")
def cells() -> pa.Table:
    return pq.read_table(CELLS_FILE)


def test_all_connected_cells_are_there_once(cells: pa.Table) -> None:
    archs = [CELLS.parse(text) for text in cells["arch"].to_pylist()]
    assert LIVE_TABLES["digits-cells"].archs is None
    assert archs == connected_cells(CELLS, None)
    assert archs == list(zip(*(cells[f"x{i}"].to_pylist() for i in range(6)), strict=True))


def test_every_cell_has_a_run_and_the_first_have_three(cells: pa.Table) -> None:
    values = np.array(cells["val_accuracy"].to_pylist()).reshape(-1, 3, 3)
    known = np.isfinite(values).all(axis=2)
    assert known[:, 0].mean() > 0.99  # a training may diverge
    assert known[:REPEATED].all(axis=1).mean() > 0.99
    assert not known[REPEATED:, 1:].any()
    for name in LIVE_TABLES["digits-cells"].setting.measured:
        column = cells[name].to_numpy()
        assert not np.isinf(column).any()
        assert np.isfinite(column).mean() > (0.97 if name == "zen" else 0.999)
    metadata = json.loads(cells.schema.metadata[b"surrobench"])
    assert metadata["command"].endswith(f"--archs {len(values)} --seeds 3 --repeated {REPEATED}")


def test_the_tables_in_the_package_are_small() -> None:
    assert sum(file.stat().st_size for file in Path(str(FILE)).parent.iterdir()) < 4_000_000


def test_cells_differ_by_more_than_training_noise(cells: pa.Table) -> None:
    final = np.array(cells["val_accuracy"].to_pylist()).reshape(-1, 3, 3)[:REPEATED, :, -1]
    final = final[np.isfinite(final).all(axis=1)]
    noise = final.var(axis=1, ddof=1).mean()
    between = final.mean(axis=1).var(ddof=1) - noise / 3
    assert between / noise > 10


@pytest.mark.slow
def test_training_cells_again_gives_the_stored_numbers(cells: pa.Table) -> None:
    rows, live = cells.slice(0, 64).to_pylist(), LIVE_TABLES["digits-cells"].setting.live()
    simplest = min(rows, key=lambda row: row["flops"])  # rounding is amplified least there
    arch = live.space.parse(simplest["arch"])
    assert simplest["params"] == count_params(live.build(arch))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        run = train(partial(live.build, arch), live.data, live.recipe, seeds=(0,))[0]
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_allclose(run.validation_accuracy, simplest["val_accuracy"][:3], atol=2.5)
    np.testing.assert_allclose(run.train_loss, simplest["train_loss"][:3], atol=0.05)


TRANSFORMERS_FILE = Path(str(FILE)).with_name("motifs_transformer.parquet")
TRANSFORMERS = Transformers()


@pytest.fixture(scope="module")
def transformers() -> pa.Table:
    return pq.read_table(TRANSFORMERS_FILE)


def test_all_transformers_are_there_once(transformers: pa.Table) -> None:
    archs = [TRANSFORMERS.parse(text) for text in transformers["arch"].to_pylist()]
    assert sorted(archs) == sorted(TRANSFORMERS)
    metadata = json.loads(transformers.schema.metadata[b"surrobench"])
    assert metadata["data"].startswith("synthetic")


def test_every_transformer_has_a_run_and_the_first_have_three(transformers: pa.Table) -> None:
    repeated = LIVE_TABLES["motifs-transformer"].repeated or 0
    for name in ("val_cross_entropy", "val_accuracy", "train_mae", "val_mae", "train_loss"):
        values = np.array(transformers[name].to_pylist()).reshape(len(transformers), 3, -1)
        known = np.isfinite(values).all(axis=2)
        assert known[:, 0].all()
        assert known[:repeated].all()
        assert not known[repeated:, 1:].any()
    assert np.isfinite(np.array(transformers["test_cross_entropy"].to_pylist())[:, 0]).all()


def test_transformers_differ_by_more_than_training_noise(transformers: pa.Table) -> None:
    repeated = LIVE_TABLES["motifs-transformer"].repeated or 0
    values = np.array(transformers["val_cross_entropy"].to_pylist())
    final = values.reshape(len(values), 3, -1)[:repeated, :, -1]
    noise = final.var(axis=1, ddof=1).mean()
    between = final.mean(axis=1).var(ddof=1) - noise / 3
    assert between / noise > 4


@pytest.mark.slow
def test_training_a_transformer_again_gives_the_stored_numbers(transformers: pa.Table) -> None:
    rows, live = transformers.to_pylist(), LIVE_TABLES["motifs-transformer"].setting.live()
    smallest = min(rows, key=lambda row: row["params"])
    build = partial(live.build, live.space.parse(smallest["arch"]))
    assert smallest["params"] == count_params(build())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        run = train(build, live.data, live.recipe, seeds=(0,))[0]
    finally:
        torch.set_num_threads(threads)
    # Equal to the bit on the machine that made the table, nearly so elsewhere.
    known = smallest["val_cross_entropy"][: live.recipe.epochs]
    np.testing.assert_allclose(run.validation_cross_entropy, known, atol=0.05)
