"""A table of one's own whose decisions depend on each other: momentum, which only SGD has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from in_process import in_process

from surrobench import load_task, run_study
from surrobench.encodings import make_encoding
from surrobench.strategies import make_strategy
from surrobench.strategies.candidates import Candidates
from surrobench.tasks import task_info

__all__ = ["in_process"]

CARD = """
name = "runs"
data = "runs.csv"
absent = "not-there"
decisions = [{ column = "rate", scale = "log" }, "optimiser", "momentum"]

[tasks.loss]
target = "loss"
direction = "minimize"
unit = "nats"
"""
STUDY = {"seeds": 1, "tasks": ["runs.toml"]}


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rows = tmp_path_factory.mktemp("runs"), []
    for rate in np.geomspace(1e-4, 1e-1, 13):
        far = abs(np.log10(rate) + 2)
        rows.append((rate, "adam", None, 1 + far))
        rows += [(rate, "sgd", m, 1 + far - m / 2) for m in (0.0, 0.3, 0.5, 0.8, 0.9)]
    table = pd.DataFrame(rows, columns=["rate", "optimiser", "momentum", "loss"])
    table.to_csv(folder / "runs.csv", index=False)
    (folder / "runs.toml").write_text(CARD, encoding="utf-8")
    return folder / "runs.toml"


def test_an_absent_decision_is_no_number(card: Path) -> None:
    task = load_task(str(card))
    account = task_info(str(card)).decisions[-1]
    assert account.names == ("momentum",)
    assert account.absent == (13,)
    momentum = task.space.variables[2]
    assert momentum.choices[0] == "absent"
    assert momentum.values is not None
    assert min(momentum.values[1:]) == 0.0  # which is a momentum, and another choice
    numeric = make_encoding("numeric")
    columns = numeric.columns(task.space, {})
    X = numeric(task.archs, task.space, {})
    value, there = columns.index("momentum"), columns.index("momentum present")
    adam = np.array([task.space.to_string(tuple(a)).split(",")[1] == "adam" for a in task.archs])
    assert (X[:, there] == ~adam).all()
    assert len(np.unique(X[adam, value])) == 1  # so that two runs with Adam differ by rate alone
    assert set(task.groups[adam]).isdisjoint(task.groups[~adam])


def test_neighbours_change_the_optimiser_and_what_follows_from_it(card: Path) -> None:
    task = load_task(str(card))
    pool = Candidates(task.space, task.archs)
    words = task.space.variables[1].choices
    adam = next(tuple(a) for a in task.archs.tolist() if words[a[1]] == "adam")
    near = pool.neighbours(adam)
    assert near
    assert all((words[arch[1]] == "adam") is (arch[2] == 0) for arch in near)


@pytest.mark.slow
@pytest.mark.parametrize("predictor", ["default", "gp-blocks", "knn", "random-forest"])
def test_a_search_never_proposes_momentum_for_adam(card: Path, predictor: str) -> None:
    task = load_task(str(card))
    words = task.space.variables[1].choices
    recipe = {"use": "bayesian", "predictor": predictor}
    search = make_strategy(recipe, Candidates(task.space, task.archs), seed=0, design=8)
    while len(search.history) < 16:
        (arch,) = search.ask()
        assert (words[arch[1]] == "adam") is (arch[2] == 0)
        search.tell(arch, float(task.truth[task.index[arch]]))
    found = max(observation.value for observation in search.history)
    assert found >= np.quantile(task.truth, 0.95)


def test_studies_of_both_kinds_run_on_it(
    card: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, in_process: list[int]
) -> None:
    monkeypatch.chdir(card.parent)
    predictions = run_study(
        {
            "kind": "prediction",
            "name": "p",
            "predictors": ["gp-mixed", "gp-matern52", "knn"],
            "train_sizes": [30],
            **STUDY,
        },
        out=tmp_path / "p",
        workers=1,
        progress=False,
    )
    assert (predictions["status"] == "ok").all()
    assert set(predictions["encoding"]) == {"categorical+numeric"}
    assert predictions.set_index("predictor")["kendall_tau"]["gp-mixed"] > 0.6
    searches = run_study(
        {
            "kind": "search",
            "name": "s",
            "strategies": ["bayesian", "local-search"],
            "evaluations": 14,
            "initial": 6,
            **STUDY,
        },
        out=tmp_path / "s",
        workers=1,
        progress=False,
    )
    assert (searches["status"] == "ok").all()
