"""One hash of the numbers: for any workers, order, shards and machine, and for every kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from every_kind import FAILED, STUDIES
from in_process import compute_here, in_process

from surrobench import run_study
from surrobench.studies import runner
from surrobench.studies.engine import forks
from surrobench.studies.pipeline import task as pipeline_task
from surrobench.studies.run_folder.merging import merge
from surrobench.studies.run_folder.record import Record
from surrobench.studies.run_folder.store import ResultStore, payload_digest
from surrobench.studies.run_folder.tally import Tally
from surrobench.studies.search import live_task as live_search_task
from surrobench.tasks.live import live_options

__all__ = ["in_process"]

AXES = ("predictors", "strategies", "seeds")


def shuffled(study: dict[str, Any]) -> dict[str, Any]:
    """The same cells in another order."""
    seeds = study["seeds"]
    study = {**study, "seeds": seeds if isinstance(seeds, list) else list(range(seeds))}
    return {**study, **{axis: study[axis][::-1] for axis in AXES if axis in study}}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Changes to a machine that has trained and counted nothing yet."""
    caches = (live_options._made, live_search_task._candidates, pipeline_task._load)

    def change(name: str) -> None:
        monkeypatch.setenv("SURROBENCH_CACHE", str(tmp_path / f"cache of {name}"))
        for cache in caches:
            cache.cache_clear()

    return change


@pytest.mark.slow
@pytest.mark.parametrize("kind", STUDIES)
def test_any_order_and_any_shards_give_one_hash(
    kind: str,
    toy: Path,
    in_maze: Path,
    tmp_path: Path,
    machine: Callable[[str], None],
    in_process: list[int],
) -> None:
    study = STUDIES[kind]
    if kind == "prediction":
        study = {**study, "tasks": [str(toy / "toy.toml")]}
    machine("one")
    run_study(study, out=tmp_path / "whole")
    expected = Tally.of(tmp_path / "whole")
    assert (expected.missing, expected.failed) == (0, FAILED.get(kind, 0))
    assert expected.cells >= 4
    run_study(shuffled(study), out=tmp_path / "shuffled")
    assert Tally.of(tmp_path / "shuffled") == expected
    parts = [tmp_path / f"p{number}" for number in (1, 2)]
    for number, part in enumerate(parts, start=1):
        machine(part.name)
        run_study(study, out=part, shard=f"{number}/2")
    assert all(Tally.of(part).cells for part in parts)
    assert merge(tmp_path / "out", parts).tally == expected
    computed = len(in_process)
    run_study(study, out=tmp_path / "out")
    assert len(in_process) == computed


@pytest.mark.slow
def test_two_workers_give_the_hash_of_one(
    in_maze: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real processes beside none; the other kinds are compared beside their own tests."""
    study = {**STUDIES["search"], "strategies": ["random", "wild:Careless"]}
    run_study(study, out=tmp_path / "two", workers=2)
    monkeypatch.setattr(runner, "execute", compute_here)
    monkeypatch.setattr(forks, "new_template", lambda target: None)
    run_study(study, out=tmp_path / "one")
    assert Tally.of(tmp_path / "two") == Tally.of(tmp_path / "one")


def record(**changes: Any) -> Record:
    payload = {"task": "t", "seed": 0, "status": "ok", "reason": "", "rmse": 0.5}
    return Record("k" * 40, {**payload, **changes}, {"fit_seconds": 1.0}, {"host": "here"})


def test_what_enters_the_hash_and_what_does_not() -> None:
    same = Record("k" * 40, record().payload, {"fit_seconds": 9.0}, {"host": "there", "x": 1})
    assert payload_digest([record()]) == payload_digest([same])
    for change in ({"rmse": 0.25}, {"seed": 1}, {"status": "failed"}, {"rmse": float("nan")}):
        assert payload_digest([record(**change)]) != payload_digest([record()])
    why = [record(status="timeout", reason=text, rmse=1.0) for text in ("after 9 s", "after 8 s")]
    assert payload_digest(why[:1]) == payload_digest(why[1:])
    assert payload_digest(why[:1]) != payload_digest([record(status="oom")])


@pytest.mark.slow
def test_measured_seconds_of_trainings_are_no_numbers(
    tmp_path: Path,
    in_maze: Path,
    machine: Callable[[str], None],
    in_process: list[int],
) -> None:
    machine("one")
    study = {**STUDIES["live search"], "strategies": ["random"], "seeds": 1}
    frame = run_study(study, out=tmp_path / "run")
    assert (frame["simulated_seconds"].diff().iloc[1:] > 0).all()
    (kept,) = ResultStore(tmp_path / "run").scan().records.values()
    assert "simulated_seconds" not in kept.payload["rows"]
    assert len(kept.timing["simulated_seconds"]) == 3
    stated = run_study(
        {**STUDIES["search"], "strategies": ["random"], "seeds": 1}, out=tmp_path / "table"
    )
    assert (stated["simulated_seconds"].diff().iloc[1:] > 0).all()
    (kept,) = ResultStore(tmp_path / "table").scan().records.values()
    assert "simulated_seconds" in kept.payload["rows"]
