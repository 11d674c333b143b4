"""Search on a space and a function of one's own: names, directions, workers, interruptions."""

from __future__ import annotations

import itertools
import math
import os
import re
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

import surrobench
from surrobench import Categorical, Evaluation, Integer, Real, Space, UserError, search
from surrobench.base.sealed import read_sealed
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.choices import Choices
from surrobench.strategies.running.loop import rows_of

SPACE = Space(
    depth=Integer(1, 8),
    lr=Real(1e-4, 1e-1, log=True, steps=10),
    op=Categorical("conv", "pool"),
    optimiser=Categorical("adam", "sgd"),
    momentum=Real(0, 0.9, steps=5, when={"optimiser": "sgd"}),
)


def train(depth: int, lr: float, op: str, optimiser: str, momentum: float | None = None) -> float:
    """At most 1: five deep, a rate of 0.01, convolutions, momentum 0.9."""
    assert (momentum is None) == (optimiser == "adam")
    worth = 0.1 * (op == "conv") + 0.1 * (momentum or 0.0) / 0.9
    return 0.8 + worth - 0.02 * (depth - 5) ** 2 - 0.1 * (math.log10(lr) + 2) ** 2


def quick(evaluate: Callable[..., Any] = train, **changes: Any) -> Any:
    return search(SPACE, evaluate, **{"strategy": "random", "budget": 12, "initial": 4, **changes})


# -- default kernels ------------------------------------------------------------------------------


def test_numbers_are_searched_as_numbers_by_default() -> None:
    sizes = (40, 30, 20)
    decisions = [Variable(name, tuple(range(k))) for name, k in zip("abc", sizes, strict=True)]
    space = Choices("grid", decisions)

    def value(arch: Arch) -> float:
        u = np.array([a / (k - 1) for a, k in zip(arch, sizes, strict=True)])
        smooth = ((u - [0.31, 0.67, 0.43]) ** 2).sum() * 4
        return -float(smooth + 0.5 * (u[0] - 0.31) * (u[1] - 0.67))

    found = search(space, value, budget=40, seed=1).best.value
    assert -found < 0.02  # with one-hot columns .07


def test_a_space_of_all_kinds_is_learned_by_default() -> None:
    result = search(SPACE, train, budget=30, seed=1)
    floor = quick(budget=30, seed=1)
    assert result.best.value > floor.best.value
    assert result.best.value > 0.95


# -- calling --------------------------------------------------------------------------------------


def test_functions_are_called_by_name_or_with_an_architecture() -> None:
    by_name = quick()
    by_arch = quick(lambda arch: train(**SPACE.values(arch)))
    by_keywords = quick(lambda **config: train(**config))
    values = [[row.value for row in r.rows] for r in (by_name, by_arch, by_keywords)]
    assert values[0] == values[1] == values[2]
    assert train(**by_name.best_values) == by_name.best.value
    assert set(by_name.frame["choice:op"]) == {"conv", "pool"}


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda depth, lr, op: 1.0, "by name, but not 'optimiser'"),
        (lambda depth, lr, op, optimiser, momentum: 1.0, "momentum=None"),
        (lambda depth, lr, op, optimiser, seed, momentum=None: 1.0, "'seed', which is no decision"),
    ],
)
def test_a_function_that_does_not_fit_the_space_is_told_before_any_training(
    function: Any, message: str
) -> None:
    with pytest.raises(UserError) as error:
        quick(function)
    assert message in str(error.value)


# -- misspelt names and hopeless trainings --------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"constraints": {"latencyy": "<= 5"}}, "'latencyy' is a constraint"),
        ({"objectives": ["latt"], "strategy": None}, "'latt' is an objective"),
    ],
)
def test_a_metric_that_no_training_reports_stops_the_first(
    asked: dict[str, Any], named: str
) -> None:
    calls: list[int] = []

    def measured(**config: Any) -> Evaluation:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("the first fails, and says nothing about metrics")
        return Evaluation(train(**config), metrics={"latency": 1.0})

    with pytest.raises(UserError, match="latency") as error:
        quick(measured, **asked)
    assert named in str(error.value)
    assert "Did you mean 'latency'?" in str(error.value)
    assert len(calls) == 2


def test_objectives_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(UserError, match=r"write a list, \['lat'\]"):
        quick(objectives="lat")
    with pytest.raises(UserError, match="'local-search' looks at the value alone"):
        quick(objectives=["lat"], strategy="local-search")
    with pytest.raises(UserError, match="valid: 'maximize', 'minimize'"):
        quick(objectives={"lat": "less"})
    with pytest.raises(UserError, match="direction is 'down'"):
        quick(direction="down")


