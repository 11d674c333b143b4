"""What predictors are told of other tasks, and what they never are."""

from __future__ import annotations

import itertools
import random
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from surrobench import load_task, make_predictor
from surrobench.errors import UserError
from surrobench.predictors.predictive import predict
from surrobench.predictors.protocol import Source
from surrobench.strategies.bayesian.warm_start import best_in_turns
from surrobench.strategies.problem import KnownTask
from surrobench.studies.prediction.cell import run_cell
from surrobench.studies.prediction.config import Study
from surrobench.studies.prediction.plan import Cell, make_plan
from surrobench.studies.prediction.protocols import split
from surrobench.studies.prediction.source_tasks import draw_known, draw_sources
from surrobench.studies.search.cell import _loop, run_search
from surrobench.studies.search.config import SearchStudy
from surrobench.studies.search.plan import SearchCell, make_search_plan
from surrobench.studies.search.table_task import SearchTask

CARD = """
name = "kin"
data = "kin.csv"
decisions = ["a", "b", "c", "d"]
[tasks.scored]
target = "scored"
direction = "maximize"
[tasks.cousin]
target = "cousin"
direction = "maximize"
[tasks.alias]
target = "alias"
direction = "maximize"
"""

TOLD = """
    import numpy as np

    class Told:
        transfer = True
        seen = []

        def fit(self, X, y, sources=()):
            Told.seen.append([(s.name, s.X.copy(), s.y.copy()) for s in sources])
            self.mean = y.mean()
            return self

        def predict(self, X, return_std=False):
            mean = np.full(len(X), self.mean) + 1e-3 * X[:, 0]
            return (mean, np.ones(len(X))) if return_std else mean
"""


