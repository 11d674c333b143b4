"""The training of the in-context predictor: what it draws, and that it goes on where it stopped."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _beside_the_scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield
    for name in [name for name in sys.modules if name.startswith("pfn")]:
        del sys.modules[name]


def test_batches_are_those_of_their_seed_and_fit_for_reading() -> None:
    from pfn_prior import QUERIES, draw_batch

    for seed in range(6):
        batch = draw_batch(np.random.default_rng(seed), 4)
        again = draw_batch(np.random.default_rng(seed), 4)
        assert np.array_equal(batch.X, again.X)
        assert np.array_equal(batch.y, again.y)
        assert batch.X.shape[:2] == batch.y.shape == (4, batch.n + QUERIES)
        assert np.isfinite(batch.X).all()
        assert np.isfinite(batch.y).all()
        assert (batch.X[:, : batch.n].min(axis=1) == 0.0).all()
        assert (batch.X[:, : batch.n].max(axis=1) <= 1.0 + 1e-12).all()
        assert (batch.X.transpose(0, 2, 1)[~batch.real] == 0.0).all()


def test_a_training_that_was_stopped_ends_in_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pfn_training

    monkeypatch.setattr(pfn_training, "TABLES", 2)
    monkeypatch.setattr(pfn_training, "EVERY", 1)
    whole = ["pfn_training.py", str(tmp_path / "whole"), "--steps", "3"]
    monkeypatch.setattr(sys, "argv", whole)
    pfn_training.main()
    parts = ["pfn_training.py", str(tmp_path / "parts"), "--steps", "3", "--minutes", "0"]
    monkeypatch.setattr(sys, "argv", parts)
    for _ in range(3):
        pfn_training.main()
    written = (tmp_path / "parts/weights.npz").read_bytes()
    assert written == (tmp_path / "whole/weights.npz").read_bytes()
