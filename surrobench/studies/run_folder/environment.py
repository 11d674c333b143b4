"""What a run was made with: versions, threads and machine. Nothing else of the environment."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from surrobench import __version__
from surrobench.studies.run_folder.kernels import numerical_kernels
from surrobench.studies.threads import THREAD_VARIABLES, single_threaded

ENVIRONMENT_FILE = "environment.json"
PACKAGES = (
    "torch",
    "gpytorch",
    "botorch",
    "linear-operator",
    "xgboost",
    "scikit-learn",
    "scipy",
    "numpy",
    "pandas",
    "pyarrow",
)
_STANDING_IN = {"xgboost": ("xgboost-cpu",)}
"""Other names under which the same package is distributed."""
_MISSING = "not installed"
PEERS = ("optuna", "smac", "pymoo", "tabpfn", "tabicl", "tabdpt")
"""Named where they are installed: without them, no number depends on them."""


def describe_environment(kernels: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Versions, thread settings of the workers, kernels of the libraries, and machine.

    Args:
        kernels: as :func:`~surrobench.studies.run_folder.kernels.numerical_kernels` has them, where
            another process has found them out; that imports the libraries.
    """
    workers = single_threaded(os.environ)
    return {
        "surrobench": __version__,
        "python": platform.python_version(),
        "packages": _versions(),
        "threads": {name: workers[name] for name in THREAD_VARIABLES},
        "kernels": numerical_kernels() if kernels is None else dict(kernels),
        "machine": {
            "system": platform.system(),
            "release": platform.release(),
            "architecture": platform.machine(),
            "cores": os.cpu_count(),
        },
    }


def versions() -> dict[str, str]:
    """Name -> version of everything that numbers may depend on; quick, since it imports nothing."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"surrobench": __version__, "python": python, **_versions()}


def _versions() -> dict[str, str]:
    known = {name: _version(name) for name in (*PACKAGES, *PEERS)}
    return {name: v for name, v in known.items() if name in PACKAGES or v != _MISSING}


def _version(package: str) -> str:
    for name in (package, *_STANDING_IN.get(package, ())):
        with suppress(PackageNotFoundError):
            return version(name)
    return _MISSING


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What could make new numbers differ from those of an earlier environment."""
    found = []
    for name in ("surrobench", "python"):
        if before.get(name) != now[name]:
            found.append(f"{name} was {before.get(name)}, is {now[name]}")
    for group in ("packages", "threads", "kernels"):
        if group == "kernels" and group not in before:
            continue  # which earlier versions did not keep
        for name, value in now.get(group, {}).items():
            earlier = before.get(group, {}).get(name)
            if earlier != value and (earlier is not None or name not in PEERS):
                what = f"the kernel of {name}" if group == "kernels" else name
                found.append(f"{what} was {earlier}, is {value}")
    return found