def test_an_initial_design_that_fails_alike_ends_the_search(tmp_path: Path) -> None:
    calls: list[int] = []

    def broken(**config: Any) -> float:
        calls.append(1)
        raise FileNotFoundError(f"no data at {len(calls)}.npz")

    path = tmp_path / "search.json"
    with pytest.raises(UserError, match=r"first 4 trainings all failed .*FileNotFoundError: no da"):
        quick(broken, budget=50, save=path)
    assert len(calls) == 4
    assert len(quick(save=path).rows) == 12  # mended, it begins anew


@pytest.mark.parametrize(
    ("returned", "settings", "reason"),
    [
        (math.nan, {}, "the value is NaN"),
        (math.inf, {"workers": 2}, "the value is infinite"),
        (Evaluation(math.nan, metrics={"latency": 1.0}), {}, "the value is NaN"),
        (
            Evaluation(1.0, metrics={"latency": math.nan, "params": math.nan}),
            {"objectives": {"latency": "minimize"}},
            "the metric 'latency', an objective, is NaN",
        ),
        (
            Evaluation(1.0, metrics={"latency": 1.0, "params": math.nan}),
            {"constraints": {"params": "<= 3"}, "objectives": {"latency": "minimize"}},
            "the metric 'params', a constraint, is NaN",
        ),
    ],
)
def test_an_initial_design_without_numbers_ends_the_search_with_what_was_none(
    returned: Any, settings: dict[str, Any], reason: str
) -> None:
    if "workers" in settings:
        settings = {"workers": ThreadPoolExecutor(settings["workers"])}
    with pytest.raises(UserError) as error:
        quick(lambda arch: returned, budget=50, **settings)
    assert str(error.value) == f"the first 4 trainings all failed in the same way: {reason}."


def test_trainings_that_succeed_with_a_remark_go_on() -> None:
    remarked = Evaluation(0.5, metrics={"latency": 1.0}, reason="trained at half precision")
    assert len(quick(lambda arch: remarked).rows) == 12


def test_a_search_in_which_all_failed_says_how_the_last_did() -> None:
    result = quick(lambda arch: math.nan, budget=2, initial=2)
    assert repr(result) == (
        "SearchResult(random, 2 evaluations (2 failed), no best: the last failed with "
        "the value is NaN)"
    )
    assert set(result.frame["reason"]) == {"the value is NaN"}


def test_different_failures_do_not_end_the_search() -> None:
    def moody(depth: int, **config: Any) -> float:
        raise (ValueError if depth % 2 else KeyError)("x")

    assert len(quick(moody).rows) == 12


# -- directions -----------------------------------------------------------------------------------


def test_minimising_is_maximising_the_negative_in_the_users_sign() -> None:
    up = quick(lambda **c: -train(**c), strategy="regularised-evolution")
    seen: list[float] = []
    down = quick(
        strategy="regularised-evolution",
        direction="minimize",
        callback=lambda row: seen.append(row.value),
    )
    assert [row.arch for row in down.rows] == [row.arch for row in up.rows]
    assert [row.value for row in down.rows] == seen == [-row.value for row in up.rows]
    assert down.best.value == min(seen)
    assert list(down.frame["best_value"]) == list(np.minimum.accumulate(seen))


def test_the_pareto_front_holds_what_nothing_beats_in_everything() -> None:
    def measured(depth: int, **config: Any) -> Evaluation:
        latency = float(depth + (config["op"] == "conv"))
        return Evaluation(train(depth, **config), metrics={"latency": latency})

    result = quick(measured, budget=40, objectives={"latency": "minimize"})
    points = [(row.value, row.metrics["latency"]) for row in result.rows]
    beaten = [any(v >= p[0] and m <= p[1] and (v, m) != p for v, m in points) for p in points]
    front = {row.arch for row, worse in zip(result.rows, beaten, strict=True) if not worse}
    assert {row.arch for row in result.pareto} == front
    assert result.pareto[0].value == result.best.value
    assert set(result.rows[0].metrics) == {"latency"}
    both = quick(measured, strategy=None, budget=8, objectives={"latency": "minimize"})
    assert both.label == "bayesian-multi-objective"