@pytest.fixture
def kin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of 500 architectures with two tasks that go together, and one under two names."""
    rng = random.Random(1)
    lines = ["a,b,c,d,scored,cousin,alias"]
    for a, b, c, d in itertools.product(range(5), range(5), range(5), "wxyz"):
        shared = a - 0.5 * b * c + 2 * "wxyz".index(d) + 0.3 * a * a
        scored = shared + rng.gauss(0, 0.4)
        cousin = 50 + 10 * (shared + rng.gauss(0, 0.4))
        lines.append(f"{a},{b},{c},{d},{scored:.5f},{cousin:.5f},{3 * scored + 1:.7f}")
    (tmp_path / "kin.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "kin.toml").write_text(CARD)
    (tmp_path / "told.py").write_text(textwrap.dedent(TOLD))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("told", None)
    return tmp_path


def study(**changes: Any) -> Study:
    content = {
        "kind": "prediction",
        "name": "kin",
        "tasks": ["kin.toml:scored"],
        "predictors": ["gp-transfer", "gp-matern52"],
        "train_sizes": [8],
        "seeds": 4,
        "protocol": "white2021",
        "sources": ["kin.toml:cousin"],
    }
    return Study.read({**content, **changes})


def cells(kin: Path, **changes: Any) -> list[Cell]:
    found: list[Cell] = make_plan(study(**changes), kin).cells
    return found


def test_other_tasks_help_where_they_are_related(kin: Path) -> None:
    taus: dict[str, list[float]] = {}
    for cell in cells(kin):
        record = run_cell(cell)
        assert record.payload["status"] == "ok", record.payload["reason"]
        taus.setdefault(cell.predictor, []).append(record.payload["kendall_tau"])
        assert record.payload.get("n_sources") == (200 if cell.sources else None)
    assert np.mean(taus["gp-transfer"]) > np.mean(taus["gp-matern52"]) + 0.15


def test_sources_reach_only_those_that_ask_and_only_their_keys(kin: Path) -> None:
    with_sources, without = cells(kin), cells(kin, sources=None)
    keys = {cell.predictor: set() for cell in without}
    for cell in [*with_sources, *without]:
        keys[cell.predictor].add(cell.key)
    assert len(keys["gp-matern52"]) == 4
    assert len(keys["gp-transfer"]) == 8
    assert {cell.sources for cell in with_sources if cell.predictor == "gp-matern52"} == {()}
    fewer = cells(kin, source_size=20)
    assert {cell.key for cell in fewer}.isdisjoint(
        {cell.key for cell in with_sources if cell.sources}
    )


def test_a_task_is_no_source_of_itself(kin: Path) -> None:
    both = ["kin.toml:scored", "kin.toml:cousin"]
    planned = cells(kin, tasks=both, sources=both, predictors=["gp-transfer"])
    assert {(cell.task, cell.sources) for cell in planned} == {
        ("kin/scored", ("kin.toml:cousin",)),
        ("kin/cousin", ("kin.toml:scored",)),
    }


def test_the_scored_task_under_another_name_is_refused(kin: Path) -> None:
    with pytest.raises(UserError, match="kin/alias ranks all architectures as kin/scored does"):
        cells(kin, sources=["kin.toml:alias"])


def test_other_architectures_are_refused(kin: Path) -> None:
    (kin / "other.toml").write_text(
        CARD.replace('"kin"', '"other"').replace('"a", "b",', '"b", "a",')
    )
    with pytest.raises(UserError, match="not described as those of kin/scored"):
        cells(kin, sources=["other.toml:cousin"])


@pytest.mark.parametrize("protocol", ["grouped", "grouped-2000", "white2021"])
def test_no_network_that_is_scored_is_in_a_source(kin: Path, protocol: str) -> None:
    task, cousin = load_task("kin.toml:scored"), load_task("kin.toml:cousin")
    _, test = split(task, protocol, 40, 3)
    (source,) = draw_sources(task, ["kin.toml:cousin"], kin, "one-hot", 100, test, 3)
    known = task.encode("one-hot")
    scored = {row.tobytes() for row in known[test]}
    assert scored.isdisjoint(row.tobytes() for row in source.X.numpy())
    assert len(source.X) == (40 if protocol != "white2021" else 100)
    values = {row.tobytes(): y for row, y in zip(known, cousin.truth, strict=True)}
    assert [values[row.tobytes()] for row in source.X.numpy()] == source.y.squeeze(-1).tolist()


def test_sources_are_the_same_at_every_train_size(kin: Path) -> None:
    task = load_task("kin.toml:scored")
    nothing = np.array([], dtype=np.int_)
    drawn = [
        draw_sources(task, ["kin.toml:cousin"], kin, "one-hot", 30, nothing, s)[0]
        for s in (0, 0, 1)
    ]
    assert torch.equal(drawn[0].X, drawn[1].X)
    assert not torch.equal(drawn[0].X, drawn[2].X)


def test_a_regressor_is_told_in_its_own_shape(kin: Path) -> None:
    (cell,) = cells(kin, predictors=["told:Told"], seeds=1, source_size=15)
    assert run_cell(cell).payload["status"] == "ok"
    from told import Told  # type: ignore[import-not-found]

    ((name, X, y),) = Told.seen[-1]
    assert (name, X.shape[0], y.shape) == ("kin/cousin", 15, (15,))
    assert abs(y.mean()) < 1e-9  # standardised, as its own targets are
    assert make_predictor("told:Told").fit(torch.eye(4).double(), torch.ones(4, 1).double(), seed=0)
    assert Told.seen[-1] == []


def test_transfer_without_a_place_for_sources_is_refused() -> None:
    class Deaf:
        transfer = True

        def fit(self, X: Any, y: Any) -> None: ...

        def predict(self, X: Any) -> Any: ...

    with pytest.raises(UserError, match="its fit takes no keyword 'sources'"):
        make_predictor(Deaf)


def test_units_of_a_source_do_not_matter() -> None:
    X = torch.rand(40, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = (X @ torch.tensor([[1.0], [2.0], [-1.0]], dtype=torch.float64)).sin()
    recipe = make_predictor("gp-transfer")
    found = []
    for scale in (1.0, 1000.0):
        source = Source("s", X[10:], scale * y[10:] - 3.0)
        model = recipe.fit(X[:4], y[:4], seed=0, sources=[source])  # type: ignore[call-arg]
        found.append(predict(model, X).mean)
    assert np.allclose(*found, atol=1e-6)


def test_others_are_the_rest_of_the_table(kin: Path) -> None:
    both = ["kin.toml:scored", "kin.toml:cousin"]
    planned = cells(kin, tasks=both, sources=["others"], predictors=["gp-transfer"])
    assert {(cell.task, cell.sources) for cell in planned} == {
        ("kin/scored", ("kin.toml:cousin",)),
        ("kin/cousin", ("kin.toml:scored",)),
    }


def test_sources_by_scored_task(kin: Path) -> None:
    both = ["kin.toml:scored", "kin.toml:cousin"]
    planned = cells(kin, tasks=both, sources={"*/scored": ["others"]}, predictors=["gp-transfer"])
    told = {cell.task: cell.sources for cell in planned}
    assert told == {"kin/scored": ("kin.toml:cousin",), "kin/cousin": ()}
    again = Study.read(study(tasks=both, sources={"*/scored": ["others"]}).model_dump())
    assert again.to_toml().count('sources = {"*/scored" = ["others"]}') == 1
    with pytest.raises(UserError, match="sources"):
        study(sources={})


@pytest.mark.parametrize("predictor", ["rgpe", "gp-multitask", "source-features"])
def test_every_predictor_that_transfers_runs_in_a_study(kin: Path, predictor: str) -> None:
    (cell,) = cells(kin, predictors=[predictor], seeds=1, source_size=40)
    record = run_cell(cell)
    assert record.payload["status"] == "ok", record.payload["reason"]
    assert record.payload["n_sources"] == 40


def searches(kin: Path, **changes: Any) -> list[SearchCell]:
    content = {
        "kind": "search",
        "name": "kin",
        "tasks": ["kin.toml:scored"],
        "strategies": [
            {"use": "bayesian", "predictor": "gp-matern52", "label": "plain"},
            {"use": "bayesian", "predictor": "rgpe", "label": "rgpe"},
            {"use": "bayesian-warm-start", "predictor": "gp-matern52", "label": "warm"},
            "random",
        ],
        "evaluations": 6,
        "initial": 3,
        "seeds": 1,
        "sources": ["kin.toml:cousin"],
        "source_size": 60,
    }
    plan = make_search_plan(SearchStudy.read({**content, **changes}), kin)
    found: list[SearchCell] = plan.cells
    return found


def test_searches_are_told_of_sources_if_they_ask(kin: Path) -> None:
    told, plain = searches(kin), searches(kin, sources=None)
    asked = {cell.strategy for cell in told if cell.sources}
    assert asked == {"rgpe", "warm"}
    changed = {a.strategy for a, b in zip(told, plain, strict=True) if a.key != b.key}
    assert changed == asked


def test_a_warm_start_begins_with_the_best_of_the_sources(kin: Path) -> None:
    (cell,) = [cell for cell in searches(kin) if cell.strategy == "warm"]
    record = run_search(cell)
    assert record.payload["status"] == "ok", record.payload["reason"]
    task, cousin = load_task("kin.toml:scored"), load_task("kin.toml:cousin")
    candidates = SearchTask.load("kin.toml:scored", kin, (), {}).problem.candidates
    (known,) = draw_known(task, candidates, cell.sources, kin, cell.source_size, cell.seed)
    assert len(known.archs) == 60
    assert [cousin.truth[cousin.index[arch]] for arch in known.archs] == known.values.tolist()
    best = [known.archs[row] for row in np.argsort(-known.values)[:3]]
    assert record.payload["rows"]["arch"][:3] == [task.space.to_string(arch) for arch in best]


def test_a_told_search_goes_on_from_its_state_alike(kin: Path) -> None:
    cell = next(cell for cell in searches(kin) if cell.strategy == "rgpe")
    whole = run_search(cell).payload["rows"]["arch"]
    task = SearchTask.load("kin.toml:scored", kin, (), {})
    loop = _loop(cell, task)
    for _ in range(4):
        loop.step()
    other = _loop(cell, task)
    other.restore(loop.state())
    while other.step():
        pass
    assert [task.space.to_string(row.arch) for row in other.rows] == whole


def test_sources_take_turns() -> None:
    known = [
        KnownTask("a", [(0,), (1,), (2,)], np.array([1.0, 3.0, 2.0])),
        KnownTask("b", [(1,), (3,)], np.array([5.0, 4.0])),
    ]
    assert best_in_turns(known, 3, set()) == [(1,), (2,), (3,)]
    assert best_in_turns(known, 9, {(2,)}) == [(1,), (3,), (0,)]
