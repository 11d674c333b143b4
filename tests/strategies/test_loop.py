"""The loop: what a search may spend, what it spent, and who is the incumbent."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.choices import Choices
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.evolution.random_search import RandomSearch
from surrobench.strategies.problem import Constraint, Problem
from surrobench.strategies.running.loop import Budget, Row, SearchLoop, rows_of
from surrobench.strategies.strategy import Strategy
from surrobench.tasks.evaluation import Evaluation

SPACE = Choices("toy", [Variable(f"v{i}", ("a", "b", "c", "d")) for i in range(3)])
PROBLEM = Problem(Candidates(SPACE))


def train(arch: Arch, epochs: int | None) -> Evaluation:
    return Evaluation(float(sum(arch)), cost=2.0 if epochs is None else 0.5)


class Staged(Strategy):
    """One architecture after another: briefly, then fully."""

    multi_fidelity = True

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        order = [self.candidates.arch(row // 2) for row in range(2 * len(self.candidates))]
        return order[len(self.history) :][:n]

    def _epochs_of(self, arch: Arch) -> int | None:
        brief = sum(observation.arch == arch for observation in self.history) == 0
        return self.problem.epochs[0] if brief else None


def loop_of(strategy: Strategy, evaluations: float = 20, **options: Any) -> SearchLoop:
    seconds = options.pop("seconds", None)
    evaluate = options.pop("evaluate", train)
    return SearchLoop(strategy, evaluate, Budget(evaluations, seconds), **options)


def test_it_spends_its_budget_and_no_more() -> None:
    for batch in (1, 3, 50):
        loop = loop_of(RandomSearch(PROBLEM, design=4), batch=batch)
        rows = loop.run()
        assert [row.spent for row in rows] == list(range(1, 21))
        assert rows[-1].simulated_seconds == 40.0
        assert loop.step() == []


def test_the_incumbent_is_the_best_so_far_and_the_first_of_equals() -> None:
    rows = loop_of(RandomSearch(PROBLEM, design=4), 40).run()
    for row in rows:
        values = [other.value for other in rows[: row.evaluation]]
        assert row.best == 1 + int(np.argmax(values))


def test_shorter_trainings_cost_their_part_and_each_starts_anew() -> None:
    problem = Problem(Candidates(SPACE), epochs=(3, 12))
    rows = loop_of(Staged(problem, design=0), 4).run()
    assert [row.epochs for row in rows[:4]] == [3, None, 3, None]
    assert [row.spent for row in rows[:4]] == [0.25, 1.25, 1.5, 2.5]
    assert rows[-1].spent - (1.0 if rows[-1].epochs is None else 0.25) < 4 <= rows[-1].spent
    assert [row.best for row in rows[:4]] == [0, 2, 2, 4]
    assert rows[3].simulated_seconds == 5.0


def test_the_clock_of_training_can_end_a_search() -> None:
    rows = loop_of(RandomSearch(PROBLEM, design=4), seconds=11.0).run()
    assert [row.simulated_seconds for row in rows] == [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]


def test_overhead_is_the_time_of_the_strategy_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])

    class Thinks(RandomSearch):
        def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
            now[0] += 3.0
            return super()._propose(n, rng)

        def _observe(self, observation: Any) -> None:
            now[0] += 1.0

    def slow(arch: Arch, epochs: int | None) -> Evaluation:
        now[0] += 100.0
        return train(arch, epochs)

    rows = loop_of(Thinks(PROBLEM, design=2), 4, evaluate=slow).run()
    assert [row.overhead_seconds for row in rows] == [1.0, 2.0, 6.0, 10.0]


def test_it_ends_when_nothing_is_left() -> None:
    few = Problem(Candidates(SPACE, [(0, 0, 0), (1, 1, 1), (2, 2, 2)]))
    assert len(loop_of(RandomSearch(few, design=2)).run()) == 3


def test_what_was_never_trained_is_no_incumbent_and_failures_count() -> None:
    def moody(arch: Arch, epochs: int | None) -> Evaluation:
        if arch[0] == 3:
            return Evaluation(99.0, status="diverged")
        if arch[0] == 2:
            raise RuntimeError("broken")
        return train(arch, epochs)

    loop = loop_of(RandomSearch(PROBLEM, design=4), 64, evaluate=moody, forgiving=True)
    rows = loop.run()
    assert len(rows) == 64
    lost = [row for row in rows if row.arch[0] >= 2]
    assert len(lost) == 32
    assert all(math.isnan(row.value) for row in lost)
    assert {row.reason for row in lost if row.status == "failed"} == {"RuntimeError: broken"}
    assert rows[rows[-1].best - 1].arch == (1, 3, 3)
    assert rows[-1].simulated_seconds == 64.0  # half of them cost nothing that is known
    with pytest.raises(RuntimeError, match="broken"):
        loop_of(RandomSearch(PROBLEM, design=4), 64, evaluate=moody).run()


def test_unknown_costs_make_the_clock_unknown() -> None:
    def silent(arch: Arch, epochs: int | None) -> Evaluation:
        return Evaluation(float(sum(arch)), cost=None if arch == (0, 0, 0) else 1.0)

    problem = Problem(Candidates(SPACE, [(1, 1, 1), (0, 0, 0), (2, 2, 2)]))
    strategy = RandomSearch(problem, design=[(1, 1, 1), (0, 0, 0), (2, 2, 2)])
    seconds = [row.simulated_seconds for row in loop_of(strategy, evaluate=silent).run()]
    assert seconds[0] == 1.0
    assert np.isnan(seconds[1:]).all()


def test_incumbents_keep_the_constraints() -> None:
    problem = Problem(Candidates(SPACE), constraints=(Constraint("size", "<=", 4.0),))

    def sized(arch: Arch, epochs: int | None) -> Evaluation:
        return Evaluation(float(sum(arch)), metrics={"size": float(sum(arch))})

    rows = loop_of(RandomSearch(problem, design=4), 64, evaluate=sized).run()
    assert rows[rows[-1].best - 1].value == 4.0
    assert rows[0].metrics == {"size": rows[0].value}


@pytest.mark.parametrize("batch", [1, 4])
def test_a_loop_goes_on_from_its_state(batch: int) -> None:
    whole = loop_of(RandomSearch(PROBLEM, design=4), batch=batch)
    whole.run()
    first = loop_of(RandomSearch(PROBLEM, design=4), batch=batch)
    while len(first.rows) < 8:
        first.step()
    state = json.loads(json.dumps(first.state()))
    again = loop_of(RandomSearch(PROBLEM, design=4), batch=batch)
    again.restore(state)
    again.run()

    def known(rows: list[Row]) -> list[Any]:
        return [(row.arch, row.value, row.best, row.spent, row.simulated_seconds) for row in rows]

    assert known(again.rows) == known(whole.rows)
    assert known(rows_of(state)) == known(whole.rows[: len(first.rows)])
    assert [row.overhead_seconds for row in again.rows[:8]] == [
        row.overhead_seconds for row in first.rows[:8]
    ]


@pytest.mark.parametrize("damage", [{"rows": None}, {"strategy": {}}, {"overhead": "x"}])
def test_a_damaged_state_is_refused(damage: dict[str, Any]) -> None:
    loop = loop_of(RandomSearch(PROBLEM, design=4))
    loop.step()
    with pytest.raises(UserError, match="damaged"):
        loop_of(RandomSearch(PROBLEM, design=4)).restore({**loop.state(), **damage})


def test_budgets_and_batches_that_cannot_be() -> None:
    for wrong in ({"evaluations": 0}, {"evaluations": math.nan}, {"evaluations": 3, "seconds": 0}):
        with pytest.raises(UserError, match="allows"):
            Budget(**wrong)
    for batch in (0, 1.5, True):
        with pytest.raises(UserError, match="positive whole number"):
            loop_of(RandomSearch(PROBLEM, design=4), batch=batch)
