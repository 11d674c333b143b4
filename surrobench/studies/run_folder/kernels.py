"""Which instruction sets the numerical libraries chose on this machine.

Torch and BLAS pick their kernels by what the processor can do, and kernels for other instruction
sets round differently. The same bits are promised for the same kernels only.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any


@cache
def numerical_kernels() -> dict[str, str]:
    """Library -> instruction set or processor family, as each of them says."""
    import numpy  # noqa: F401  (loads its BLAS)
    import scipy.linalg  # noqa: F401
    import threadpoolctl
    import torch

    found = {"torch": torch.backends.cpu.get_cpu_capability()}
    for library in threadpoolctl.threadpool_info():
        if library["user_api"] == "blas":
            found.setdefault(_name(library), str(library.get("architecture") or "unknown"))
    return found


def _name(library: dict[str, Any]) -> str:
    """``numpy openblas`` for the BLAS that NumPy brings along."""
    folders = os.path.normpath(library["filepath"]).split(os.sep)
    owner = [folder.removesuffix(".libs") for folder in folders if folder.endswith(".libs")]
    return " ".join([*owner[-1:], library["internal_api"]])
