"""Policy gradients: the losses, the rewards, and that searching with them pays."""

from __future__ import annotations

import functools
import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
import torch

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.choices import Choices
from surrobench.strategies import make_strategy
from surrobench.strategies.candidates import Candidates
from surrobench.strategies.reinforcement.reinforcement import clipped_loss, reinforce_loss
from surrobench.strategies.reinforcement.rewards import scale_free
from surrobench.strategies.strategy import Strategy

SPACE = Choices("toy", [Variable(f"v{i}", tuple("abcde")) for i in range(6)])
VARIANTS = ("reinforce", "ppo", "reinforce-transformer")

variants = pytest.mark.parametrize("name", VARIANTS)


def value(arch: Arch) -> float:
    """Separable, plus an interaction of neighbours; the best is 30, of all fours."""
    return float(sum(arch) + sum(a == b == 4 for a, b in itertools.pairwise(arch)) * 1.2)


def search(strategy: Strategy, budget: int, batch: int = 1, unit: float = 1.0) -> list[Arch]:
    asked: list[Arch] = []
    while len(asked) < budget:
        archs = strategy.ask(batch)
        for arch in archs:
            strategy.tell(arch, unit * value(arch))
        asked += archs
    return asked


@functools.cache
def mean_best(spec: str) -> float:
    candidates = Candidates(SPACE)
    searches = (search(make_strategy(spec, candidates, seed=seed), 100) for seed in range(4))
    return float(np.mean([max(map(value, asked)) for asked in searches]))


@pytest.mark.slow
@variants
def test_it_beats_random_search_clearly(name: str) -> None:
    assert mean_best(name) > mean_best("random") + 3.0


@pytest.mark.slow
@variants
def test_its_proposals_get_better(name: str) -> None:
    asked = search(make_strategy(name, Candidates(SPACE), seed=1), 120)
    late, early = np.mean([*map(value, asked[-30:])]), np.mean([*map(value, asked[:30])])
    assert late > early + 4.0


@pytest.mark.slow
@variants
def test_the_unit_of_the_values_does_not_matter(name: str) -> None:
    candidates = Candidates(SPACE)
    first = search(make_strategy(name, candidates, seed=2), 60)
    assert first == search(make_strategy(name, candidates, seed=2), 60, unit=1024.0)


@pytest.mark.slow
@variants
@pytest.mark.parametrize("stop", [4, 23, 41])
def test_a_restored_search_goes_on_bit_by_bit(name: str, stop: int) -> None:
    candidates = Candidates(SPACE)
    strategy = make_strategy(name, candidates, seed=3, design=8)
    search(strategy, stop)
    strategy.ask(3)  # some are pending
    saved = json.loads(json.dumps(strategy.state(), allow_nan=False))
    restored = make_strategy(name, candidates, seed=3, design=8)
    restored.restore(saved)
    for some in (strategy, restored):
        for arch in list(some.pending):
            some.tell(arch, value(arch))
    assert search(strategy, 30) == search(restored, 30)
    assert strategy.state() == restored.state()


def test_the_state_of_another_controller_is_refused() -> None:
    strategy = make_strategy("reinforce", Candidates(SPACE), hidden=8)
    other = make_strategy("reinforce", Candidates(SPACE), hidden=16)
    with pytest.raises(UserError, match="damaged"):
        other.restore(strategy.state())


def test_the_gradient_of_reinforce_is_the_advantage_times_the_score() -> None:
    logits = torch.tensor([[0.3, -0.2, 0.5]], requires_grad=True)
    advantages = torch.tensor([2.0, -1.0])
    chosen = logits.log_softmax(dim=-1)[0, torch.tensor([[0], [2]])]
    reinforce_loss(chosen, advantages).backward()
    p = logits.detach().softmax(dim=-1)[0]
    scores = torch.eye(3)[[0, 2]] - p  # of a softmax: one-hot minus probabilities
    expected = -(2.0 * scores[0] - 1.0 * scores[1]) / 2.0
    torch.testing.assert_close(logits.grad, expected[None])


