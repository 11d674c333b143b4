"""Every registered strategy keeps the shipped contract."""

from __future__ import annotations

import os
from functools import cache

import numpy as np
import pytest
from quick_parts import CHEAPER_STRATEGIES, PEERS

from surrobench.spaces.architecture import Arch
from surrobench.strategies import STRATEGIES
from surrobench.strategies.evolution.random_search import RandomSearch
from surrobench.strategies.strategy import Observation
from surrobench.testing.conformance import StrategyCheck, check_strategy, strategy_checks
from surrobench.testing.strategy_problems import Search

LEARNING: dict[str, dict[str, int]] = {
    "reinforce": {"evaluations": 100},
    "reinforce-transformer": {"evaluations": 100, "seeds": 3},
    "q-learning": {"evaluations": 150, "seeds": 3},
    "nsga2": {"evaluations": 100},
    "optuna-tpe": {"seeds": 6},
    "bayesian-multi-objective": {"evaluations": 25, "seeds": 2},
}
"""How long and how often a strategy searches to show that it learns, where not 50 and 5."""

SLOW = ("optuna-gp", "smac")
ESSENTIAL = ("training_may_overlap", "failures_are_survived", "one_architecture_is_enough")
"""Peers that need up to a second for a proposal keep all promises, but only these are tested here
(that they go on exactly from a saved state is tested beside their adapters)."""

EXCEPTIONS = {("random", "an_easy_objective_is_learned"): "it looks at no value"}

CASES = [
    pytest.param(name, check, id=f"{name}-{check}")
    for name in STRATEGIES.names()
    for check in strategy_checks()
    if name not in SLOW or check.name in ESSENTIAL
]


@cache
def subject(name: str) -> Search:
    return Search({"use": name, **CHEAPER_STRATEGIES.get(name, {})}, **LEARNING.get(name, {}))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "check"), CASES)
def test_contract(name: str, check: StrategyCheck) -> None:
    pytest.importorskip(PEERS.get(name, "surrobench"))
    if (name, check.name) in EXCEPTIONS:
        with pytest.raises(AssertionError):
            check(subject(name))
    else:
        check(subject(name))


def test_checks_have_a_name_and_one_sentence() -> None:
    checks = strategy_checks()
    assert len({check.name for check in checks}) == len(checks)
    assert all(check.sentence.endswith(".") for check in checks)


class Stubborn(RandomSearch):
    """Breaks promises: chance and a global generator decide, failures are fatal."""

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        local = np.random.default_rng(int.from_bytes(os.urandom(8), "big"))
        np.random.rand()  # noqa: NPY002
        return self.candidates.sample(n, local, self.seen())

    def _observe(self, observation: Observation) -> None:
        if not observation.ok:
            raise ValueError("no value")


class Forgetful(RandomSearch):
    """Breaks a promise: what it proposes depends on something that the state lacks."""

    count = 0

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        self.count += 1
        return self.candidates.sample(n, self.rng("forgotten", self.count), self.seen())


class Intruder(RandomSearch):
    """Breaks a promise: it proposes what the table does not hold."""

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        return self.space.sample(n, rng)


class Sleepy(RandomSearch):
    """Breaks promises: it stops although there are candidates left."""

    def waits(self) -> bool:
        return True

    def _propose(self, n: int, rng: np.random.Generator) -> list[Arch]:
        return [] if len(self.history) > 6 else super()._propose(n, rng)


@pytest.mark.parametrize(
    ("strategy", "broken"),
    [
        (
            Stubborn,
            {
                "same_seed_same_search",
                "global_random_state_is_untouched",
                "failures_are_survived",
                "a_saved_search_goes_on_as_if_nothing_happened",
            },
        ),
        (Forgetful, {"a_saved_search_goes_on_as_if_nothing_happened"}),
        (Intruder, {"proposals_are_new_candidates", "one_architecture_is_enough"}),
        (Sleepy, {"small_spaces_are_exhausted", "flat_objectives_are_survived"}),
    ],
)
def test_a_broken_strategy_is_reported_with_every_broken_promise(
    strategy: type[RandomSearch], broken: set[str]
) -> None:
    with pytest.raises(AssertionError) as caught:
        check_strategy(strategy)
    for name in broken:
        assert name in str(caught.value)


def test_strategies_are_given_as_names_mappings_classes_or_functions() -> None:
    reasons = {"an_easy_objective_is_learned": "it looks at no value"}
    check_strategy("random", expected=reasons)
    check_strategy(RandomSearch, expected=reasons)
    check_strategy({"use": "local-search", "query": "all"})
    for check in strategy_checks():
        if check.name not in reasons:
            check(lambda problem, seed: RandomSearch(problem, seed=seed, design=0))
    with pytest.raises(ValueError, match="no_such_check"):
        check_strategy("random", expected={"no_such_check": "a reason"})


def test_a_reason_excuses_a_check_but_only_while_it_fails() -> None:
    with pytest.raises(AssertionError, match="passed, although"):
        check_strategy(
            "random",
            expected={
                "an_easy_objective_is_learned": "it looks at no value",
                "same_seed_same_search": "a reason that is not true",
            },
        )
