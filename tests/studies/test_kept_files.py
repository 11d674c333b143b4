"""A byte that changes in anything that is kept is noticed: an error, or it is computed anew."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from search_toy import search_study

from surrobench import Integer, Space, search
from surrobench.base.sealed import write_sealed
from surrobench.errors import UserError
from surrobench.studies.one_shot import searches as one_shot_searches
from surrobench.studies.run_folder.plan_file import PlannedCells, read_plan_file
from surrobench.studies.run_folder.store import ResultStore
from surrobench.studies.run_folder.view import companions, load_results, make_view, save_frame
from surrobench.studies.search import cell as searching
from surrobench.studies.search.config import SearchStudy
from surrobench.studies.search.fronts import write_fronts
from surrobench.studies.search.kind import SEARCH
from surrobench.studies.search.plan import make_search_plan
from surrobench.studies.search.table_task import SearchTask
from surrobench.tasks.files.source_file import SourceFile
from surrobench.tasks.files.sources import locate
from surrobench.tasks.live.live_costs import measured_costs
from surrobench.tasks.live.tabulate import _is_whole
from surrobench.tasks.live.training_cache import TrainingCache
from surrobench.tasks.preparation import converted
from surrobench.tasks.recipes import RECIPES, Recipe
from surrobench.tasks.stored_encodings import read_array, write_array
from surrobench.tasks.tables.card import Card
from surrobench.training.loop.training_run import failed_run

ANEW = "computed anew"
ANYWHERE = 12
"""Bytes that are changed in each file, from the first to the last."""


@dataclass(frozen=True)
class Kept:
    """A file, and what is done with it: gives its content or :data:`ANEW`, or raises."""

    path: Path
    use: Callable[[], Any]


@dataclass(frozen=True)
class Place:
    """Where files are made."""

    folder: Path
    maze: Path
    patch: pytest.MonkeyPatch


MAKERS: dict[str, Callable[[Place], Kept]] = {}


def kept(make: Callable[[Place], Kept]) -> Callable[[Place], Kept]:
    MAKERS[make.__name__.replace("_", " ")] = make
    return make


def a_search(place: Place, **changes: Any) -> tuple[Any, Any]:
    """A study of one short search for two objectives, and its plan."""
    content = search_study(strategies=["random"], seeds=1, evaluations=8, **changes)
    study = SearchStudy.read({**content, "objectives": ["maze.toml:latency"]})
    return study, make_search_plan(study, place.maze)


def a_run(place: Place) -> tuple[ResultStore, str]:
    """A finished run of that, and the key of its cell."""
    study, plan = a_search(place)
    store, (cell,) = ResultStore(place.folder / "run"), plan.cells
    record = searching.run_search(cell)
    store.write(record)
    planned = PlannedCells()
    planned.add(plan)
    planned.save(store.folder)
    save_frame(SEARCH.frame([record]), store.folder)
    write_fronts(study, place.maze, store.folder)
    return store, cell.key


@kept
def record_of_a_cell(place: Place) -> Kept:
    store, key = a_run(place)

    def use() -> Any:
        found = store.scan()
        return found.records[key].payload if not found.corrupt else ANEW

    return Kept(store.path(key), use)


@kept
def segment_of_a_run(place: Place) -> Kept:
    store, key = a_run(place)
    store.pack()

    def use() -> Any:
        found = store.scan()
        return found.records[key].payload if not found.corrupt else ANEW

    return Kept(store.where(key).parent, use)


@kept
def plan_of_a_run(place: Place) -> Kept:
    folder = a_run(place)[0].folder
    return Kept(folder / "plan.json", lambda: read_plan_file(folder))


@kept
def results_of_a_run(place: Place) -> Kept:
    path = a_run(place)[0].folder / "results.parquet"
    return Kept(path, lambda: load_results(path).to_csv())


@kept
def checksum_of_results(place: Place) -> Kept:
    path = a_run(place)[0].folder / "results.parquet"
    return Kept(path.with_name(f"{path.name}.sha256"), lambda: load_results(path).to_csv())


@kept
def fronts_of_a_run(place: Place) -> Kept:
    folder = a_run(place)[0].folder
    return Kept(folder / "fronts.csv", lambda: companions(SEARCH, [folder])["fronts"].to_csv())


@kept
def state_of_a_search_that_was_cut_off(place: Place) -> Kept:
    cell = replace(a_search(place)[1].cells[0], scratch=str(place.folder))
    calls: list[Any] = []
    original = SearchTask.evaluate

    def evaluate(self: SearchTask, arch: Any, **options: Any) -> Any:
        calls.append(arch)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return original(self, arch, **options)

    place.patch.setattr(SearchTask, "evaluate", evaluate)
    place.patch.setattr(searching, "CHECKPOINT_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        searching.run_search(cell)

    def use() -> Any:
        calls[:] = [None] * 10  # none of these is stopped
        left = searching.remains(cell)
        payload = searching.run_search(cell).payload
        made = len(calls) - 10
        assert (made == 8) == (left == ({}, {}))
        return ANEW if made == 8 else payload

    return Kept(place.folder / f"{cell.key}.json", use)


@kept
def search_of_ones_own(place: Place) -> Kept:
    path = place.folder / "search.json"
    calls: list[int] = []

    def train(depth: int) -> float:
        calls.append(depth)
        return float(depth)

    def use() -> Any:
        calls.clear()
        space = Space(depth=Integer(1, 40))
        found = search(space, train, strategy="random", initial=2, budget=5, save=path)
        return found.frame.to_csv() if not calls else ANEW

    use()
    return Kept(path, use)


@kept
def training(place: Place) -> Kept:
    cache, key = TrainingCache(place.folder), {"arch": [1, 2], "seed": 0}
    cache.keep(key, replace(failed_run(3, ""), status="diverged", train_loss=(0.5, 0.25)))
    (path,) = place.folder.rglob("*.json")
    return Kept(path, lambda: cache.find(key) or ANEW)


@kept
def costs_of_networks(place: Place) -> Kept:
    counted: list[Any] = []

    def costs(arch: Any) -> dict[str, float]:
        counted.append(arch)
        return {"params": 1000.0 + sum(arch), "flops": 2e6}

    data = SimpleNamespace(shape=(1, 8, 8), classes=10)
    space = SimpleNamespace(name="tiny")
    task: Any = SimpleNamespace(cache=place.folder, space=space, network={}, data=data, costs=costs)

    def use() -> Any:
        counted.clear()
        columns = measured_costs(task, [(0, 1), (1, 1)])
        return ANEW if counted else {name: column.tolist() for name, column in columns.items()}

    use()
    (path,) = place.folder.rglob("*.json")
    return Kept(path, use)


@kept
def search_with_shared_weights(place: Place) -> Kept:
    searched: list[str] = []

    def one_shot_search(method: str, *_: Any, **__: Any) -> Any:
        searched.append(method)
        epochs = [SimpleNamespace(train_loss=0.5)]
        score = lambda archs: np.arange(len(archs), dtype=float)  # noqa: E731
        return SimpleNamespace(
            arch=(0, 1), score=score, history=epochs, train_seconds=1.0, choose_seconds=2.0
        )

    place.patch.setattr(one_shot_searches, "one_shot_search", one_shot_search)
    task: Any = SimpleNamespace(cache=place.folder, identity={"task": "tiny"})

    def use() -> Any:
        searched.clear()
        found = one_shot_searches.kept_search(task, "darts", 0, {}, [(0, 1), (1, 1)])
        return ANEW if searched else found

    use()
    (path,) = place.folder.rglob("*.json")
    return Kept(path, use)


@kept
def encoded_pool(place: Place) -> Kept:
    path = place.folder / "pool.npy"
    write_array(path, np.arange(60.0).reshape(20, 3))

    def use() -> Any:
        found = read_array(path)
        return ANEW if found is None else found.tolist()

    return Kept(path, use)


@kept
def part_of_a_table_in_the_making(place: Place) -> Kept:
    path = place.folder / "part.json"
    write_sealed(path, [{"arch": [0, 1], "seed": 0, "run": {"test_accuracy": 91.25}}])
    return Kept(path, lambda: "whole" if _is_whole(path) else ANEW)


CONTENT = b"a,b\n" + b"1,2\n" * 50
CONVERTED: list[int] = []


def convert(files: dict[str, Path]) -> pa.Table:
    CONVERTED.append(1)
    return pa.table({"x": list(range(200)), "y": [0.5 * n for n in range(200)]})


def a_source(place: Place) -> tuple[SourceFile, Path]:
    digest = hashlib.sha256(CONTENT).hexdigest()
    source = SourceFile(
        repo="owner/repo", commit="0" * 40, path="raw.csv", sha256=digest,
        bytes=len(CONTENT), licence="MIT",
    )  # fmt: skip
    place.patch.setenv("SURROBENCH_CACHE", str(place.folder))
    place.patch.delenv("SURROBENCH_MIRROR", raising=False)
    path = place.folder / "downloads" / source.relative
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    return source, path


@kept
def downloaded_file(place: Place) -> Kept:
    source, path = a_source(place)

    def use() -> Any:
        found = locate(source)
        assert found is not None
        return found.read_bytes()

    return Kept(path, use)


@kept
def converted_table(place: Place) -> Kept:
    source, _ = a_source(place)
    place.patch.setitem(RECIPES, "rows", Recipe(f"{__name__}:convert"))
    task = {"t": {"target": "y", "direction": "maximize"}}
    card = Card(name="rows", recipe="rows", sources={"raw": source}, decisions=["x"], tasks=task)

    def use() -> Any:
        CONVERTED.clear()
        path = converted(card)
        return ANEW if CONVERTED else path

    use()
    return Kept(converted(card), use)


def changed(content: bytes) -> Iterator[bytes]:
    """Copies with one bit of one byte the other way, so that a digit becomes another digit."""
    digits = [place for place, byte in enumerate(content) if chr(byte).isdigit()]
    places = {round(place) for place in np.linspace(0, len(content) - 1, ANYWHERE)}
    for place in sorted(places | set(digits[-3:])):
        yield content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def told(use: Callable[[], Any]) -> str:
    """What it gives, or the error that a user would read."""
    try:
        return str(use())
    except UserError as error:
        return f"UserError: {error}"


@pytest.mark.slow
@pytest.mark.parametrize("kind", MAKERS)
def test_a_changed_byte_is_never_used(
    kind: str, maze: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = MAKERS[kind](Place(tmp_path, maze, monkeypatch))
    content = file.path.read_bytes()
    value = file.use()
    assert value != ANEW
    for damaged in changed(content):
        file.path.write_bytes(damaged)
        found = told(file.use)
        assert found == ANEW or (f"UserError: {file.path.parent}/" in found), found
    file.path.write_bytes(content)
    assert file.use() == value


def test_a_damaged_view_of_a_run_is_made_from_the_cells(
    maze: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = a_run(Place(tmp_path, maze, monkeypatch))
    store.pack()
    path, planned = store.folder / "results.parquet", read_plan_file(store.folder)
    made = make_view(store, planned, store.finished_keys())
    content = path.read_bytes()
    path.write_bytes(next(changed(content)))
    assert load_results(store.folder).equals(made)
    assert make_view(store, planned, store.finished_keys()).equals(made)
    assert path.read_bytes() == content
