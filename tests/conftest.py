"""Shared fixtures: one thread per process, and where the published data lie on this machine."""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np
import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Background jobs of a shell ignore interrupts, and so would the processes that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """The global generators start alike in every test, whichever ran before it."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)


def _folder(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"needs the published data: set {variable} (see CONTRIBUTING.md)")
    folder = Path(value)
    assert folder.is_dir(), f"{variable}={value} is not a folder"
    return folder


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Folder with the raw published files, laid out owner+repo/commit/path."""
    return _folder("SURROBENCH_MIRROR")


@pytest.fixture(scope="session")
def tables() -> Path:
    """Folder with ready-made Parquet tables to compare our conversions with."""
    return _folder("SURROBENCH_TABLES")


@pytest.fixture(scope="session")
def images() -> Path:
    """Folder with small real image sets as .npz archives."""
    return _folder("SURROBENCH_IMAGES")
