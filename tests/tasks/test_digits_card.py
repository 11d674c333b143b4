from __future__ import annotations

import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from surrobench.spaces.chains import Chains
from surrobench.tasks import load_task, task_info
from surrobench.tasks.catalogue import CARDS

SEEDS, EPOCHS, ROWS = 3, 4, 20


@pytest.fixture
def card(tmp_path):
    """The bundled card beside a made-up table of the documented format."""
    rng = np.random.default_rng(0)
    archs = Chains().sample(ROWS, rng)
    images = np.sort(rng.integers(200, 1900, (ROWS, SEEDS, EPOCHS)), axis=2)  # right, of 2,000
    curves = (images / 20).astype(np.float32)

    def lists(values):
        flat = values.reshape(ROWS, -1)
        return pa.array(flat.tolist(), pa.list_(pa.float32(), flat.shape[1]))

    columns = {f"x{i}": pa.array([arch[i] for arch in archs], pa.int8()) for i in range(14)}
    columns |= {
        "val_accuracy": lists(curves),
        "val_cross_entropy": lists(100 - curves),
        "train_loss": lists(90 - curves),
        "test_accuracy": lists(curves[:, :, -1] - 1),
        "train_seconds": lists(np.full((ROWS, SEEDS), 8.0)),
        "params": pa.array(range(ROWS)),
        "flops": pa.array(range(ROWS)),
    }
    (tmp_path / "cards").mkdir()
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table(columns), tmp_path / "data" / "digits_chain.parquet")
    shutil.copy(CARDS / "digits_chain.toml", tmp_path / "cards")
    return f"{tmp_path}/cards/digits_chain.toml", archs, curves


def test_accuracy_is_the_mean_of_the_last_epochs(card):
    path, archs, curves = card
    task = load_task(f"{path}:digits-chain")
    assert task.name == "live/digits-chain"
    assert task.truth == pytest.approx(curves[:, :, -1].mean(axis=1), abs=1e-4)
    spread = np.sqrt(curves[:, :, -1].var(axis=1, ddof=1).mean())
    assert task.noise == pytest.approx(spread, rel=1e-5)
    assert set(task.measured) == {"params", "flops"}
    result = task.evaluate(archs[3], seed=1, epochs=2)
    assert result.value == pytest.approx(float(curves[3, 1, 1]))
    assert result.cost == pytest.approx(8.0 * 2 / EPOCHS)
    assert len(result.curve) == 2
    assert task_info(f"{path}:digits-chain").encodings


def test_the_other_two_tasks(card):
    path, _, curves = card
    test = load_task(f"{path}:digits-chain-test")
    assert test.truth == pytest.approx(curves[:, :, -1].mean(axis=1) - 1, abs=1e-4)
    entropy = load_task(f"{path}:digits-chain-cross-entropy")
    assert entropy.unit == "nats (negated)"
    assert entropy.truth == pytest.approx(curves[:, :, -1].mean(axis=1) - 100, abs=1e-4)
