"""Search with a function of one's own: any training, any failure, any interruption."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surrobench import Evaluation, UserError, make_strategy, search
from surrobench.base.sealed import read_sealed, write_sealed
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.choices import Choices
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.running.saved_search import path_to_save

SPACE = Choices("toy", [Variable(f"v{i}", ("a", "b", "c", "d")) for i in range(4)])


def train(arch: Arch) -> float:
    """A maximum of 12 at (3, 3, 3, 3)."""
    return float(sum(arch)) - 0.5 * abs(arch[0] - arch[1])


def numbers(result: Any) -> list[tuple[Any, ...]]:
    """What does not depend on the clock."""
    return [
        (r.evaluation, r.arch, r.epochs, r.value, r.best, r.spent, r.status) for r in result.rows
    ]


def quick(evaluate: Callable[..., Any] = train, **changes: Any) -> Any:
    settings = {"strategy": "regularised-evolution", "budget": 30, "initial": 5, **changes}
    return search(SPACE, evaluate, **settings)


def test_it_finds_what_is_best_and_says_so_in_a_frame() -> None:
    result = search(SPACE, train, strategy="local-search", budget=80, initial=5)
    assert result.best.arch == (3, 3, 3, 3)
    frame = result.frame
    assert len(frame) == 80
    assert frame["arch"].is_unique
    assert (frame["best_value"] == frame["value"].cummax()).all()
    assert (frame["spent"] == frame["evaluation"]).all()
    assert SPACE.parse(frame["arch"][3]) == result.rows[3].arch
    assert frame["simulated_seconds"].is_monotonic_increasing


def test_the_default_is_bayesian_and_learns() -> None:
    result = search(SPACE, train, budget=25, initial=8)
    assert result.best.value >= 11
    assert result.label == "bayesian"


def test_ask_and_tell_by_hand_is_the_same_search() -> None:
    strategy = make_strategy("regularised-evolution", SPACE, seed=3, design=5)
    told = []
    while len(told) < 20:
        for arch in strategy.ask(4):
            strategy.tell(arch, train(arch))
            told.append(arch)
    result = quick(seed=3, budget=20)
    assert [row.arch for row in result.rows][:5] == told[:5]
    assert strategy.best is not None


def test_nothing_left_to_try_ends_the_search() -> None:
    some = Candidates(SPACE, [(0, 0, 0, 0), (1, 1, 1, 1), (2, 2, 2, 2)])
    result = search(some, train, strategy="random", budget=50, initial=2)
    assert len(result.rows) == 3


def test_a_training_that_raises_is_a_failed_evaluation_with_its_reason() -> None:
    def moody(arch: Arch) -> float:
        if arch[0] == 0:
            raise RuntimeError("out of memory")
        return math.nan if arch[0] == 1 else train(arch)

    result = quick(moody)
    assert len(result.rows) == 30
    by_start = {row.arch[0]: row for row in result.rows}
    assert (by_start[0].status, by_start[0].reason) == ("failed", "RuntimeError: out of memory")
    assert by_start[1].status == "diverged"
    assert math.isnan(by_start[1].value)
    assert result.best.arch[0] >= 2
    assert math.isfinite(result.rows[-1].simulated_seconds)
    with pytest.raises(RuntimeError, match="out of memory"):
        quick(moody, on_error="raise")


@pytest.mark.parametrize("workers", [None, ThreadPoolExecutor(1)], ids=["here", "worker"])
def test_a_training_that_exits_ends_itself_and_not_the_search(workers: Any) -> None:
    def script(arch: Arch) -> float:
        return sys.exit(2) if arch[0] == 0 else train(arch)

    rows = quick(script, workers=workers).rows
    assert len(rows) == 30
    failed = {(row.status, row.reason) for row in rows if row.arch[0] == 0}
    assert failed == {("failed", "RuntimeError: the training ended with sys.exit(2)")}


def test_an_answer_that_is_no_number_is_a_mistake_not_a_failure() -> None:
    with pytest.raises(UserError, match="returned NoneType; it must return a number"):
        quick(lambda arch: None)
    assert quick(lambda arch: np.float32(train(arch)), budget=6).best is not None


def test_constraints_on_columns_and_on_metrics() -> None:
    size = np.array([float(sum(arch)) for arch in SPACE])

    def measured(arch: Arch) -> Evaluation:
        return Evaluation(train(arch), cost=2.0, metrics={"latency": float(arch[0])})

    result = search(
        SPACE,
        measured,
        strategy="random",
        budget=60,
        constraints={"size": "<= 8", "latency": ">= 1"},
        measured={"size": size},
    )
    assert sum(result.best.arch) <= 8
    assert result.best.arch[0] >= 1
    assert any(row.value > result.best.value for row in result.rows)
    assert result.rows[-1].simulated_seconds == 120.0
    assert set(result.frame["metric:latency"]) == {0.0, 1.0, 2.0, 3.0}


def test_shorter_trainings_cost_their_part_and_are_no_incumbents() -> None:
    asked: list[int] = []

    def partly(arch: Arch, epochs: int) -> float:
        asked.append(epochs)
        return train(arch) + (5 if epochs < 9 else 0)

    result = quick(partly, strategy="hyperband", epochs=(1, 3, 9), budget=8)
    assert set(asked) == {1, 3, 9}
    assert result.rows[-1].spent == pytest.approx(sum(asked) / 9)
    assert 8 <= result.rows[-1].spent + 1e-9 < 9
    assert result.best.epochs is None
    assert result.best.value == train(result.best.arch)
    with pytest.raises(UserError, match="train must take them"):
        quick(train, strategy="hyperband", epochs=(1, 3, 9))


class Interrupted(BaseException):
    """The machine goes down."""


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("stop", [2, 7, 18])
def test_a_search_goes_on_where_it_was_stopped(tmp_path: Path, batch: int, stop: int) -> None:
    trained: list[Arch] = []

    def falls(arch: Arch) -> float:
        if len(trained) == stop:
            raise Interrupted
        trained.append(arch)
        return train(arch)

    path = tmp_path / "search.json"
    with pytest.raises(Interrupted):
        quick(falls, save=path, batch=batch)
    kept = list(trained)

    def goes_on(arch: Arch) -> float:
        trained.append(arch)
        return train(arch)

    result = quick(goes_on, save=path, batch=batch)
    assert numbers(result) == numbers(quick(batch=batch))
    assert trained[: len(kept)] == kept
    assert len(trained) == len(set(trained)) == 30  # nothing is trained twice
    assert [entry.name for entry in tmp_path.iterdir()] == ["search.json"]


def test_an_interrupted_search_says_what_keeps_its_trainings(tmp_path: Path) -> None:
    def stopped(row: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stop:
        quick(save=tmp_path / "search.json", callback=stopped)
    (note,) = stop.value.__notes__
    assert note.endswith("search.json keeps what was trained; the same call goes on.")
    with pytest.raises(KeyboardInterrupt) as stop:
        quick(callback=stopped)
    assert not hasattr(stop.value, "__notes__"), "nothing is kept"


def test_a_finished_search_can_get_a_larger_budget(tmp_path: Path) -> None:
    path = tmp_path / "search.json"
    quick(save=path, budget=12)
    assert numbers(quick(save=path)) == numbers(quick())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, "seed was 0, is 1"),
        ({"strategy": "random"}, 'strategy was "regularised-evolution", is "random"'),
        ({"sample_size": 3}, "options was"),
        ({"initial": 6}, "initial was 5, is 6"),
        ({"constraints": {"x": "<= 1"}}, "constraints was"),
    ],
)
def test_the_file_of_another_search_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "search.json"
    quick(save=path, budget=6)
    before = path.read_bytes()
    with pytest.raises(UserError, match="holds another search") as error:
        quick(save=path, **changes)
    assert message in str(error.value)
    assert path.read_bytes() == before


def test_a_space_of_the_same_shape_is_another_search(tmp_path: Path) -> None:
    path = tmp_path / "search.json"
    quick(save=path, budget=6)
    half = Candidates(SPACE, [arch for arch in SPACE if arch[0] < 2])
    with pytest.raises(UserError, match="space was"):
        search(half, train, strategy="regularised-evolution", initial=5, save=path)


@pytest.mark.parametrize(
    "save", [".", "..", "", "folder", "file/search.json", "pipe", "x" * 300, "a\0b", 3]
)
def test_a_path_that_cannot_be_saved_to_is_refused_before_any_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    trained: list[Arch] = []
    with pytest.raises(UserError, match=r"^save is .*(name|write)"):
        quick(trained.append, save=save)
    assert not trained
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "pipe"]


def test_trying_where_to_save_leaves_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "new" / "search.json"
    path_to_save(str(path))
    assert not list(path.parent.iterdir())
    path.write_text("kept")
    path_to_save(path)
    assert path.read_text() == "kept"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"search": {}}'])
def test_a_damaged_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "search.json"
    path.write_text(content)
    with pytest.raises(UserError, match=r"search\.json"):
        quick(save=path)


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "search.json"
    quick(save=path, budget=6)
    content = read_sealed(path)
    del content["state"]["strategy"]["history"]
    write_sealed(path, content)
    with pytest.raises(UserError, match="damaged"):
        quick(save=path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategy": "randon"}, "unknown strategy 'randon'. Did you mean 'random'"),
        ({"sample_sise": 3}, "no option 'sample_sise'. Did you mean 'sample_size'"),
        ({"budget": 0}, "initial = 5 architectures do not fit a budget of 0"),
        ({"budget": 0, "initial": 0}, "a budget of 0 evaluations allows none"),
        ({"initial": 300, "budget": 400}, "initial is 300, but there are only 256 architectures"),
        ({"initial": -1}, "initial is -1"),
        ({"batch": 0}, "batch is 0"),
        ({"constraints": {"size": "< 3"}}, "not of the form"),
        ({"strategy": "hyperband"}, "at least two lengths of training"),
        ({"on_error": "ignore"}, "on_error is 'ignore'"),
        ({"measured": {"size": [1.0]}}, "has 1 value for 256"),
    ],
)
def test_mistakes_are_told_before_any_training(changes: dict[str, Any], message: str) -> None:
    def never(arch: Arch) -> float:
        raise AssertionError("trained")

    with pytest.raises(UserError) as error:
        quick(never, on_error=changes.pop("on_error", "raise"), **changes)
    assert message in str(error.value)


def test_spaces_by_name_and_nonsense() -> None:
    assert len(search("nb201", sum, strategy="random", budget=3, initial=1).rows) == 3
    with pytest.raises(UserError, match=r"unknown space 'nb202'\. Did you mean 'nb201'"):
        search("nb202", sum)
    with pytest.raises(UserError, match="list is no search space"):
        search([(0, 1)], sum)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="must be a function"):
        search(SPACE, 3)  # type: ignore[arg-type]


def test_what_an_evaluation_says_of_itself_is_in_its_row(tmp_path: Path) -> None:
    """Also of trainings that an interrupted batch had done already."""
    calls: list[Arch] = []

    def stopped(arch: Arch) -> Evaluation:
        calls.append(arch)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return Evaluation(math.nan, 1.0, "stopped", reason="no better than chance")

    settings = {
        "strategy": "random",
        "budget": 4,
        "initial": 2,
        "batch": 4,
        "save": tmp_path / "search.json",
    }
    with pytest.raises(KeyboardInterrupt):
        quick(stopped, **settings)
    result = quick(stopped, **settings)
    assert len(calls) == 5  # two done, one interrupted, two more
    assert {(row.status, row.reason) for row in result.rows} == {
        ("stopped", "no better than chance")
    }


class Together:
    """A task that counts how it is called; of some architectures it cannot train several."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.calls: list[int] = []
        self.refuses = refuses

    def evaluate(self, arch: Arch, *, epochs: int | None = None) -> Evaluation:
        self.calls.append(1)
        return Evaluation(train(arch) * (1 if epochs is None else epochs / 4), 2.0)

    def evaluate_many(self, archs: list[Arch], *, epochs: int | None = None) -> list[Evaluation]:
        self.calls.append(len(archs))
        if self.refuses:
            raise RuntimeError("not together")
        return [
            Evaluation(train(arch) * (1 if epochs is None else epochs / 4), 2.0) for arch in archs
        ]


