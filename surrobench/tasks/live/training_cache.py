"""Finished trainings as files, named by a hash of everything that decides their numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from surrobench.base.sealed import read_sealed, write_sealed
from surrobench.training.loop.training_run import TrainingRun, run_from_json


@dataclass(frozen=True)
class TrainingCache:
    """A folder of finished trainings.

    Args:
        folder: where the files are; None keeps and finds nothing.
    """

    folder: Path | None

    def find(self, key: Mapping[str, Any]) -> TrainingRun | None:
        """A finished training; one that cannot be read is as good as none."""
        file = self._file(key)
        if file is None or not file.is_file():
            return None
        try:
            content = read_sealed(file)
            intact = all(content[name] == key[name] for name in ("arch", "seed"))
            return run_from_json(content["run"]) if intact else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, key: Mapping[str, Any], run: TrainingRun) -> None:
        """Keep a training, unless it failed: that may be the fault of the moment."""
        file = self._file(key)
        if file is not None and run.status != "failed":
            content = {"arch": key["arch"], "seed": key["seed"], "run": asdict(run)}
            write_sealed(file, content)

    def _file(self, key: Mapping[str, Any]) -> Path | None:
        if self.folder is None:
            return None
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        return self.folder / digest[:2] / f"{digest[2:40]}.json"
