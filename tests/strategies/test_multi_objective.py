from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from surrobench.acquisition.context import AcquisitionContext
from surrobench.errors import UserError
from surrobench.strategies import make_strategy
from surrobench.strategies.bayesian.multi_objective import _promising
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.problem import Constraint, Problem
from surrobench.tasks.evaluation import Evaluation
from surrobench.testing.strategy_problems import (
    OBJECTIVE,
    Landscape,
    achieved,
    choices,
    landscape,
    overlapping,
    search,
)

NAME = "bayesian-multi-objective"
NEHVI = {"use": "qlog-nehvi", "samples": 16, "baseline": 8}
EHVI = {"use": "qlog-ehvi", "samples": 16}
PAREGO = {"use": "parego", "samples": 16}


def toy(*cardinalities: int) -> Landscape:
    candidates = Candidates(choices(*cardinalities or (4, 4, 4, 4)))
    return landscape(candidates, epochs=False, objectives=True)


def build(problem: Problem, **options: Any) -> Any:
    # The kernel has one lengthscale, so it is given columns of one kind.
    plain = {"predictor": "gp-matern52", "encoding": "one-hot"}
    options = {"acquisition": NEHVI, "screen": 40, **plain, **options}
    return make_strategy(NAME, problem, **options)


@pytest.mark.slow
@pytest.mark.parametrize("acquisition", [NEHVI, EHVI, PAREGO], ids=lambda spec: spec["use"])
def test_misses_less_than_random_search(acquisition: Any) -> None:
    problem = toy()
    everything = make_strategy("random", problem.problem)
    search(everything, problem, 256, batch=256)
    missed, by_chance = [], []
    for seed in range(2):
        strategy = build(problem.problem, seed=seed, design=6, acquisition=acquisition)
        search(strategy, problem, 24, batch=3)
        missed.append(1.0 - achieved(strategy, problem) / achieved(everything, problem))
        floor = make_strategy("random", problem.problem, seed=seed, design=6)
        search(floor, problem, 24)
        by_chance.append(1.0 - achieved(floor, problem) / achieved(everything, problem))
    assert np.mean(missed) < 0.3 * np.mean(by_chance)


def test_a_batch_holds_distinct_new_architectures() -> None:
    problem = toy()
    strategy = build(problem.problem, design=6)
    search(strategy, problem, 8)
    batch = strategy.ask(5)
    assert len(set(batch)) == 5
    assert not set(batch) & {o.arch for o in strategy.history}


def situation_of(strategy: Any) -> AcquisitionContext:
    observed = list(strategy.trained.values())
    return strategy._context(strategy._pool_state(observed, 0), observed, None, 0)


def test_the_short_list_holds_what_is_best_in_each_objective() -> None:
    problem = toy()
    strategy = build(problem.problem, design=12)
    search(strategy, problem, 12)
    situation = situation_of(strategy)
    listed = strategy._shortlisted(situation, 1, np.random.default_rng(0))
    assert int(listed.allowed.sum()) == 40
    assert not (listed.allowed & ~situation.allowed).any()
    rows = situation.choices()
    for belief in situation.posteriors:
        assert listed.allowed[rows[belief.mean[rows].argmax()]]


def test_the_short_list_loses_little() -> None:
    problem = toy(4, 4, 4, 4, 4)
    lost = []
    for seed in range(3):
        strategy = build(problem.problem, design=15, seed=seed, screen=80)
        search(strategy, problem, 15)
        situation = situation_of(strategy)
        listed = strategy._shortlisted(situation, 1, np.random.default_rng(0))
        scores = strategy._function.scores(situation)
        best = strategy._function.scores(listed).max()
        lost.append(float((scores > best + 1e-9).double().mean()))
    # The best of 80 listed is among the best half percent of 1,009.
    assert max(lost) <= 0.005


def test_a_large_batch_is_not_cut_short_by_the_list() -> None:
    problem = toy()
    strategy = build(problem.problem, design=6, screen=3, acquisition=PAREGO)
    search(strategy, problem, 6)
    assert len(set(strategy.ask(8))) == 8