def test_a_front_needs_objectives() -> None:
    measured = quick(lambda **c: Evaluation(train(**c), metrics={"latency": 2.0}))
    with pytest.raises(UserError, match=r"objectives=\{'latency': 'minimize'\}.*report 'latency'"):
        _ = measured.pareto
    with pytest.raises(UserError, match=r"return Evaluation\(value, metrics="):
        _ = quick().pareto


def test_a_result_is_one_short_line() -> None:
    assert re.fullmatch(
        r"SearchResult\(random, 12 evaluations, best 0\.\d+: depth=.*\)", repr(quick())
    )


# -- workers --------------------------------------------------------------------------------------


def test_workers_train_at_the_same_time_and_each_result_is_told_once() -> None:
    barrier = threading.Barrier(3, timeout=60)
    begun = itertools.count()

    def meets(arch: Arch) -> float:
        if next(begun) < 3:  # passes only if three trainings run together
            barrier.wait()
        return train(**SPACE.values(arch))

    with ThreadPoolExecutor(3) as executor:
        result = quick(meets, workers=executor, budget=12)
    assert len(result.rows) == 12
    assert len({row.arch for row in result.rows}) == 12
    assert all(row.value == train(**SPACE.values(row.arch)) for row in result.rows)


@pytest.mark.slow
def test_a_process_that_dies_costs_its_own_training() -> None:
    def dies(depth: int, **config: Any) -> float:
        if depth == 3:
            os._exit(7)
        return train(depth, **config)

    result = quick(dies, workers=2, budget=10, seed=2)
    died = [SPACE.values(row.arch)["depth"] == 3 for row in result.rows]
    assert any(died)
    assert [row.status == "failed" for row in result.rows] == died
    assert all("worker process died" in row.reason for row in result.rows if row.status != "ok")


class Interrupted(BaseException):
    """The machine goes down."""


@pytest.mark.parametrize("workers_then", [None, 2])
def test_a_search_with_workers_goes_on_where_it_was_stopped(
    tmp_path: Path, workers_then: int | None
) -> None:
    path = tmp_path / "search.json"

    def stop(row: Any) -> None:
        if row.evaluation == 5:
            raise Interrupted

    with ThreadPoolExecutor(3) as executor, pytest.raises(Interrupted):
        quick(workers=executor, save=path, callback=stop)
    state = read_sealed(path)["state"]
    begun = {tuple(arch) for arch, _ in state["strategy"]["pending"]}
    assert len(state["rows"]) == 5
    executor_then = ThreadPoolExecutor(workers_then) if workers_then else None
    result = quick(workers=executor_then, save=path)
    assert len({row.arch for row in result.rows}) == 12
    assert begun <= {row.arch for row in result.rows}


KILLED = """
import sys, time
from surrobench import Integer, Space, search

def train(a, b):
    time.sleep(0.05)
    with open("trained", "a") as log:
        log.write(f"{a} {b}\\n")
    return a - 0.5 * b

if __name__ == "__main__":
    space = Space(a=Integer(0, 9), b=Integer(0, 9))
    search(space, train, strategy="random", initial=4, budget=60, workers=4, save="search.json")
"""


