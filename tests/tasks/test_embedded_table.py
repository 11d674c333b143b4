"""The table in the package is complete, honest about itself, and can be reproduced."""

from __future__ import annotations

import json
from functools import partial
from importlib.resources import files

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from surrobench.spaces.chains import Chains
from surrobench.tasks.live_tables import LIVE_TABLES, SAMPLE_SEED
from surrobench.training.costs import count_flops, count_params
from surrobench.training.sampling import sample_by_depth
from surrobench.training.trainer import train

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