def test_parents_are_taken_front_by_front() -> None:
    problem = toy(3, 3, 3)
    strategy = build(problem.problem, design=0)
    told = {
        (0, 0, 0): (1.0, 1.0),
        (0, 0, 1): (3.0, 1.0),
        (0, 0, 2): (1.0, 3.0),
        (0, 1, 0): (2.0, 2.0),
        (0, 1, 1): (1.5, 0.5),
    }
    for arch, (value, speed) in told.items():
        strategy.tell(arch, Evaluation(value, metrics={OBJECTIVE: speed}))
    strategy.tell((2, 2, 2), Evaluation(float("nan"), metrics={OBJECTIVE: 9.0}))
    ranked = [o.arch for o in strategy._ranked(strategy.history)]
    assert set(ranked[:2]) == {(0, 0, 1), (0, 0, 2)}
    assert ranked[2] == (0, 1, 0)
    assert set(ranked[3:]) == {(0, 0, 0), (0, 1, 1)}


def test_what_is_missing_counts_as_the_worst() -> None:
    problem = toy(3, 3, 3)
    strategy = build(problem.problem, design=0)
    strategy.tell((0, 0, 0), Evaluation(1.0, metrics={OBJECTIVE: 5.0}))
    strategy.tell((0, 0, 1), Evaluation(2.0, metrics={OBJECTIVE: 4.0}))
    strategy.tell((0, 0, 2), Evaluation(float("nan"), metrics={OBJECTIVE: 9.0}))
    strategy.tell((0, 1, 0), 3.0)
    columns = [quantity.values.tolist() for quantity in strategy._objectives(strategy.history)]
    assert columns == [[1.0, 2.0, 1.0, 3.0], [5.0, 4.0, 4.0, 4.0]]


def limited(problem: Landscape) -> Problem:
    """No slower than a bound that about half of the candidates keep."""
    speeds = [problem.speed(arch) for arch in problem.problem.candidates.index]
    bound = Constraint(OBJECTIVE, ">=", float(np.median(speeds)))
    return Problem(problem.problem.candidates, objectives=(OBJECTIVE,), constraints=(bound,))


def test_constraints_are_learned() -> None:
    problem = toy()
    whole = limited(problem)
    strategy = build(whole, design=10, acquisition=PAREGO)
    search(strategy, problem, 24)
    assert sum(whole.feasible(o.metrics) for o in strategy.history[-10:]) >= 8


@pytest.mark.slow
@pytest.mark.parametrize("acquisition", [NEHVI, PAREGO], ids=lambda spec: spec["use"])
def test_a_restored_search_goes_on_to_the_last_bit(acquisition: Any) -> None:
    problem = toy()
    options = {"design": 4, "refit_every": 4, "acquisition": acquisition}
    whole = overlapping(build(limited(problem), **options), problem, 14)
    strategy = build(limited(problem), **options)
    before = overlapping(strategy, problem, 14, stop_after=8)
    assert strategy.pending
    restored = build(limited(problem), **options)
    restored.restore(json.loads(json.dumps(strategy.state(), allow_nan=False)))
    assert before + overlapping(restored, problem, 14 - len(before)) == whole


def test_unlisted_spaces_are_searched() -> None:
    problem = toy(*(8,) * 20)
    options = {"generation": {"use": "mutation", "count": 60}, "acquisition": PAREGO}
    strategy = build(problem.problem, design=8, **options)
    search(strategy, problem, 24, batch=2)
    floor = make_strategy("random", problem.problem, design=8)
    search(floor, problem, 24)
    assert achieved(strategy, problem) > achieved(floor, problem)


def test_global_generators_are_left_alone() -> None:
    before = torch.get_rng_state()
    problem = toy(3, 3, 3)
    search(build(problem.problem, design=4), problem, 6)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"acquisition": "log-ei"}, "one objective"),
        ({"screen": 0}, "screen"),
    ],
    ids=str,
)
def test_mistakes_are_refused_at_once(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        make_strategy(NAME, toy().problem, **options)


def test_a_single_objective_is_refused() -> None:
    with pytest.raises(UserError, match="at least one further objective"):
        make_strategy(NAME, Candidates(choices(3, 3)))


def test_the_shortlist_holds_compromises_that_no_weighted_sum_finds() -> None:
    """On a front that is not convex: the worst weighted objective counts, not their sum."""
    means = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.4, 0.4]], dtype=torch.float64)
    posteriors: Any = [
        SimpleNamespace(mean=mean, variance=torch.full_like(mean, 1e-6)) for mean in means.T
    ]
    rows = torch.tensor([2, 0, 1])
    first = [
        int(_promising(posteriors, rows, 1, np.random.default_rng(seed))[0]) for seed in range(30)
    ]
    assert first.count(2) > 10
    assert len(set(first)) > 1