@pytest.mark.parametrize(
    ("ratio", "advantage", "slope"),
    [
        (1.5, 1.0, 0.0),  # better, and already far more likely
        (0.5, -1.0, 0.0),  # worse, and already far less likely
        (1.1, 1.0, -1.1),
        (0.9, -1.0, 0.9),
        (0.5, 1.0, -0.5),  # moved the wrong way: not clipped
        (1.5, -1.0, 1.5),
    ],
)
def test_outside_the_clip_there_is_nothing_to_gain(
    ratio: float, advantage: float, slope: float
) -> None:
    current = torch.tensor([[math.log(ratio) - 1.0]], requires_grad=True)
    old = torch.tensor([[-1.0]])
    clipped_loss(current, old, torch.tensor([advantage]), 0.2).backward()
    torch.testing.assert_close(current.grad, torch.tensor([[slope]]))


def test_at_the_old_policy_both_losses_have_one_gradient() -> None:
    old = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 3)))
    advantages = torch.linspace(-1.0, 1.0, 5).double()
    first, second = (old.clone().requires_grad_(True) for _ in range(2))
    reinforce_loss(first, advantages).backward()
    clipped_loss(second, old, advantages, 0.2).backward()
    torch.testing.assert_close(first.grad, second.grad)


def test_rewards_are_shares_of_lower_values_or_of_the_range() -> None:
    values = np.array([3.0, -100.0, 5.0, 3.0, 4.0])
    np.testing.assert_allclose(scale_free(values, "rank"), [0.375, 0.0, 1.0, 0.375, 0.75])
    np.testing.assert_allclose(scale_free(values, "range"), (values + 100.0) / 105.0)
    for kind in ("rank", "range"):
        np.testing.assert_array_equal(scale_free(np.full(3, 7.0), kind), [0.5, 0.5, 0.5])
        np.testing.assert_array_equal(scale_free(np.array([7.0]), kind), [0.5])


@pytest.mark.slow
@variants
def test_failures_push_the_policy_away(name: str) -> None:
    strategy = make_strategy(name, Candidates(SPACE), seed=0, design=0)
    asked = []
    for _ in range(150):
        (arch,) = strategy.ask()
        asked.append(arch)
        strategy.tell(arch, math.nan if arch[0] < 3 else 1.0 + arch[1])
    assert np.mean([arch[0] >= 3 for arch in asked[-40:]]) > 0.6  # 0.4 by chance


@variants
def test_an_exhausted_table_with_gaps_ends_the_search(name: str) -> None:
    rng = np.random.default_rng(0)
    candidates = Candidates(SPACE, SPACE.sample(30, rng))
    strategy = make_strategy(name, candidates, design=5)
    asked = search(strategy, 30)
    assert set(asked) == set(candidates.index)
    assert strategy.ask() == []


def test_observations_that_nobody_asked_for_are_learned_from() -> None:
    candidates = Candidates(SPACE)
    told = make_strategy("ppo", candidates, seed=0, design=0)
    for arch in SPACE.sample(100, np.random.default_rng(1)):
        told.tell(arch, value(arch))
    untold = make_strategy("ppo", candidates, seed=0, design=0)
    first, second = (np.mean([*map(value, some.ask(40))]) for some in (told, untold))
    assert first > second + 4.0


@pytest.mark.parametrize(
    "options",
    [
        {"controller": "gru"},
        {"algorithm": "trpo"},
        {"hidden": 0},
        {"hidden": 31, "controller": "transformer"},
        {"learning_rate": -1.0},
        {"entropy": float("nan")},
        {"baseline_decay": 1.5},
        {"reward": "raw"},
        {"batch": 0},
        {"batch": True},
        {"passes": 2.5},
        {"clip": "0.2"},
        {"attempts": 0},
    ],
)
def test_wrong_options_are_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f"option {next(iter(options))!r}"):
        make_strategy("reinforce", SPACE, **options)
