"""One thread, set before NumPy and torch are imported; NAS-Bench-201-like inputs."""

from __future__ import annotations

import os

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import pytest
import torch

from surrobench.encodings import make_encoding
from surrobench.spaces import SPACES

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def pool() -> np.ndarray:
    """All 15,625 cells of NAS-Bench-201, one-hot (15,625 x 30)."""
    space = SPACES.create("nb201")
    return make_encoding("one-hot")(list(space), space, {})


@pytest.fixture(scope="session")
def targets(pool: np.ndarray) -> np.ndarray:
    """A smooth function of the cell plus noise; no table is needed to measure time."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(pool.shape[1], 4))
    return np.tanh(pool @ weights).sum(1) + 0.1 * rng.normal(size=len(pool))