@pytest.mark.slow
def test_a_search_with_worker_processes_survives_being_killed(tmp_path: Path) -> None:
    """Killed while four processes train; what was told by then is kept and not trained again."""
    (tmp_path / "killed.py").write_text(KILLED)
    log, saved = tmp_path / "trained", tmp_path / "search.json"
    environment = {**os.environ, "PYTHONPATH": str(Path(surrobench.__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "killed.py"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE
    ) as running:
        while running.poll() is None and not (saved.is_file() and len(kept_rows(saved)) >= 6):
            time.sleep(0.02)
        running.kill()
        assert running.wait() == -signal.SIGKILL, running.communicate()
    before = kept_rows(saved)
    assert 6 <= len(before) < 60
    trained = {tuple(map(int, line.split())) for line in log.read_text().splitlines()}
    assert {row[0] for row in before} <= trained

    def train(a: int, b: int) -> float:
        return a - 0.5 * b

    calls: list[Any] = []
    space = Space(a=Integer(0, 9), b=Integer(0, 9))
    told = dict(strategy="random", initial=4, save=saved, callback=calls.append)
    result = search(space, train, budget=len(before) + 6, workers=2, **told)
    after = [(row.arch, row.value) for row in result.rows]
    assert after[: len(before)] == before
    assert len(calls) == 6
    assert len({arch for arch, _ in after}) == len(after) == len(before) + 6
    assert all(value == arch[0] - 0.5 * arch[1] for arch, value in after)
    assert kept_rows(saved) == after


def kept_rows(saved: Path) -> list[tuple[Any, float]]:
    """Architectures and values of the evaluations in the file of a search."""
    state = read_sealed(saved)["state"] or {"rows": []}
    return [(row.arch, row.value) for row in rows_of(state)]


def test_batches_and_workers_are_one_or_the_other() -> None:
    with pytest.raises(UserError, match="leave out batch"):
        quick(workers=2, batch=4)
    with pytest.raises(UserError, match="workers is 0"):
        quick(workers=0)


# -- ends -----------------------------------------------------------------------------------------


def test_a_callback_or_the_clock_ends_a_search() -> None:
    assert len(quick(callback=lambda row: row.evaluation == 3).rows) == 3
    assert len(quick(timeout=1e-9).rows) == 1
    with pytest.raises(UserError, match="timeout is 0"):
        quick(timeout=0)


@pytest.mark.parametrize("changes", [{"timeout": "2m"}, {"budget": "40"}, {"budget": None}])
def test_limits_that_are_no_numbers_are_refused(changes: dict[str, Any]) -> None:
    (name,) = changes
    with pytest.raises(UserError, match=f"{name} is .*write a number of"):
        quick(**changes)


def test_a_function_of_one_configuration_is_told_how_it_is_called() -> None:
    def takes_a_dictionary(config: Any) -> float:
        return float(config["a"])

    def takes_other_names(alpha: Any, beta: Any) -> float:
        return 0.0

    for evaluate in (takes_a_dictionary, takes_other_names):
        with pytest.raises(UserError, match=r"tuple of choice indices.*called with the values: "):
            quick(evaluate)


def test_a_search_without_a_best_says_which_bound_nothing_keeps() -> None:
    def heavy(**config: Any) -> Evaluation:
        return Evaluation(train(**config), metrics={"params": 7.0})

    assert "no best: none keeps params <= 0.5" in repr(
        quick(heavy, constraints={"params": "<= 0.5"})
    )
    assert repr(quick(heavy, constraints={"params": "<= 9"})).count("no best") == 0


def test_a_bound_on_a_decision_belongs_into_the_space() -> None:
    name = SPACE.variables[0].name
    with pytest.raises(UserError, match=r"It is a decision: .*smaller range"):
        quick(constraints={name: "<= 4"})


def test_longer_trainings_go_on_from_their_checkpoints(tmp_path: Path) -> None:
    ran: list[int] = []

    def continues(epochs: int, checkpoint: Path, **config: Any) -> float:
        file = checkpoint / "epoch"
        before = int(file.read_text()) if file.exists() else 0
        ran.append(epochs - before)
        file.write_text(str(epochs))
        return train(**config) * epochs / 9

    result = quick(
        continues, strategy="successive-halving", epochs=[1, 3, 9], save=tmp_path / "search.json"
    )
    assert result.rows[-1].spent == pytest.approx(sum(ran) / 9)
    assert {1, 2, 6} <= set(ran)


def test_a_space_whose_choices_changed_is_another_search(tmp_path: Path) -> None:
    path = tmp_path / "search.json"
    settings: dict[str, Any] = {"strategy": "random", "budget": 4, "initial": 2, "save": path}
    search(Space(first=["skip", "conv", "pool"], b=[1, 2]), lambda first, b: 1.0, **settings)
    changed = Space(first=["conv", "pool", "skip"], b=[1, 2])
    with pytest.raises(UserError, match="'first' were skip, conv, pool, are conv, pool, skip"):
        search(changed, lambda first, b: 1.0, **settings)


@pytest.mark.slow
def test_the_example_searches_stops_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = Path(__file__).parents[2] / "examples" / "own-search.py"
    shorter = example.read_text().replace("budget=40", "budget=13")
    (tmp_path / "own.py").write_text(shorter)
    monkeypatch.chdir(tmp_path)
    first = runpy.run_path("own.py", run_name="__main__")["result"]
    assert len(first.rows) == 13
    assert (tmp_path / "search.png").stat().st_size > 0
    (tmp_path / "own.py").write_text(shorter.replace("budget=13", "budget=16"))
    more = runpy.run_path("own.py", run_name="__main__")["result"]
    assert [row.arch for row in more.rows[:13]] == [row.arch for row in first.rows]
    assert len(more.rows) == 16
    plt.close("all")
