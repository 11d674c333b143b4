"""What ``results/`` keeps of a run: its numbers, its study, and where it was computed."""

from __future__ import annotations

import shutil
from pathlib import Path

KEPT = ("results.parquet", "study.toml", "environment.json")


def keep(run: Path, folder: Path) -> None:
    """Copy what is kept of a run into ``folder``, unless that is where it lies already."""
    if run.resolve() != folder.resolve():
        for name in KEPT:
            shutil.copyfile(run / name, folder / name)
