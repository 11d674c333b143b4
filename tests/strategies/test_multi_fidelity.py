"""Rungs, brackets and the densities that BOHB samples by."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.choices import Choices
from surrobench.strategies import make_strategy
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.fidelity.brackets import ladder
from surrobench.strategies.fidelity.density_ratio import CategoricalDensity, DensityRatio
from surrobench.strategies.problem import Problem

KINDS = ("successive-halving", "hyperband", "bohb")
Step = tuple[Arch, int | None]


def problem(epochs: tuple[int, ...] = (1, 3, 9), *cardinalities: int) -> Problem:
    counts = cardinalities or (4, 4, 4, 4, 4)
    variables = [Variable(f"v{i}", tuple("abcdef"[:c])) for i, c in enumerate(counts)]
    return Problem(Candidates(Choices("toy", variables)), epochs=epochs)


def worth(arch: Arch) -> float:
    """Distinct for distinct architectures, and the same at all lengths of training."""
    return float(sum(choice * 7**place for place, choice in enumerate(arch)))


def rung(strategy: Any, value: Any = worth) -> list[Step]:
    """All that can be asked for at once, then told."""
    steps = [(arch, strategy.epochs(arch)) for arch in strategy.ask(10_000)]
    for arch, _ in steps:
        strategy.tell(arch, value(arch))
    return steps


def lengths(steps: list[Step]) -> tuple[int, int | None]:
    """How many were trained for how long; all the same."""
    (length,) = {epochs for _, epochs in steps}
    return len(steps), length


def test_the_ladder_takes_the_longest_lengths_that_are_short_enough() -> None:
    assert ladder((12, 200), 3) == (12, 200)
    assert ladder(range(1, 51), 3) == (1, 5, 16, 50)
    assert ladder((1, 3, 9, 27, 81), 3) == (1, 3, 9, 27, 81)
    assert ladder((1, 2, 3), 3) == (1, 3)
    assert ladder((1, 2, 3), 1) == (1, 2, 3)


def test_hyperband_has_the_brackets_of_the_paper() -> None:
    """Li et al. 2018, table 1: R = 81, eta = 3."""
    strategy = make_strategy("hyperband", problem((1, 3, 9, 27, 81)), design=0)
    found = [lengths(rung(strategy)) for _ in range(5 + 4 + 3 + 2 + 1)]
    assert found == [
        *((81, 1), (27, 3), (9, 9), (3, 27), (1, None)),
        *((34, 3), (11, 9), (3, 27), (1, None)),
        *((15, 9), (5, 27), (1, None)),
        *((8, 27), (2, None)),
        (5, None),
    ]


def test_two_lengths_make_a_short_and_a_full_bracket() -> None:
    strategy = make_strategy("hyperband", problem((12, 200)), design=0)
    round_ = [(17, 12), (1, None), (2, None)]
    assert [lengths(rung(strategy)) for _ in range(6)] == round_ * 2


@pytest.mark.parametrize("kind", KINDS)
def test_the_best_of_a_rung_are_trained_longer(kind: str) -> None:
    strategy = make_strategy(kind, problem(), design=0)
    first, second, third = (rung(strategy) for _ in range(3))
    assert [epochs for _, epochs in (*first[:1], *second[:1], *third[:1])] == [1, 3, None]
    best = sorted((arch for arch, _ in first), key=worth, reverse=True)
    assert [arch for arch, _ in second] == best[:3]
    assert [arch for arch, _ in third] == best[:1]


def test_rungs_of_all_lengths_halve_by_cost() -> None:
    strategy = make_strategy(
        "successive-halving", problem((1, 2, 3)), design=0, rungs="all", start=12
    )
    assert [lengths(rung(strategy)) for _ in range(3)] == [(12, 1), (6, 2), (4, None)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_design_starts_on_the_first_rung(kind: str) -> None:
    design = [(0, 1, 2, 3, 0), (3, 3, 3, 3, 3), (1, 1, 1, 1, 1)]
    strategy = make_strategy(kind, problem(), design=design)
    assert strategy.ask(2) == design[:2]
    assert strategy.epochs(design[0]) == 1
    assert strategy.ask(1) == design[2:]
    assert len(strategy.ask(100)) == 6, "the rung is filled up to nine"
    assert strategy.ask() == []
    assert strategy.waits()


def test_a_large_design_enlarges_the_first_rung() -> None:
    strategy = make_strategy("hyperband", problem(), design=30)
    found = [lengths(rung(strategy)) for _ in range(4)]
    assert found == [(30, 1), (10, 3), (3, None), (5, 3)]


def test_short_trainings_are_never_the_best() -> None:
    strategy = make_strategy("successive-halving", problem(), design=0)
    rung(strategy)
    assert strategy.best is None
    rung(strategy)
    ((arch, _),) = rung(strategy)
    assert strategy.best is not None
    assert strategy.best.arch == arch


def test_failures_stay_behind_unless_everything_failed() -> None:
    strategy = make_strategy("successive-halving", problem(), design=0)
    survivor = strategy.ask(1)[0]
    strategy.tell(survivor, -5.0)
    assert len(rung(strategy, lambda arch: math.nan)) == 8
    assert rung(strategy) == [(survivor, 3)]

    strategy = make_strategy("successive-halving", problem(), design=0)
    rung(strategy, lambda arch: math.nan)
    assert lengths(rung(strategy)) == (3, 3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", [1, 4])
def test_in_the_end_everything_was_trained_fully_and_nothing_twice(kind: str, batch: int) -> None:
    strategy = make_strategy(kind, problem((1, 3, 9), 3, 2, 4), design=2)
    steps: list[Step] = []
    while archs := strategy.ask(batch):
        for arch in archs:
            steps.append((arch, strategy.epochs(arch)))
            strategy.tell(arch, worth(arch) if arch[1] else math.nan)
    assert not strategy.pending
    assert max(Counter(steps).values()) == 1
    assert len({arch for arch, epochs in steps if epochs is None}) == 24


def test_with_repeats_a_small_space_never_runs_out() -> None:
    strategy = make_strategy("hyperband", problem((1, 3), 2, 2), design=0, repeats=True)
    counts = Counter(step for _ in range(30) for step in rung(strategy))
    assert min(counts.values()) > 1


def test_wrong_options_are_refused() -> None:
    for options in ({"eta": 0.5}, {"rungs": "some"}, {"start": 1}, {"eta": 10}):
        with pytest.raises(UserError, match=str(next(iter(options)))):
            make_strategy("successive-halving", problem(), **options)
    for options in ({"random_fraction": 1.5}, {"samples": 0}, {"good": 1.5}):
        with pytest.raises(UserError, match=str(next(iter(options)))):
            make_strategy("bohb", problem(), **options)
    with pytest.raises(UserError, match="two lengths"):
        make_strategy("hyperband", problem((7,)))


def every(cardinalities: tuple[int, ...]) -> np.ndarray:
    return np.array(list(itertools.product(*map(range, cardinalities))))


def test_density_is_the_mean_of_products_of_aitchison_aitken_kernels() -> None:
    cardinalities, h = (3, 2), np.array([0.3, 0.1])
    observed = np.array([[0, 1], [2, 0], [2, 1]])
    density = CategoricalDensity(cardinalities, observed, h)

    def kernel(choice: int, centre: int, v: int) -> float:
        return 1 - h[v] if choice == centre else h[v] / (cardinalities[v] - 1)

    expected = [
        np.mean([kernel(a, c, 0) * kernel(b, d, 1) for c, d in observed.tolist()])
        for a, b in every(cardinalities).tolist()
    ]
    np.testing.assert_allclose(np.exp(density.log_density(every(cardinalities))), expected)
    assert sum(expected) == pytest.approx(1.0)


def test_bandwidths_stop_at_the_uniform_distribution() -> None:
    wide = CategoricalDensity((4, 1), np.array([[0, 0]]), np.array([5.0, 5.0]))
    np.testing.assert_allclose(np.exp(wide.log_density(every((4, 1)))), 0.25)
    # Where all agree the rule gives no bandwidth, and the least one leaves other choices possible.
    agreed = CategoricalDensity((4,), np.zeros((9, 1), dtype=int))
    assert agreed.bandwidths == pytest.approx([1e-3])


def test_draws_follow_the_density() -> None:
    cardinalities = (3, 4)
    density = CategoricalDensity(cardinalities, np.array([[0, 1], [2, 3]]), np.array([0.2, 0.5]))
    draws = density.sample(40_000, np.random.default_rng(0))
    counts = Counter(map(tuple, draws.tolist()))
    for row, probability in zip(
        every(cardinalities).tolist(),
        np.exp(density.log_density(every(cardinalities))),
        strict=True,
    ):
        assert counts[tuple(row)] / 40_000 == pytest.approx(probability, abs=0.01)


def test_the_ratio_favours_what_the_good_ones_have_in_common() -> None:
    archs = every((3, 3, 3))
    ratio = DensityRatio((3, 3, 3), archs, -np.abs(archs[:, 1] - 2.0), good=1 / 3, least=4)
    best = archs[np.argsort(-ratio.log_ratio(archs))[:9]]
    assert (best[:, 1] == 2).all()


def test_bohb_starts_brackets_near_the_good_ones() -> None:
    shares = {}
    for fraction in (0.0, 1.0):
        strategy = make_strategy("bohb", problem(), design=40, random_fraction=fraction)
        rung(strategy, lambda arch: 10.0 * arch[2] + 0.01 * worth(arch) % 1)
        for _ in range(2):
            rung(strategy, lambda arch: 10.0 * arch[2])
        started = [arch for arch, _ in rung(strategy, lambda arch: 10.0 * arch[2])]
        shares[fraction] = np.mean([arch[2] == 3 for arch in started])
    assert shares[0.0] == 1.0
    assert shares[1.0] < 1.0


@pytest.mark.parametrize(("good", "best"), [(0.15, 6), (0.25, 10), (0.5, 20)])
def test_the_good_ones_are_the_share_that_was_asked_for(good: float, best: int) -> None:
    archs, values = np.arange(40)[:, None] % 5, np.arange(40.0)[::-1]
    ratio = DensityRatio([5], archs, values, good=good, least=2)
    assert ratio.good.archs.tolist() == archs[:best].tolist()
    assert ratio.bad.archs.tolist() == archs[best:].tolist()
