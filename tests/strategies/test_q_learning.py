"""Q-learning over decisions: values, exploration, and that searching with them pays."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.choices import Choices
from surrobench.strategies import make_strategy
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.reinforcement.q_learning import QLearning
from surrobench.strategies.strategy import Strategy


def chain(length: int, choices: str = "abc") -> Choices:
    return Choices("chain", [Variable(f"v{i}", tuple(choices)) for i in range(length)])


def learner(space: Choices, **options: Any) -> QLearning:
    strategy = make_strategy("q-learning", space, **options)
    assert isinstance(strategy, QLearning)
    return strategy


def value(arch: Arch) -> float:
    """Only steps to the next choice (round and round) pay: the last choice decides the next."""
    return float(sum((a + 1) % 3 == b for a, b in itertools.pairwise(arch)) - (arch[0] > 0))


def tell_all(strategy: Strategy, space: Choices, rounds: int = 1) -> None:
    for _ in range(rounds):
        for arch in space:
            strategy.tell(arch, value(arch))


def greedy(strategy: QLearning) -> Arch:
    choices: list[int] = []
    for position in range(len(strategy.space.variables)):
        choices.append(int(np.argmax(strategy.values(position, choices))))
    return tuple(choices)


@pytest.mark.parametrize(("memory", "shaping"), [(1, True), (4, True), (4, False)])
def test_the_greedy_policy_becomes_the_optimum_of_a_chain(memory: int, shaping: bool) -> None:
    space = chain(4)
    strategy = learner(space, design=0, learning_rate=0.05, memory=memory, shaping=shaping)
    tell_all(strategy, space, rounds=3)
    assert greedy(strategy) == (0, 1, 2, 0)


def test_with_one_choice_of_memory_only_shaping_tells_early_decisions_apart() -> None:
    space = chain(5)
    spreads = []
    for shaping in (True, False):
        strategy = learner(space, design=0, learning_rate=0.05, shaping=shaping)
        tell_all(strategy, space)
        spreads.append(np.ptp(strategy.values(0, [])))
    assert spreads[0] > 10.0 * spreads[1]


def test_values_of_a_deterministic_problem_converge_to_the_best_reward_that_follows() -> None:
    space = chain(2)
    strategy = learner(
        space, design=0, learning_rate=0.5, reward="range", replays=300, shaping=False
    )
    tell_all(strategy, space, rounds=2)  # values from -1 to 1
    np.testing.assert_allclose(strategy.values(0, []), [1.0, 0.5, 0.5], atol=1e-6)
    np.testing.assert_allclose(strategy.values(1, [0]), [0.5, 1.0, 0.5], atol=1e-6)
    np.testing.assert_allclose(strategy.values(1, [1]), [0.0, 0.0, 0.5], atol=1e-6)


def test_the_discount_shrinks_what_follows() -> None:
    space = chain(2)
    strategy = learner(
        space, design=0, learning_rate=0.5, reward="range", discount=0.5, shaping=False
    )
    tell_all(strategy, space, rounds=4)
    np.testing.assert_allclose(strategy.values(0, []), [0.5, 0.25, 0.25], atol=1e-6)


def test_one_replay_moves_the_values_from_the_last_decision_to_the_first() -> None:
    options = {"design": 0, "learning_rate": 0.1, "replays": 1, "initial": 0.2}
    plain = learner(chain(2), shaping=False, **options)
    plain.tell((1, 2), 3.0)  # alone, it is worth 0.5
    assert plain.values(1, [1]) == pytest.approx([0.2, 0.2, 0.23])
    assert plain.values(0, []) == pytest.approx([0.2, 0.203, 0.2])
    assert plain.values(1, [0]) == [0.2, 0.2, 0.2]
    shaped = learner(chain(2), shaping=True, **options)
    shaped.tell((1, 2), 3.0)  # 0.25 at each decision
    assert shaped.values(1, [1]) == pytest.approx([0.1, 0.1, 0.115])
    assert shaped.values(0, []) == pytest.approx([0.2, 0.2165, 0.2])


def test_without_memory_states_are_positions() -> None:
    strategy = learner(chain(3), design=0, memory=0)
    strategy.tell((0, 1, 2), 1.0)
    strategy.tell((1, 1, 1), 2.0)
    assert strategy.values(2, [0, 1]) == strategy.values(2, [2, 2])


def test_epsilon_falls_by_the_schedule_and_stays_at_its_last_value() -> None:
    strategy = learner(chain(3), schedule=[[1, 3], [0.5, 2], [0.1, 1]])
    epsilons = [strategy.epsilon(evaluation) for evaluation in range(1, 9)]
    assert epsilons == [1.0, 1.0, 1.0, 0.5, 0.5, 0.1, 0.1, 0.1]


def test_the_default_schedule_ends_before_150_evaluations() -> None:
    strategy = learner(chain(3))
    assert strategy.epsilon(1) == 1.0
    assert strategy.epsilon(150) == 0.1


def test_epsilon_one_is_uniform_and_epsilon_zero_is_greedy() -> None:
    space = chain(4)
    blind = learner(space, design=0, learning_rate=0.2, schedule=[[1.0, 1]], repeats=True)
    keen = learner(space, design=0, learning_rate=0.2, schedule=[[0.0, 1]], repeats=True)
    for strategy in (blind, keen):
        tell_all(strategy, space)
    asked = []
    for _ in range(300):
        (arch,) = blind.ask()
        asked.append(arch)
        blind.tell(arch, value(arch))
    shares = np.bincount([arch[0] for arch in asked], minlength=3) / 300
    np.testing.assert_allclose(shares, 1 / 3, atol=0.12)
    assert keen.ask() == [greedy(keen)]


def test_it_beats_random_search() -> None:
    space = chain(6, "abcde")
    candidates = Candidates(space)

    def best(spec: str) -> float:
        found = []
        for seed in range(4):
            strategy = make_strategy(spec, candidates, seed=seed)
            for _ in range(150):
                (arch,) = strategy.ask()
                strategy.tell(arch, float(sum(arch) + 2 * (arch[2] == arch[3] == 4)))
            assert strategy.best is not None
            found.append(strategy.best.value)
        return float(np.mean(found))

    assert best("q-learning") > best("random") + 2.0


def test_failures_count_as_the_worst() -> None:
    space = chain(3)
    strategy = learner(space, design=0, learning_rate=0.2)
    for arch in space:
        strategy.tell(arch, math.nan if arch[0] < 2 else 1.0 + arch[1])
    values = strategy.values(0, [])
    assert values[2] > max(values[:2])


@pytest.mark.slow
@pytest.mark.parametrize("stop", [5, 30])
def test_a_restored_search_goes_on_bit_by_bit(stop: int) -> None:
    candidates = Candidates(chain(6, "abcde"))

    def go_on(strategy: Strategy, count: int) -> list[Arch]:
        asked = []
        for _ in range(count):
            (arch,) = strategy.ask()
            asked.append(arch)
            strategy.tell(arch, float(sum(arch)))
        return asked

    strategy = make_strategy("q-learning", candidates, seed=4)
    go_on(strategy, stop)
    strategy.ask(2)
    restored = make_strategy("q-learning", candidates, seed=4)
    restored.restore(json.loads(json.dumps(strategy.state(), allow_nan=False)))
    assert go_on(strategy, 30) == go_on(restored, 30)
    assert strategy.state() == restored.state()


def test_an_exhausted_table_with_gaps_ends_the_search() -> None:
    space = chain(5)
    candidates = Candidates(space, space.sample(25, np.random.default_rng(0)))
    strategy = make_strategy("q-learning", candidates, design=5)
    asked = []
    while archs := strategy.ask(2):
        asked += archs
        for arch in archs:
            strategy.tell(arch, value(arch))
    assert sorted(asked) == sorted(candidates.index)


@pytest.mark.parametrize(
    "options",
    [
        {"learning_rate": 2.0},
        {"discount": -0.1},
        {"initial": "high"},
        {"memory": -1},
        {"schedule": []},
        {"schedule": [[0.5, 0]]},
        {"schedule": [[2.0, 10]]},
        {"schedule": 0.5},
        {"schedule": [0.5]},
        {"replays": 1.5},
        {"reward": "raw"},
        {"attempts": 0},
    ],
)
def test_wrong_options_are_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f"option {next(iter(options))!r}"):
        make_strategy("q-learning", chain(3), **options)
