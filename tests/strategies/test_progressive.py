"""Growing architectures decision by decision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.chains import Chains
from surrobench.spaces.choices import Choices
from surrobench.spaces.edge_cells import nas_bench_201
from surrobench.spaces.stages import trans_nas_bench_101_macro
from surrobench.strategies import make_strategy
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.evolution.progressive import neutral_choice, opening_order

SPACE = Choices("toy", [Variable(f"v{i}", ("none", "skip", "a", "b")) for i in range(4)])
WEIGHTS = np.random.default_rng(3).permutation(np.linspace(0.0, 5.0, 16)).reshape(4, 4)


def worth(arch: Arch) -> float:
    return float(WEIGHTS[range(4), arch].sum())


def level(strategy: Any, value: Any = worth) -> list[Arch]:
    """All that can be asked for at once, then told."""
    archs: list[Arch] = strategy.ask(1000)
    assert not strategy.ask(), "the next level waits for this one"
    for arch in archs:
        strategy.tell(arch, value(arch))
    return archs


def test_closed_decisions_pass_the_signal_on_if_they_can() -> None:
    assert [neutral_choice(v) for v in nas_bench_201().variables] == [1] * 6
    assert neutral_choice(Variable("x", ("conv", "zero"))) == 1
    assert neutral_choice(Variable("x", ("conv", "none", "Identity"))) == 2
    assert neutral_choice(Variable("x", ("3", "5"), (3.0, 5.0))) == 0
    assert [neutral_choice(v) for v in Chains().variables] == [0] * 14


def test_blocks_open_as_a_whole_and_the_necessary_ones_first() -> None:
    assert opening_order(nas_bench_201()) == ((0,), (1,), (2,), (3,), (4,), (5,))
    assert opening_order(Chains()) == ((0, 1, 2, 12), (3, 4, 5), (6, 7, 8), (9, 10, 11), (13,))


def test_one_decision_opens_at_each_level() -> None:
    strategy = make_strategy("progressive", SPACE, design=0, beam=20)
    first = level(strategy)
    assert sorted(first) == [(choice, 1, 1, 1) for choice in range(4)]
    second = level(strategy)
    assert {arch[2:] for arch in second} == {(1, 1)}
    assert {arch[0] for arch in second} == {0, 1, 2, 3}
    assert len(second) == 12, "four times three: what was trained is not trained again"


def test_only_the_best_of_a_level_are_expanded() -> None:
    strategy = make_strategy("progressive", SPACE, design=0, beam=2)
    first = level(strategy)
    assert len(first) == 2
    parents = {arch[0] for arch in first}
    second = level(strategy)
    assert {arch[0] for arch in second} <= parents
    # Those of the level before compete with their own expansions.
    best = sorted([*first, *second], key=worth, reverse=True)[:2]
    third = level(strategy)
    assert {arch[:2] for arch in third} <= {arch[:2] for arch in best}


def test_the_design_teaches_the_predictor_which_expansions_to_train() -> None:
    design = [tuple(arch) for arch in np.random.default_rng(1).permutation(list(SPACE))[:60]]
    strategy = make_strategy(
        "progressive", SPACE, design=design, beam=1, predictor="bayesian-ridge"
    )
    for arch in strategy.ask(60):
        strategy.tell(arch, worth(arch))
    (first,) = level(strategy)
    free = [(choice, 1, 1, 1) for choice in range(4) if (choice, 1, 1, 1) not in design]
    assert first == max(free, key=worth)


def test_when_everything_is_open_the_neighbours_of_the_best_follow() -> None:
    strategy = make_strategy("progressive", SPACE, design=0, beam=3, predictor="bayesian-ridge")
    for _ in range(4):
        level(strategy)
    best = sorted((o.arch for o in strategy.history), key=worth, reverse=True)[:3]
    near = {other for arch in best for other in SPACE.neighbours(arch)}
    assert set(level(strategy)) <= near
    while len(strategy.history) < 60:
        level(strategy)
    assert strategy.best.arch == tuple(WEIGHTS.argmax(axis=1).tolist())


def test_chains_grow_in_depth() -> None:
    space = Chains(pool="global", fc_layers=1)
    strategy = make_strategy("progressive", space, design=0, beam=6)
    depths = []
    for _ in range(4):
        archs = level(strategy, sum)
        depths.append({len(space.layers(arch).conv) for arch in archs})
        assert all(arch in space for arch in archs)
    assert depths == [{1}, {2}, {3}, {4}]


def test_a_space_without_the_neutral_architecture_starts_from_what_is_nearest() -> None:
    space = trans_nas_bench_101_macro()
    assert (0,) * 6 not in space
    first = level(make_strategy("progressive", space, design=0), sum)
    assert {arch[0] for arch in first} == {1, 2, 3, 4}
    assert {arch[4:] for arch in first} == {(0, 0)}, "as short as skeletons can be"


def test_a_table_with_gaps_keeps_what_is_open() -> None:
    table = [(0, 1, 1, 1), (1, 3, 1, 1), (1, 3, 3, 1), (2, 0, 0, 0), (3, 1, 1, 1), (3, 1, 1, 2)]
    strategy = make_strategy("progressive", Candidates(SPACE, table), design=0)
    # (1, 1, 1, 1) and (2, 1, 1, 1) are missing: the nearest with the same first decision stand in.
    assert sorted(level(strategy)) == [(0, 1, 1, 1), (1, 3, 1, 1), (2, 0, 0, 0), (3, 1, 1, 1)]


def test_wrong_options_are_refused() -> None:
    with pytest.raises(UserError, match="beam"):
        make_strategy("progressive", SPACE, beam=0)
    with pytest.raises(UserError, match="knn"):
        make_strategy("progressive", SPACE, predictor="kn")
