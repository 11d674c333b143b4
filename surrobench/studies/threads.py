"""One thread per worker: small matrices get slower, and sums differ, when BLAS threads them."""

from __future__ import annotations

import os
from collections.abc import Mapping

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def single_threaded(environment: Mapping[str, str]) -> dict[str, str]:
    """A copy of ``environment`` in which every numerical library uses one thread."""
    return {**environment, **dict.fromkeys(THREAD_VARIABLES, "1")}


def limit_this_process() -> None:
    """Use one thread in this process; works only before numpy or torch is imported."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))


def thread_settings() -> dict[str, str]:
    """The thread variables as this process sees them (for the record)."""
    return {name: os.environ.get(name, "") for name in THREAD_VARIABLES}
