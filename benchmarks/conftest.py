"""One thread, set before NumPy and torch are imported; the options and inputs of the benchmarks."""

from __future__ import annotations

import os

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

from pathlib import Path

import numpy as np
import pytest
import torch
from search_peers import INITIAL, our_loop

from surrobench.encodings import make_encoding
from surrobench.errors import UserError
from surrobench.spaces import SPACES
from surrobench.studies.search.table_task import SearchTask

torch.set_num_threads(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole-baseline", action="store_true", help="BoTorch's loop to its end")
    parser.addoption("--whole-study", action="store_true", help="the whole of nb201-predictors")
    parser.addoption("--study-seeds", type=int, default=1, help="seeds of the reduced study")


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


@pytest.fixture(scope="session")
def nb201() -> SearchTask:
    """The published validation accuracies on CIFAR-10, as a search meets them."""
    try:
        return SearchTask.load("nb201/cifar10-val", Path.cwd(), (), {})
    except UserError as error:
        pytest.skip(f"needs the published table: {error}")


@pytest.fixture(scope="session")
def warm(nb201: SearchTask) -> SearchTask:
    """The same, with its pool encoded."""
    our_loop(nb201, 0, evaluations=INITIAL + 1).run()
    return nb201
