"""What a measurement was made with; names of hosts and folders stay out of it."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from surrobench.studies.run_folder.environment import describe_environment

PEERS = ("optuna", "smac", "pytest-benchmark")


def describe_machine() -> dict[str, Any]:
    """Versions, threads, processor, memory, and the load when it was asked."""
    found = describe_environment()
    found["packages"] |= {name: _version(name) for name in PEERS}
    found["machine"] |= {
        "processor": _processor(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }
    return found


def write_machine(folder: Path, name: str = "environment.json") -> None:
    """Keep the description beside the results."""
    text = json.dumps(describe_machine(), indent=1) + "\n"
    (folder / name).write_text(text, encoding="utf-8")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
