from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch
from surrobench.strategies import make_strategy
from surrobench.strategies.bayesian.generation import GenerationContext, make_generator
from surrobench.strategies.candidates import Candidates
from surrobench.testing.strategy_problems import choices, landscape, search, sparse

MODES = ["random", "mutation", "local-search"]
HUGE = choices(*(8,) * 20)  # 1.2e18
SMALL = {"use": "local-search", "starts": 2, "rounds": 3, "breadth": 30}


def moment(candidates: Candidates, **changes: Any) -> GenerationContext:
    ranked = candidates.sample(12, np.random.default_rng(3))
    content: dict[str, Any] = {
        "candidates": candidates,
        "ranked": ranked,
        "excluded": set(ranked),
        "score": lambda archs: np.array([float(sum(arch)) for arch in archs]),
    }
    return GenerationContext(**{**content, **changes})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "candidates",
    [Candidates(choices(4, 4, 4, 4, 4)), sparse(), Candidates(HUGE)],
    ids=["listed", "sparse", "huge"],
)
def test_candidates_are_distinct_and_not_excluded(mode: str, candidates: Candidates) -> None:
    given = moment(candidates)
    found = make_generator(mode)(given, np.random.default_rng(0))
    assert found
    assert len(set(found)) == len(found)
    assert all(arch in candidates and arch not in given.excluded for arch in found)
    assert found == make_generator(mode)(moment(candidates), np.random.default_rng(0))


def test_a_random_subset_has_the_size_that_was_asked_for() -> None:
    generator = make_generator({"use": "random", "count": 30})
    assert len(generator(moment(Candidates(HUGE)), np.random.default_rng(0)) or []) == 30
    # Of 40 candidates 12 are excluded.
    assert len(generator(moment(sparse()), np.random.default_rng(0)) or []) == 28


def distance(a: Arch, b: Arch) -> int:
    return sum(x != y for x, y in zip(a, b, strict=True))


def test_mutants_are_near_their_parents_and_the_rest_is_random() -> None:
    given = moment(Candidates(HUGE))
    generator = make_generator(
        {"use": "mutation", "count": 40, "parents": 3, "changes": 2, "random": 0.25}
    )
    found = generator(given, np.random.default_rng(0)) or []
    nearest = [min(distance(arch, parent) for parent in given.ranked[:3]) for arch in found]
    assert len(found) == 40
    assert sum(1 <= d <= 2 for d in nearest) == 30
    assert sum(d > 5 for d in nearest) == 10


def test_mutation_fills_up_where_all_neighbours_are_seen() -> None:
    candidates = Candidates(choices(3, 3, 3))
    seen = {arch for arch in candidates.index if arch[0] < 2}
    given = moment(candidates, ranked=[(0, 0, 0)], excluded=seen)
    found = make_generator({"use": "mutation", "changes": 1})(given, np.random.default_rng(0))
    assert set(found or []) == {arch for arch in candidates.index if arch[0] == 2}


def test_local_search_climbs_to_the_top() -> None:
    given = moment(Candidates(HUGE))
    generator = make_generator({"use": "local-search", "rounds": 25, "breadth": 200})
    found = generator(given, np.random.default_rng(0)) or []
    assert found[0] == (7,) * 20
    assert [sum(arch) for arch in found] == sorted((sum(arch) for arch in found), reverse=True)


def test_local_search_scores_nothing_twice_and_nothing_excluded() -> None:
    scored: list[Arch] = []

    def score(archs: Any) -> np.ndarray:
        scored.extend(archs)
        return np.array([float(sum(arch)) for arch in archs])

    given = moment(Candidates(HUGE), score=score)
    make_generator("local-search")(given, np.random.default_rng(0))
    assert len(set(scored)) == len(scored)
    assert not set(scored) & set(given.excluded)  # type: ignore[call-overload]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "margin"),
    [("mutation", 4.0), (SMALL, 4.0), ({"use": "random", "count": 3000}, 1.0)],
    ids=str,
)
@pytest.mark.parametrize("predictor", ["gp-matern52+quantile-normal", "bayesian-ridge"])
def test_unlisted_spaces_are_searched(mode: Any, margin: float, predictor: str) -> None:
    problem = landscape(Candidates(HUGE), epochs=False, objectives=False)

    def best(name: str, **options: Any) -> float:
        strategy = make_strategy(name, problem.problem, seed=0, design=10, **options)
        assert len(search(strategy, problem, 40, batch=5)) == 40
        assert strategy.best is not None
        return strategy.best.value

    assert best("bayesian", generation=mode, predictor=predictor) > best("random") + margin


@pytest.mark.slow
@pytest.mark.parametrize("mode", [*MODES, "pool"])
def test_listed_spaces_are_searched(mode: str) -> None:
    problem = landscape(Candidates(choices(4, 4, 4, 4, 4)), epochs=False, objectives=False)
    optimum = max(problem.value(arch) for arch in problem.problem.candidates.index)
    strategy = make_strategy("bayesian", problem.problem, seed=0, design=5, generation=mode)
    search(strategy, problem, 40)
    assert strategy.best is not None
    assert strategy.best.value > optimum - 0.5


def test_the_default_is_what_the_space_allows() -> None:
    assert make_strategy("bayesian", HUGE)._generator == make_generator("local-search")
    assert make_strategy("bayesian", choices(3, 3))._generator == make_generator("pool")
    with pytest.raises(UserError, match=r"'pool' lists every candidate.*1.15e\+18"):
        make_strategy("bayesian", HUGE, generation="pool")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("mutatoin", "mutation"),
        ({"use": "mutation", "parent": 3}, "parents"),
        ({"use": "mutation", "parents": 0}, "at least 1"),
        ({"use": "mutation", "random": 1.5}, "from 0 to 1"),
        ({"use": "random", "count": 2.0}, "whole number"),
        ({"count": 2}, "under the key 'use'"),
    ],
    ids=str,
)
def test_mistakes_are_refused(spec: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        make_generator(spec)
