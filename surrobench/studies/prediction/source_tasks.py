"""Observations of other tasks, for predictors that transfer from them.

A study names the tasks under ``sources``: a list for all scored tasks, or a table from globs of
scored tasks to lists, of which the first that fits counts. ``"others"`` stands for every other task
of the study that is of the scored task's table (leave one task out). For every cell, up to
``source_size`` architectures are drawn from the pool of each source (the same ones at every train
size, for every predictor), and their values on that source are handed to predictors with
``transfer = True``; no other predictor sees them.

What cannot leak:

* No source holds a network that the cell is scored on, nor one equal to it, on whatever task: such
  architectures are passed over in the draw. Under ``grouped``, where everything that is not trained
  on is scored, sources of the same pool therefore hold the training architectures and nothing else;
  ``grouped-2000`` and ``white2021`` leave more.
* A task is no source of itself, and a source that ranks all architectures as the scored task does
  is refused: it is the same task under another name.

A search study has the same key. There, architectures of a source are drawn among the candidates,
and strategies that look at sources are told of them before they begin.

What it cannot know: whether two tasks are two measurements of one training (validation and test
accuracy of the same networks). Such a pair is no transfer; do not name it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surrobench.arrays import FloatArray, IntArray
from surrobench.encodings import make_encoding
from surrobench.errors import UserError
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.problem import KnownTask
from surrobench.studies.settings import OTHERS
from surrobench.tasks import expand_tasks, load_task
from surrobench.tasks.catalogue import display_name, is_live
from surrobench.tasks.task import TableTask

if TYPE_CHECKING:
    from surrobench.predictors.protocol import Source

SOURCE_SIZE = 200
"""Architectures of each source, where a study does not say."""


def source_size(study: Any) -> int:
    """Architectures of each source in a study that has the key, or does not give it."""
    size: int | None = study.source_size
    return SOURCE_SIZE if size is None else size


def sources_of(
    task: str, named: Mapping[str, Sequence[str]], tasks: Iterable[str], base: Path
) -> list[str]:
    """The specifications of a task's sources; the task itself is none.

    Args:
        task: name of the scored task.
        named: glob of scored tasks -> what the study names for them.
        tasks: of the study, as it names them.
        base: folder that relative card paths start from.
    """
    listed = next((names for glob, names in named.items() if fnmatchcase(task, glob)), ())
    found: list[str] = []
    for name in listed:
        found += _others(task, tasks, base) if name == OTHERS else expand_tasks(name, base)
    return [spec for spec in dict.fromkeys(found) if _name_of(spec, str(base)) != task]


def _others(task: str, named: Iterable[str], base: Path) -> list[str]:
    specs = [spec for name in named if not is_live(name) for spec in expand_tasks(name, base)]
    table = task.split("/")[0]
    return [spec for spec in specs if _name_of(spec, str(base)).split("/")[0] == table]


@lru_cache(maxsize=4096)
def _name_of(spec: str, base: str) -> str:
    return display_name(spec, Path(base))


def check_source(task: TableTask, source: TableTask, encoding: str) -> None:
    """Refuse a source that does not suit a task.

    Raises:
        UserError: if it is the task itself under another name, or its architectures or columns are
            others.
    """
    if source.ranking == task.ranking:
        raise UserError(
            f"sources: {source.name} ranks all architectures as {task.name} does, so it is no "
            "other task; leave it out."
        )
    decided, known = (
        [(variable.name, variable.choices) for variable in one.space.variables]
        for one in (source, task)
    )
    columns = make_encoding(encoding).columns
    if decided != known or columns(source.space, source.columns) != columns(
        task.space, task.columns
    ):
        raise UserError(
            f"sources: the architectures of {source.name} are not described as those of "
            f"{task.name} are (decisions, choices and the columns of {encoding!r} must agree)."
        )


def draw_sources(
    task: TableTask,
    specs: Iterable[str],
    base: Path,
    encoding: str,
    size: int,
    test: IntArray,
    seed: int,
) -> tuple[Source, ...]:
    """What a cell may know of other tasks, each ``up to size x d``; one without any is left out.

    Args:
        task: that is learned.
        specs: of the sources.
        base: folder that relative card paths start from.
        encoding: of the cell.
        size: architectures of each source.
        test: positions of the architectures that the cell is scored on.
        seed: of the cell.
    """
    import torch  # heavy, and whoever plans a study draws nothing

    from surrobench.predictors.protocol import Source

    found = []
    for spec in specs:
        source = load_task(spec, base)
        free = _free_of(task, source, test)
        order = np.random.default_rng(_entropy(task.name, source.name, seed)).permutation(
            len(source)
        )
        rows = order[np.isin(order, free)][:size]
        if len(rows):
            X = torch.tensor(_inputs(source, encoding)[rows])
            y = torch.tensor(source.truth[rows]).unsqueeze(-1)
            found.append(Source(source.name, X, y))
    return tuple(found)


def draw_known(
    task: TableTask,
    candidates: Candidates,
    specs: Iterable[str],
    base: Path,
    size: int,
    seed: int,
) -> tuple[KnownTask, ...]:
    """What a search may know of other tasks before it begins; one without any is left out.

    Nothing of a search is scored on architectures apart, so all candidates may be drawn.

    Args:
        task: that is searched.
        candidates: of the search.
        specs: of the sources.
        base: folder that relative card paths start from.
        size: architectures of each source.
        seed: of the search.
    """
    found = []
    for spec in specs:
        source = load_task(spec, base)
        order = np.random.default_rng(_entropy(task.name, source.name, seed)).permutation(
            len(source)
        )
        archs = (tuple(source.archs[row].tolist()) for row in order)
        drawn = list(islice((arch for arch in archs if arch in candidates), size))
        values = np.array([source.truth[source.index[arch]] for arch in drawn])
        if drawn:
            found.append(KnownTask(source.name, drawn, values))
    return tuple(found)


def _free_of(task: TableTask, source: TableTask, test: IntArray) -> IntArray:
    """Positions in the source of networks that are not scored."""
    ours, theirs = _classes(task, source)
    return np.flatnonzero(~np.isin(theirs, ours[test]))


@lru_cache(maxsize=16)
def _classes(task: TableTask, source: TableTask) -> tuple[IntArray, IntArray]:
    """Classes of equal networks over both pools, ``n`` of the task and ``m`` of the source."""
    if np.array_equal(task.archs, source.archs):
        return np.asarray(task.groups), np.asarray(task.groups)
    archs = [tuple(arch) for one in (task, source) for arch in one.archs.tolist()]
    classes = np.asarray(task.space.groups(archs))
    return classes[: len(task)], classes[len(task) :]


@lru_cache(maxsize=16)
def _inputs(task: TableTask, encoding: str) -> FloatArray:
    return np.asarray(task.encode(encoding), dtype=np.float64)


def _entropy(task: str, source: str, seed: int) -> np.random.SeedSequence:
    text = f"source|{task}|{source}|{seed}"
    return np.random.SeedSequence(int.from_bytes(hashlib.sha256(text.encode()).digest(), "big"))