def test_a_task_trains_each_batch_together_and_finds_the_same() -> None:
    task, alone = Together(), quick(batch=5)
    assert numbers(quick(task, batch=5)) == numbers(alone)
    assert task.calls == [5] * 6
    refusing = Together(refuses=True)
    assert numbers(quick(refusing, batch=5)) == numbers(alone)
    assert refusing.calls == [5, 1, 1, 1, 1, 1] * 6


def test_a_task_trains_those_of_one_length_together() -> None:
    task = Together()
    result = quick(task, strategy="successive-halving", epochs=[1, 2, 4], budget=8, batch=4)
    by_hand = quick(
        task.evaluate, strategy="successive-halving", epochs=[1, 2, 4], budget=8, batch=4
    )
    assert numbers(result) == numbers(by_hand)
    assert max(task.calls) > 1


def test_what_was_trained_together_is_kept_when_the_search_is_interrupted(tmp_path: Path) -> None:
    file = tmp_path / "search.json"
    task = Together()
    original = task.evaluate_many

    def interrupted(archs: list[Arch], *, epochs: int | None = None) -> list[Evaluation]:
        if len(task.calls) == 2:
            raise KeyboardInterrupt
        return original(archs, epochs=epochs)

    task.evaluate_many = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        quick(task, batch=5, save=file)
    task.evaluate_many = original  # type: ignore[method-assign]
    assert numbers(quick(task, batch=5, save=file)) == numbers(quick(batch=5))
    assert sum(task.calls) == 30


def test_a_task_that_loses_results_is_told_so() -> None:
    task = Together()
    task.evaluate_many = lambda archs, *, epochs=None: []  # type: ignore[method-assign]
    with pytest.raises(UserError, match="0 results for 5 architectures"):
        quick(task, batch=5)


@pytest.mark.parametrize("returned", ["good", np.zeros(2), {"accuracy": 1.0}, None])
def test_what_a_training_returned_is_told_with_its_own_name(returned: Any) -> None:
    def my_training(arch: Arch) -> Any:
        return returned

    with pytest.raises(UserError, match=r"^my_training returned "):
        quick(my_training)
    with pytest.raises(UserError, match=r"^evaluate returned "):
        quick(lambda arch: returned)
