"""Options that make a live task so small that a training takes a few hundredths of a second."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from surrobench.training.loop.groups import GroupTrainer, Job

TINY = {"train": 64, "validation": 60, "test": 50, "channels": 2, "epochs": 3, "batch_size": 32}


@pytest.fixture
def live_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of its own; live tasks made before it are forgotten, and those made with it too."""
    from surrobench.studies.pipeline import task as pipeline_task
    from surrobench.studies.search import live_task as live_search_task
    from surrobench.tasks.live import live_options

    caches = (live_options._made, live_search_task._candidates, pipeline_task._load)
    monkeypatch.setenv("SURROBENCH_CACHE", str(tmp_path / "cache"))
    for cache in caches:
        cache.cache_clear()
    yield tmp_path / "cache"
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Every job that is really trained in this process."""
    jobs: list[Job] = []
    original = GroupTrainer.iterate

    def iterate(self: GroupTrainer, some: list[Job]) -> object:
        jobs.extend(some)
        return original(self, some)

    monkeypatch.setattr(GroupTrainer, "iterate", iterate)
    return jobs
