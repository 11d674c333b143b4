"""Random search, local search, evolution, genetic algorithm and estimation of distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.choices import Choices
from surrobench.strategies import make_strategy
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.evolution.distribution import EstimationOfDistribution
from surrobench.strategies.evolution.evolution import RegularisedEvolution
from surrobench.strategies.evolution.genetic import GeneticAlgorithm
from surrobench.strategies.evolution.local_search import LocalSearch
from surrobench.strategies.problem import Problem
from surrobench.strategies.strategy import Strategy


def problem(*cardinalities: int) -> Problem:
    variables = [Variable(f"v{i}", tuple(map(str, range(c)))) for i, c in enumerate(cardinalities)]
    return Problem(Candidates(Choices("product", variables)))


def distance(a: Arch, b: Arch) -> int:
    return sum(x != y for x, y in zip(a, b, strict=True))


def told(strategy: Strategy, *archs: Arch) -> None:
    for arch in archs:
        strategy.tell(arch, float(sum(arch)))


# -- random search -----------------------------------------------------------------------------


def test_random_search_is_uniform() -> None:
    counts = dict.fromkeys(range(5), 0)
    for seed in range(1_000):
        counts[make_strategy("random", problem(5), seed=seed, design=0).ask()[0][0]] += 1
    assert min(counts.values()) > 150


# -- local search ------------------------------------------------------------------------------


def climb(query: str, n: int, **options: Any) -> tuple[LocalSearch, list[Arch]]:
    """Maximise the sum of six choices out of four from the origin."""
    strategy = LocalSearch(problem(*(4,) * 6), design=[(0,) * 6], query=query, **options)
    trace = []
    for _ in range(n):
        trace += strategy.ask()
        told(strategy, trace[-1])
    return strategy, trace


def test_all_neighbours_are_tried_before_the_best_of_them_is_the_centre() -> None:
    _, trace = climb("all", 1 + 18 + 15)
    origin, first, second = trace[0], trace[1:19], trace[19:]
    assert {distance(origin, arch) for arch in first} == {1}
    assert len(set(first)) == 18
    centre = max(first, key=sum)
    assert sum(centre) == 3
    assert {distance(centre, arch) for arch in second} == {1}


def test_first_improvement_moves_at_once() -> None:
    _, trace = climb("first-improvement", 15)
    centre = trace[0]
    for arch in trace[1:]:
        assert distance(centre, arch) == 1
        centre = arch if sum(arch) > sum(centre) else centre


def test_the_climb_starts_from_the_best_of_the_design() -> None:
    design = [(0, 0, 0), (3, 3, 0), (1, 1, 1)]
    strategy = LocalSearch(problem(4, 4, 4), design=design)
    told(strategy, *strategy.ask(3))
    assert distance(strategy.ask()[0], (3, 3, 0)) == 1


def test_an_unfinished_design_does_not_hold_up_the_climb() -> None:
    design = [(0, 0, 0), (3, 3, 0), (1, 1, 1)]
    strategy = LocalSearch(problem(4, 4, 4), design=design)
    strategy.ask(3)
    told(strategy, (1, 1, 1))
    assert distance(strategy.ask()[0], (1, 1, 1)) == 1
    told(strategy, (3, 3, 0))
    assert distance(strategy.ask()[0], (3, 3, 0)) == 1


def test_at_a_local_optimum_a_new_climb_starts_with_random_architectures() -> None:
    strategy = LocalSearch(problem(*(3,) * 5), design=[(0,) * 5], starts=4)
    value = {(0,) * 5: 1.0}  # a peak; everything else is a plain
    for _ in range(11):
        arch = strategy.ask()[0]
        strategy.tell(arch, value.get(arch, 0.0))
    starts: list[Arch] = []
    for _ in range(4):
        starts += strategy.ask()
        strategy.tell(starts[-1], 0.5 if len(starts) == 3 else 0.25)
    assert max(distance(arch, (0,) * 5) for arch in starts) >= 3
    assert all(distance(arch, starts[2]) == 1 for arch in strategy.ask(3))


def test_continuing_goes_on_from_the_next_best() -> None:
    strategy = LocalSearch(problem(*(3,) * 5), design=[(0,) * 5], at_optimum="continue")
    second = (0, 0, 1, 0, 0)
    for _ in range(11):
        arch = strategy.ask()[0]
        strategy.tell(arch, {(0,) * 5: 1.0, second: 0.5}.get(arch, 0.0))
    assert all(distance(arch, second) == 1 for arch in strategy.ask(4))


def test_batches_hand_out_several_neighbours_and_then_those_of_the_next_best() -> None:
    strategy = LocalSearch(problem(4, 4), design=[(1, 1), (0, 0)], query="all")
    told(strategy, *strategy.ask(2))
    batch = strategy.ask(8)
    assert {distance(arch, (1, 1)) for arch in batch[:6]} == {1}
    assert all(distance(arch, (0, 0)) == 1 for arch in batch[6:])


def test_failed_architectures_are_never_a_centre() -> None:
    strategy = LocalSearch(problem(3, 3, 3), design=[(2, 2, 2), (0, 0, 0)])
    strategy.ask(2)
    strategy.tell((2, 2, 2), math.nan)
    strategy.tell((0, 0, 0), -5.0)
    assert distance(strategy.ask()[0], (0, 0, 0)) == 1


# -- evolution ---------------------------------------------------------------------------------


def test_children_are_one_change_away_from_the_winner_of_a_tournament() -> None:
    strategy = RegularisedEvolution(
        problem(4, 4, 4), design=0, population=3, sample_size=50, initial=1
    )
    told(strategy, (0, 0, 0), (3, 3, 3), (1, 0, 1))
    assert all(distance(child, (3, 3, 3)) == 1 for child in strategy.ask(4))


def test_the_oldest_member_dies_however_good_it_is() -> None:
    strategy = RegularisedEvolution(
        problem(4, 4, 4), design=0, population=2, sample_size=50, initial=1
    )
    told(strategy, (3, 3, 3), (0, 0, 0), (1, 0, 0))
    assert all(distance(child, (1, 0, 0)) == 1 for child in strategy.ask(4))


def test_the_population_is_filled_with_random_members_first() -> None:
    strategy = RegularisedEvolution(
        problem(*(4,) * 8), design=[(3,) * 8], population=20, sample_size=20, initial=20
    )
    random = [strategy.ask()[0]]
    while len(strategy.history) < 20:
        told(strategy, random[-1])
        random += strategy.ask()
    assert min(distance(arch, (3,) * 8) for arch in random[1:20]) > 1
    best = max(random[:20], key=sum)
    assert distance(random[20], best) == 1


def test_a_parent_whose_neighbours_are_all_known_leaves_its_place_to_the_next() -> None:
    strategy = RegularisedEvolution(
        problem(2, 2, 2), design=0, population=8, sample_size=60, initial=1
    )
    told(strategy, (1, 1, 1), (0, 1, 1), (1, 0, 1), (1, 1, 0))
    assert set(strategy.ask(3)) == {(0, 0, 1), (0, 1, 0), (1, 0, 0)}


# -- genetic algorithm -------------------------------------------------------------------------


def test_without_mutation_a_child_mixes_its_parents() -> None:
    strategy = GeneticAlgorithm(
        problem(*(4,) * 20),
        design=[(0,) * 20, (1,) * 20],
        initial=2,
        mutation_rate=0.0,
        crossover_rate=1.0,
        truncation=1.0,
    )
    told(strategy, *strategy.ask(2))
    children = strategy.ask(40)
    mixed = [child for child in children if len(set(child)) == 2 and set(child) == {0, 1}]
    # Half of the pairs are one parent twice, and a copy of a parent becomes a neighbour of it.
    assert len(mixed) >= 10
    assert all(child in strategy.candidates for child in children)


def test_without_crossover_one_variable_changes_on_average() -> None:
    task = problem(*(4,) * 20)
    children = []
    for seed in range(300):
        strategy = GeneticAlgorithm(
            task, seed=seed, design=[(0,) * 20], initial=1, crossover_rate=0.0
        )
        told(strategy, *strategy.ask())
        children += strategy.ask()
    changes = [distance(child, (0,) * 20) for child in children]
    assert min(changes) == 1
    # Binomial(20, 1/20) where no change becomes one change: 1 + 0.95^20 = 1.36.
    assert 1.2 < np.mean(changes) < 1.5


def test_mutation_gives_every_other_choice_the_same_chance() -> None:
    strategy = GeneticAlgorithm(problem(4, 2, 1), crossover_rate=0.0, mutation_rate=1.0, design=0)
    rng = np.random.default_rng(0)
    children = np.array([strategy._child((1, 0, 0), (0, 0, 0), rng) for _ in range(600)])
    assert {tuple(row[1:]) for row in children.tolist()} == {(1, 0)}
    counts = np.bincount(children[:, 0], minlength=4)
    assert counts[1] == 0
    assert min(counts[[0, 2, 3]]) > 150


@pytest.mark.parametrize(
    "options",
    [
        {"selection": "truncation", "truncation": 0.0},
        {"selection": "tournament", "tournament": 60},
    ],
)
def test_only_the_best_become_parents(options: dict[str, Any]) -> None:
    good = [(3,) * 12, (3,) * 11 + (2,)]
    strategy = GeneticAlgorithm(
        problem(*(4,) * 12), design=0, initial=1, mutation_rate=0.0, **options
    )
    rng = np.random.default_rng(0)
    poor = [tuple(row) for row in rng.integers(2, size=(10, 12)).tolist()]
    told(strategy, *dict.fromkeys(poor), *good)
    assert all(distance(child, good[0]) <= 2 for child in strategy.ask(8))


def test_the_elite_stays_and_the_others_age() -> None:
    strategy = GeneticAlgorithm(problem(9, 9), design=0, population=4, elite=2)
    told(strategy, (8, 8), (8, 7), (0, 1), (0, 2), (0, 0), (1, 0))
    assert [member.arch for member in strategy._members()] == [(8, 8), (8, 7), (0, 0), (1, 0)]


# -- estimation of distribution ----------------------------------------------------------------


def test_umda_takes_the_shares_of_the_best() -> None:
    strategy = EstimationOfDistribution(
        problem(4, 4), design=0, generation=4, selected=2, smoothing=0.0
    )
    told(strategy, (3, 3), (3, 2), (0, 0))
    np.testing.assert_allclose(strategy._shares[0], 0.25)
    told(strategy, (0, 1))
    np.testing.assert_allclose(strategy._shares[0], [0, 0, 0, 1])
    np.testing.assert_allclose(strategy._shares[1], [0, 0, 0.5, 0.5])
    # Two samples are left in the distribution, and both are known: neighbours take their place.
    assert all(min(distance(a, (3, 3)), distance(a, (3, 2))) == 1 for a in strategy.ask(3))


def test_pbil_moves_part_of_the_way() -> None:
    strategy = EstimationOfDistribution(
        problem(2), design=0, generation=2, selected=1, learning_rate=0.1, smoothing=0.0
    )
    told(strategy, (1,), (0,))
    np.testing.assert_allclose(strategy._shares[0], [0.45, 0.55])


def test_smoothing_adds_observations_of_a_uniform_choice() -> None:
    strategy = EstimationOfDistribution(
        problem(4), design=0, generation=4, selected=3, smoothing=1.0
    )
    told(strategy, (3,), (2,), (1,), (0,))
    np.testing.assert_allclose(strategy._shares[0], [1 / 16, 5 / 16, 5 / 16, 5 / 16])


@pytest.mark.parametrize(("elitist", "expected"), [(True, [0, 0, 1]), (False, [0, 1, 0])])
def test_the_best_are_those_of_all_or_of_the_last_generation(
    elitist: bool, expected: list[float]
) -> None:
    strategy = EstimationOfDistribution(
        problem(3, 9), design=0, generation=2, selected=1, elitist=elitist, smoothing=0.0
    )
    told(strategy, (2, 8), (0, 0), (1, 1), (0, 1))
    np.testing.assert_allclose(strategy._shares[0], expected)


def test_samples_follow_the_distributions() -> None:
    strategy = EstimationOfDistribution(
        problem(*(10,) * 6), design=0, generation=2, selected=1, smoothing=1.0
    )
    told(strategy, (9,) * 6, (0,) * 6)
    drawn = np.array(strategy.ask(500))
    # Shares are (1 + 1/10) / 2 for the choice of the best and 1/20 for each other one.
    assert 0.45 < np.mean(drawn == 9) < 0.6
    assert 0.03 < np.mean(drawn == 0) < 0.07


# -- options -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "option", "value"),
    [
        ("local-search", "query", "some"),
        ("local-search", "at_optimum", "stop"),
        ("local-search", "starts", 0),
        ("regularised-evolution", "population", 0),
        ("regularised-evolution", "sample_size", 2.5),
        ("regularised-evolution", "initial", 31),
        ("genetic", "population", 1),
        ("genetic", "selection", "roulette"),
        ("genetic", "truncation", 1.5),
        ("genetic", "tournament", 0),
        ("genetic", "crossover_rate", -0.1),
        ("genetic", "mutation_rate", 2.0),
        ("genetic", "elite", 21),
        ("genetic", "initial", 0),
        ("estimation-of-distribution", "generation", 0),
        ("estimation-of-distribution", "selected", 0),
        ("estimation-of-distribution", "learning_rate", 1.1),
        ("estimation-of-distribution", "learning_rate", math.nan),
        ("estimation-of-distribution", "smoothing", -1.0),
    ],
)
def test_wrong_options_are_named(spec: str, option: str, value: Any) -> None:
    with pytest.raises(UserError, match=f"option '{option}' is"):
        make_strategy(spec, problem(3, 3), **{option: value})


def test_a_distribution_fitted_to_a_whole_generation_learns_nothing() -> None:
    with pytest.raises(UserError, match="fewer"):
        make_strategy(
            "estimation-of-distribution", problem(3, 3), elitist=False, generation=5, selected=5
        )


# -- published behaviour -----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spec", "at_most"),
    [
        ("local-search", 0.35),
        ("regularised-evolution", 0.35),
        ("genetic", 0.4),
        ("estimation-of-distribution", 0.4),
    ],
)
def test_strategies_beat_random_search_on_a_rugged_landscape(spec: str, at_most: float) -> None:
    """Regret relative to random search on an additive landscape with pairwise interactions."""
    rng = np.random.default_rng(0)
    task = problem(*(5,) * 6)
    single, pair = rng.normal(size=(6, 5)), 0.5 * rng.normal(size=(6, 6, 5, 5))

    def value(arch: Arch) -> float:
        alone = sum(single[i, c] for i, c in enumerate(arch))
        pairs = sum(pair[i, j, arch[i], arch[j]] for i in range(6) for j in range(i))
        return float(alone + pairs)

    archs = task.candidates.archs
    assert archs is not None
    optimum = max(value(tuple(row)) for row in archs.tolist())

    def regret(name: str, seed: int) -> float:
        strategy = make_strategy(name, task, seed=seed)
        for _ in range(150):
            arch = strategy.ask()[0]
            strategy.tell(arch, value(arch))
        assert strategy.best is not None
        return optimum - strategy.best.value

    ours = np.mean([regret(spec, seed) for seed in range(4)])
    floor = np.mean([regret("random", seed) for seed in range(4)])
    assert ours <= at_most * floor, f"{ours:.2f} against {floor:.2f}"
