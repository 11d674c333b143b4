"""Search studies: the same on any number of workers, resumed in the middle, refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from surrobench import run_study
from surrobench.errors import UserError
from surrobench.studies import search as search_module
from surrobench.studies.pareto import HypervolumeMeter
from surrobench.studies.search import run_search
from surrobench.studies.search_config import build_search
from surrobench.studies.search_grid import SearchCell, make_search_plan

GP = {"use": "bayesian", "label": "gp", "predictor": "gp-rbf", "acquisition": "log-ei"}


def content(**changes: Any) -> dict[str, Any]:
    study = {
        "kind": "search",
        "name": "toy-search",
        "tasks": ["toy.toml"],
        "strategies": ["random", "local-search", GP],
        "evaluations": 16,
        "initial": 5,
        "seeds": 2,
    }
    return {**study, **changes}


def numbers(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns=["overhead_seconds", "host"])


def test_rows_do_not_depend_on_the_workers(in_toy: Path) -> None:
    one = run_study(content(), out="one", workers=1)
    two = run_study(content(), out="two", workers=2)
    pd.testing.assert_frame_equal(numbers(one), numbers(two))
    assert len(one) == 3 * 2 * 16
    assert (one["status"] == "ok").all()
    again = run_study(content(), out="one", workers=1)
    pd.testing.assert_frame_equal(numbers(one), numbers(again))


def test_rows_mean_what_they_say(in_toy: Path) -> None:
    frame = run_study(content(), out="run", workers=1)
    for _, run in frame.groupby(["strategy", "seed"], observed=True):
        assert run["evaluation"].tolist() == list(range(1, 17))
        assert run["spent"].tolist() == list(range(1, 17))
        assert run["arch"].nunique() == 16
        assert np.allclose(run["best_value"], np.maximum.accumulate(run["value"]))
        assert np.allclose(run["simple_regret"], run["optimum"] - run["best_value"])
        assert (run["simple_regret"] >= 0).all()
    starts = frame[frame["evaluation"] <= 5].groupby(["seed", "evaluation"])["arch"]
    assert (starts.nunique() == 1).all(), "the initial design differs between strategies"


def cell_of(**changes: Any) -> SearchCell:
    plan = make_search_plan(build_search(content(**changes)), Path.cwd())
    return next(cell for cell in plan.cells if cell.strategy == "gp")


def test_an_interrupted_search_goes_on_from_its_checkpoint(
    in_toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    whole = run_search(cell_of())
    cell = replace(cell_of(), scratch=str(in_toy / "unfinished"))
    monkeypatch.setattr(search_module, "CHECKPOINT_SECONDS", 0.0)
    evaluate = search_module.SearchTask.evaluate
    calls: list[Any] = []

    def interrupted(self: Any, arch: Any, **options: Any) -> Any:
        calls.append(arch)
        if len(calls) == 11:
            raise KeyboardInterrupt
        return evaluate(self, arch, **options)

    monkeypatch.setattr(search_module.SearchTask, "evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_search(cell)
    (checkpoint,) = Path(cell.scratch).iterdir()
    assert len(json.loads(checkpoint.read_text())["rows"]) == 10
    finished = run_search(cell)
    assert len(calls) == 11 + 6
    assert finished.payload == whole.payload
    assert not checkpoint.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"evaluations": 0}, "evaluations"),
        ({"initial": 20}, "initial"),
        ({"initial": 10**6, "evaluations": 10**6}, "initial"),
        ({"strategies": ["locol-search"]}, "local-search"),
        ({"strategies": [{**GP, "acquisition": "log-eii"}]}, "log-ei"),
        ({"strategies": [{**GP, "predictor": "gp-rbff"}]}, "gp-rbf"),
        ({"strategies": [{**GP, "aquisition": "ei"}]}, "acquisition"),
        ({"strategies": ["hyperband"]}, "lengths of training"),
        ({"constraints": {"parms": "<= 3"}}, "params"),
        ({"constraints": {"params": "below 3"}}, "<= 5.0"),
    ],
)
def test_mistakes_are_refused_before_anything_runs(
    in_toy: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        run_study(content(**changes), out="refused", workers=1)
    assert not list(Path("refused").glob("cells/*/*"))


def test_known_constraints_are_kept(in_toy: Path) -> None:
    frame = run_study(
        content(constraints={"params": "<= 102"}, strategies=[GP]), out="constrained", workers=1
    )
    assert (frame["status"] == "ok").all()
    assert np.isfinite(frame["simple_regret"].iloc[-1])
    assert (frame["simple_regret"].dropna() >= 0).all()


def test_the_true_front_attains_everything() -> None:
    rng = np.random.default_rng(0)
    objectives = rng.normal(size=(50, 2))
    meter = HypervolumeMeter.of(objectives, np.ones(50, dtype=bool))
    trace = meter.trace(objectives)
    assert trace[-1] == pytest.approx(1.0)
    assert (np.diff(trace) >= -1e-12).all()
    assert meter.measure(np.array([[np.nan, 1.0]])) == 0.0
    # Two points of a unit square: by hand.
    square = HypervolumeMeter(np.zeros(2), np.ones(2), 1.0)
    assert square.measure(np.array([[1.0, 0.5], [0.5, 1.0]])) == pytest.approx(0.75)
