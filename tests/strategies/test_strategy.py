"""What the base class promises whoever derives from it; the scripted strategy does nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.choices import Choices
from surrobench.strategies import make_strategy
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.problem import Constraint, Problem
from surrobench.strategies.strategy import Observation, Strategy
from surrobench.tasks.evaluation import Evaluation

A, B, C, D = ((i,) for i in range(4))


def problem(n: int = 6, **rest: Any) -> Problem:
    space = Choices("line", [Variable("v", tuple(map(str, range(n))))])
    return Problem(Candidates(space, measured=rest.pop("measured", None)), **rest)


class Scripted(Strategy):
    """Proposes what it is told to, one list at each call."""

    def __init__(self, problem: Problem, *, script: Sequence[Any] = (), **common: Any) -> None:
        super().__init__(problem, **{"design": 0, **common})
        self.script = list(script)

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        return self.script.pop(0) if self.script else []


# -- asking ------------------------------------------------------------------------------------


def test_the_design_comes_first_and_in_order() -> None:
    strategy = Scripted(problem(), design=[C, A, B], script=[[D]])
    assert strategy.ask(2) == [C, A]
    assert strategy.ask(2) == [B, D]
    assert list(strategy.pending) == [C, A, B, D]


def test_repeats_are_replaced_by_unseen_candidates() -> None:
    strategy = Scripted(problem(4), script=[[A], [A, A, B]])
    strategy.ask()
    assert strategy.ask(3)[0] == B, "A is pending"
    assert set(strategy.pending) == {A, B, C, D}
    assert strategy.ask() == []


def test_surplus_proposals_are_not_handed_out() -> None:
    strategy = Scripted(problem(), script=[[A, B, C]])
    assert strategy.ask(2) == [A, B]


def test_with_repeats_only_what_is_pending_is_kept_back() -> None:
    strategy = Scripted(problem(2), repeats=True, script=[[A], [A], [A]])
    assert strategy.ask() == [A]
    assert strategy.ask() == [B]
    strategy.tell(A, 1.0)
    assert strategy.ask() == [A]


def test_who_waits_is_not_given_a_sample() -> None:
    class Waiting(Scripted):
        def waits(self) -> bool:
            return bool(self.pending)

    strategy = Waiting(problem(), script=[[A], [], []])
    assert strategy.ask(3) == [A]
    assert strategy.ask(3) == []
    strategy.tell(A, 1.0)
    assert len(strategy.ask(3)) == 3


def test_arrays_and_numpy_integers_become_plain_architectures() -> None:
    strategy = Scripted(problem(), script=[[(np.int64(2),)]], design=[np.array([1])])
    assert strategy.ask(2) == [(1,), (2,)]
    strategy.tell(np.array([2]), np.float32(0.5))  # type: ignore[arg-type]
    strategy.tell((np.int16(3),), 1.0)  # type: ignore[arg-type]
    json.dumps(strategy.state())
    with pytest.raises(UserError, match="whole numbers"):
        strategy.tell((1.0,), 1.0)  # type: ignore[arg-type]


def test_a_strategy_that_leaves_the_candidates_is_a_programming_error() -> None:
    with pytest.raises(AssertionError, match="Scripted proposed"):
        Scripted(problem(), script=[[(9,)]]).ask()


def test_ask_wants_at_least_one() -> None:
    with pytest.raises(UserError, match=r"ask\(0\)"):
        Scripted(problem()).ask(0)


class Short(Scripted):
    """Trains everything for one epoch first, and what is known from that fully."""

    multi_fidelity: ClassVar[bool] = True

    def _epochs_of(self, arch: Arch) -> int | None:
        return None if (arch, 1) in self._told else 1


def test_the_same_architecture_may_be_trained_at_another_length() -> None:
    strategy = Short(problem(2, epochs=(1, 4)))
    trained = []
    while archs := strategy.ask():
        trained.append((archs[0], strategy.epochs(archs[0])))
        strategy.tell(archs[0], float(len(trained)))
    assert sorted(trained, key=str) == [(A, 1), (A, None), (B, 1), (B, None)]
    assert strategy.best is not None
    assert strategy.best.epochs is None


# -- designs -----------------------------------------------------------------------------------


def test_a_drawn_design_is_distinct_and_follows_the_seed() -> None:
    def drawn(seed: int) -> list[Arch]:
        return Scripted(problem(50), design=10, seed=seed).ask(10)

    assert len(set(drawn(0))) == 10
    assert drawn(0) == drawn(0)
    assert drawn(0) != drawn(1)


@pytest.mark.parametrize(
    ("design", "message"),
    [
        (7, "does not fit 6 candidates"),
        (-1, "does not fit"),
        ([A, (9,)], r"\(9,\) of the initial design is not a candidate"),
        ([A, B, A], "stands twice"),
        ([(0.5,)], "whole numbers"),
    ],
)
def test_designs_that_do_not_fit_are_refused(design: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Scripted(problem(), design=design)


def test_make_strategy_cuts_a_drawn_design_to_what_there_is() -> None:
    assert len(make_strategy("random", problem(3), design=10).ask(10)) == 3


def test_what_was_told_leaves_the_design() -> None:
    strategy = Scripted(problem(), design=[A, B, C])
    strategy.tell(B, 1.0)
    assert strategy.ask(2) == [A, C]


def test_negative_seeds_are_refused() -> None:
    with pytest.raises(UserError, match="seed -1"):
        Scripted(problem(), seed=-1)


def test_problems_that_do_not_suit_are_refused() -> None:
    class Both(Scripted):
        multi_objective: ClassVar[bool] = True

    with pytest.raises(UserError, match="further objective"):
        Both(problem())
    with pytest.raises(UserError, match="two lengths of training"):
        Short(problem())


# -- telling -----------------------------------------------------------------------------------


@pytest.mark.parametrize("result", ["0.9", None, {"accuracy": 0.9}, [0.9]])
def test_results_that_are_no_numbers_are_refused_and_leave_the_search_as_it_was(
    result: Any,
) -> None:
    strategy = Scripted(problem(), design=[A])
    strategy.ask()
    with pytest.raises(UserError, match="tell a number"):
        strategy.tell(A, result)
    assert strategy.history == []
    assert A in strategy.pending
    strategy.tell(A, np.float32(0.5))
    assert strategy.best is not None
    assert strategy.best.value == 0.5


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (math.nan, "failed"),
        (math.inf, "failed"),
        (-math.inf, "failed"),
        (Evaluation(math.nan), "failed"),
        (Evaluation(math.nan, status="diverged"), "diverged"),
        (Evaluation(3.0, status="diverged"), "diverged"),
        (Evaluation(3.0, status="failed"), "failed"),
    ],
)
def test_failures_have_no_value(result: Evaluation | float, status: str) -> None:
    strategy = Scripted(problem())
    strategy.tell(A, result)
    observation = strategy.history[0]
    assert math.isnan(observation.value)
    assert observation.status == status
    assert not observation.ok
    assert strategy.best is None


def test_failures_count_as_the_worst_value_so_far() -> None:
    strategy = Scripted(problem())
    strategy.tell(A, math.nan)
    assert strategy.targets().tolist() == [0.0]
    strategy.tell(B, 5.0)
    strategy.tell(C, 3.0)
    assert strategy.targets().tolist() == [3.0, 5.0, 3.0]
    assert strategy.targets(strategy.history[:2]).tolist() == [5.0, 5.0]
    assert strategy.targets([]).tolist() == []


def test_strangers_are_refused_but_unasked_candidates_are_welcome() -> None:
    strategy = Scripted(problem(2))
    with pytest.raises(UserError, match="not a candidate"):
        strategy.tell((7,), 1.0)
    strategy.tell(A, 1.0)
    assert strategy.ask(2) == [B]


def test_the_best_is_fully_trained_feasible_and_the_first_of_equals() -> None:
    strategy = Scripted(
        problem(
            measured={"size": np.arange(6.0)},
            constraints=(Constraint("size", "<=", 3.0), Constraint("heat", "<=", 1.0)),
        )
    )
    for arch, value, heat in ((D, 2.0, 0.0), (C, 9.0, 2.0), ((5,), 8.0, 0.0), (B, 2.0, 0.0)):
        strategy.tell(arch, Evaluation(value, metrics={"heat": heat}))
    assert strategy.best is not None
    assert strategy.best.arch == D


# -- state -------------------------------------------------------------------------------------


def test_the_state_survives_json_exactly() -> None:
    strategy = Scripted(problem(), design=[A, B, C])
    strategy.ask(2)
    strategy.tell(A, Evaluation(0.1 + 0.2, metrics={"x": 1 / 3, "y": math.inf}))
    strategy.tell(D, Evaluation(math.nan, status="diverged"))
    text = json.dumps(strategy.state(), allow_nan=False)
    other = Scripted(problem(), design=0)
    other.restore(json.loads(text))
    assert json.dumps(other.state()) == text
    assert other.history[0] == Observation(A, 0.1 + 0.2, metrics=other.history[0].metrics)
    assert other.history[0].metrics["x"] == 1 / 3
    assert math.isnan(strategy.history[0].metrics["y"]), "so that both sides see the same"
    assert math.isnan(other.history[0].metrics["y"])
    assert other.history[1].status == "diverged"
    assert math.isnan(other.history[1].value)
    assert other.pending == strategy.pending == {B: None}
    assert other.ask(4) == strategy.ask(4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strategy": "Other"}, "state of Other"),
        ({"version": 99}, "version 99"),
        ({"history": [{"arch": [0]}]}, "damaged"),
        ({"history": 3}, "damaged"),
        ({"pending": [[[9], None]]}, "another search"),
    ],
)
def test_states_that_do_not_fit_are_refused_and_change_nothing(
    change: dict[str, Any], message: str
) -> None:
    strategy = Scripted(problem(), design=[A, B])
    state = strategy.state()
    with pytest.raises(UserError, match=message):
        strategy.restore({**state, **change})
    assert strategy.state() == state


def test_a_state_without_a_part_is_damaged() -> None:
    strategy = Scripted(problem())
    for part in strategy.state():
        state = strategy.state()
        del state[part]
        with pytest.raises(UserError, match="damaged"):
            strategy.restore(state)


def test_generators_depend_on_seed_purpose_and_count() -> None:
    def draw(seed: int, purpose: str, count: int) -> float:
        return float(Scripted(problem(), seed=seed).rng(purpose, count).random())

    assert draw(1, "a", 2) == draw(1, "a", 2)
    assert len({draw(1, "a", 2), draw(2, "a", 1), draw(1, "b", 2), draw(1, "a", 3)}) == 4
