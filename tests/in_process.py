"""Runs without worker processes: the same cells, computed here, in a fraction of the time."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from surrobench.studies import runner
from surrobench.studies.engine import forks
from surrobench.studies.engine.executor import Outcome
from surrobench.studies.engine.worker import compute


def compute_here(
    target: str,
    items: Sequence[Any],
    *,
    stop: Callable[[], bool] = lambda: False,
    more: Callable[[], bool] = lambda: True,
    **_: Any,
) -> Iterator[Outcome[Any]]:
    """What :func:`surrobench.studies.engine.executor.execute` does, with one worker that is us."""
    for place, item in enumerate(items):
        if stop() or (place and not more()):
            return
        ending, value = compute(target, item)
        yield Outcome(item, ending, pickle.loads(value) if ending == "done" else value, 0.0)


def compute_all_here(patch: pytest.MonkeyPatch) -> list[int]:
    """Makes runs compute their cells here; how many each was asked for."""
    asked: list[int] = []

    def execute(target: str, items: Sequence[Any], **options: Any) -> Iterator[Outcome[Any]]:
        asked.append(len(items))
        return compute_here(target, items, **options)

    patch.setattr(runner, "execute", execute)
    patch.setattr(forks, "new_template", lambda target: None)
    return asked


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The same for one test."""
    return compute_all_here(monkeypatch)
