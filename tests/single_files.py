"""Run folders as they are before their records are packed, and as earlier versions left them."""

from __future__ import annotations

import shutil
from pathlib import Path

from surrobench.studies.run_folder.store import ResultStore, seal


def in_single_files(folder: Path) -> ResultStore:
    """The store of a run folder whose records lie in files of their own."""
    store = ResultStore(folder)
    for key, record in store.scan().records.items():
        store.path(key).parent.mkdir(parents=True, exist_ok=True)
        store.path(key).write_bytes(seal(record))
    shutil.rmtree(store.segments, ignore_errors=True)
    return ResultStore(folder)
