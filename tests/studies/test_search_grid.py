"""The plan of a search study: complete, checked, with keys that change when the numbers could."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from search_toy import search_study

from surrobench.errors import UserError
from surrobench.studies.plan import Plan
from surrobench.studies.search.config import SearchStudy
from surrobench.studies.search.plan import make_search_plan


def plan(base: Path, **changes: Any) -> Plan:
    return make_search_plan(SearchStudy.read(search_study(**changes)), base)


def methods(base: Path, **changes: Any) -> list[str]:
    return [cell.method() for cell in plan(base, seeds=1, **changes).cells]


def test_every_task_strategy_and_seed_once(maze: Path) -> None:
    cells = plan(maze, tasks=["maze.toml:accuracy", "maze.toml:partial"]).cells
    assert len(cells) == 2 * 2 * 2
    assert len({cell.key for cell in cells}) == len({cell.name() for cell in cells}) == 8
    assert {cell.task for cell in cells} == {"maze/accuracy", "maze/partial"}
    assert cells == plan(maze, tasks=["maze.toml:accuracy", "maze.toml:partial"]).cells


def test_some_strategies_get_fewer_seeds(maze: Path) -> None:
    cells = plan(maze, seeds=[7, 3, 5], seeds_of={"local-*": 2}).cells
    assert [cell.seed for cell in cells if cell.strategy == "random"] == [7, 3, 5]
    assert [cell.seed for cell in cells if cell.strategy == "local-search"] == [7, 3]


def test_seeds_may_depend_on_the_task(maze: Path) -> None:
    tasks = ["maze.toml:accuracy", "maze.toml:partial"]
    limits = {"local-*": 2, "* on maze/partial": 1, "random on */partial": 0}
    cells = plan(maze, tasks=tasks, seeds=3, seeds_of=limits).cells
    counts = {
        (task, strategy): sum((c.task, c.strategy) == (task, strategy) for c in cells)
        for task in ("maze/accuracy", "maze/partial")
        for strategy in ("random", "local-search")
    }
    assert list(counts.values()) == [3, 2, 0, 1]


def test_axes_cross_what_strategies_leave_open(maze: Path) -> None:
    ucb = {"use": "bayesian", "label": "ucb", "acquisition": "ucb"}
    forest = {"use": "random-forest", "trees": 20, "label": "forest"}
    found = methods(
        maze,
        strategies=["random", "bayesian", {"use": "bananas", "encoding": "ordinal"}, ucb],
        predictors=["knn", forest, "params"],
        acquisitions=["ei", "pi"],
        encodings=["default", "ordinal"],
    )
    assert found[0] == "random"
    assert found[1:5] == [
        f"bayesian [knn, {encoding}, {acquisition}]"
        for encoding in ("categorical+numeric", "ordinal")
        for acquisition in ("ei", "pi")
    ]
    assert "bayesian [params, measured:params, ei]" in found  # its own encoding, and only that
    assert sum("params" in method for method in found) == 3
    assert found.count("bananas [mlp-ensemble+quantile-normal, ordinal, its]") == 1
    assert "ucb [forest, ordinal, ucb]" in found
    assert len(found) == 1 + 10 + 1 + 5


def test_what_was_not_varied_is_named_all_the_same(maze: Path) -> None:
    assert methods(maze, strategies=["bayesian"]) == [
        "bayesian [gp-mixed+quantile-normal, categorical+numeric, log-ei]"
    ]


def test_labels_name_the_options_that_have_no_column(maze: Path) -> None:
    found = methods(
        maze,
        strategies=[
            {"use": "regularised-evolution", "population": 20},
            {"use": "bayesian", "acquisition": {"use": "ucb", "label": "mild"}},
        ],
    )
    assert found[0] == "regularised-evolution(population=20)"
    assert found[1].endswith(", mild]")


def test_keys_depend_on_what_the_numbers_depend_on(maze: Path) -> None:
    def key(**changes: Any) -> str:
        study = {"strategies": ["bayesian"], "seeds": [1], **changes}
        return plan(maze, **study).cells[0].key

    same = {
        key(),
        key(name="other", timeout_seconds=5.0, memory_gib=1.0, description="x"),
        key(strategies=["random", "bayesian"][1:]),
        key(strategies=[{"use": "bayesian", "acquisition": "log-ei"}]),
        key(encodings=["default"]),
    }
    assert len(same) == 1
    others = {
        key(seeds=[2]),
        key(evaluations=21),
        key(initial=4),
        key(batch=2),
        key(repeats=True),
        key(budget_seconds=900.0),
        key(constraints={"params": "<= 104"}),
        key(constraints={"params": "<= 105"}),
        key(constraints={"params": ">= 104"}),
        key(constraints={"maze.toml:latency": "<= 4"}),
        key(objectives=["maze.toml:latency"]),
        key(tasks=["maze.toml:partial"]),
        key(strategies=[{"use": "bayesian", "refit_every": 7}]),
        key(acquisitions=["ucb"]),
        key(acquisitions=[{"use": "ucb", "beta": 3.0}]),
        key(predictors=["knn"]),
        key(encodings=["ordinal"]),
    }
    assert len(others | same) == 18


def test_edited_code_gets_new_keys(
    tmp_path: Path, maze: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    source = "from surrobench.strategies.evolution.random_search import RandomSearch as Mine\n"
    source += "class Strategy(Mine): pass\n"
    source += "class Regressor:\n    def fit(self, X, y): pass\n    def predict(self, X): pass\n"
    keys = []
    for text in (source, source, source + "# edited\n"):
        (tmp_path / "byhand.py").write_text(text)
        sys.modules.pop("byhand", None)
        strategies = ["byhand:Strategy", {"use": "bayesian", "predictor": "byhand:Regressor"}]
        keys.append([cell.key for cell in plan(maze, strategies=strategies, seeds=1).cells])
    assert keys[0] == keys[1]
    assert not set(keys[1]) & set(keys[2])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"initial": 257, "evaluations": 300}, "initial = 257, but task"),
        ({"constraints": {"parms": "<= 3"}}, "no such measured column. Did you mean 'params'"),
        ({"constraints": {"params": "<= 3"}}, "no architecture of task 'maze/accuracy' keeps"),
        ({"constraints": {"nb201/nothing": "<= 3"}}, "unknown task 'nb201/nothing'"),
        ({"objectives": ["live/digits-chain"]}, "'live/digits-chain' is about the space 'chain'"),
        ({"objectives": ["maze.toml:accuracy"]}, "is the task itself"),
        ({"objectives": ["maze.toml:latencies"]}, "unknown task 'maze.toml:latencies'"),
        ({"tasks": ["maze.toml:latency"], "budget_seconds": 9.0}, "does not say how long"),
        (
            {"tasks": ["maze.toml:latency"], "strategies": ["hyperband"]},
            "strategy 'hyperband' on task 'maze/latency': Hyperband needs a task with at least two",
        ),
        (
            {"strategies": [{"use": "bayesian", "refit_every": 0}]},
            "strategy 'bayesian(refit_every=0)' on task 'maze/accuracy': BayesianOptimisation: "
            "option 'refit_every' is 0",
        ),
        (
            {
                "strategies": [
                    {"use": "random", "label": "x"},
                    {"use": "local-search", "label": "x"},
                ]
            },
            "two different strategies are called 'x'",
        ),
        ({"strategies": ["wild:Rises"]}, "no attribute 'Rises'. Did you mean 'Raises'"),
        ({"strategies": [{"use": "wild:Slow", "second": 1.0}]}, "no option 'second'. Did you"),
        (
            {"strategies": ["bayesian"], "acquisitions": ["mes"], "predictors": ["random-forest"]},
            "acquisition 'mes' needs a posterior of kind gp, but predictor 'random-forest' gives",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_before_any_work(
    maze: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError) as error:
        plan(maze, **changes)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"predictors": ["knn"]}, r"predictors \(--predictor\) changes nothing"),
        ({"encodings": ["ordinal"]}, r"encodings \(--encoding\) changes nothing"),
        ({"acquisitions": ["ei"]}, r"acquisitions \(--acquisition\) changes nothing"),
    ],
)
def test_an_axis_that_no_strategy_takes_is_refused(
    maze: Path, changes: dict[str, Any], named: str
) -> None:
    settled = {
        "use": "bayesian",
        "predictor": "gp-rbf",
        "encoding": "one-hot",
        "acquisition": "log-ei",
    }
    with pytest.raises(UserError, match=named):
        plan(maze, strategies=["random", settled], **changes)
