"""Searches by one-shot methods, kept by content like the trainings of a live task."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from surrobench.base.sealed import read_sealed, write_sealed
from surrobench.spaces.architecture import Arch
from surrobench.strategies.one_shot import make_one_shot, one_shot_search
from surrobench.studies.describe import describe
from surrobench.tasks.live.live import LiveTask

FOLDER = "one-shot"
"""Inside the cache of a live task."""


@dataclass(frozen=True)
class Search:
    """What is kept of a search.

    Attributes:
        method: its name.
        seed: of all its random draws.
        arch: the chosen architecture.
        shared_accuracy: of the chosen one with the shared weights, percent.
        scores: of the sampled cells with the shared weights, percent.
        train_losses: of each epoch, nats.
        train_seconds: spent on shared weights and architecture.
        choose_seconds: spent on choosing afterwards.
    """

    method: str
    seed: int
    arch: Arch
    shared_accuracy: float
    scores: tuple[float, ...]
    train_losses: tuple[float, ...]
    train_seconds: float
    choose_seconds: float


def kept_search(
    task: LiveTask, method: str, seed: int, options: Mapping[str, Any], archs: Sequence[Arch]
) -> Search:
    """Search, and score some architectures by the shared weights; or look both up.

    Files are named by a hash of everything that decides the numbers: task, method with all its
    options, seed, architectures and versions. One that cannot be read is made again.

    Raises:
        UserError: as :func:`~surrobench.strategies.one_shot.one_shot_search`.
    """
    file = _file(task, method, seed, options, archs)
    if file is not None and file.is_file():
        try:
            return _read(read_sealed(file))
        except (OSError, ValueError, KeyError, TypeError):
            pass
    result = one_shot_search(method, task, seed=seed, **options)
    search = Search(
        method=method,
        seed=seed,
        arch=result.arch,
        shared_accuracy=float(result.score([result.arch])[0]),
        scores=tuple(result.score(archs).tolist()),
        train_losses=tuple(epoch.train_loss for epoch in result.history),
        train_seconds=result.train_seconds,
        choose_seconds=result.choose_seconds,
    )
    if file is not None:
        write_sealed(file, asdict(search))
    return search


def _file(
    task: LiveTask, method: str, seed: int, options: Mapping[str, Any], archs: Sequence[Arch]
) -> Path | None:
    if task.cache is None:
        return None
    made = describe(make_one_shot(method, **options))
    key = {**task.identity, "method": method, "options": made, "seed": seed}
    key["archs"] = [list(arch) for arch in archs]
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    return task.cache / FOLDER / f"{digest[:40]}.json"


def _read(content: Mapping[str, Any]) -> Search:
    tuples = {name: tuple(value) for name, value in content.items() if isinstance(value, list)}
    return Search(**{**content, **tuples})
