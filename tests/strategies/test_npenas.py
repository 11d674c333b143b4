"""Evolution whose offspring a predictor screens."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from surrobench.errors import UserError
from surrobench.spaces.architecture import Arch, Variable
from surrobench.spaces.choices import Choices
from surrobench.strategies import make_strategy
from surrobench.strategies.candidates import Candidates

SPACE = Choices("toy", [Variable(f"v{i}", ("a", "b", "c", "d")) for i in range(5)])
WEIGHTS = np.random.default_rng(0).permutation(20.0 ** (np.arange(20) / 20.0)).reshape(5, 4)
BEST: Arch = tuple(WEIGHTS.argmax(axis=1).tolist())


class Oracle:
    """Knows the truth of every one-hot row, whatever it is fitted to."""

    sign = 1.0
    fits: ClassVar[list[int]] = []

    def fit(self, X: Any, y: Any) -> None:
        self.fits.append(len(X))

    def predict(self, X: Any, return_std: bool = False) -> Any:
        mean = self.sign * X @ WEIGHTS.ravel()
        return (mean, np.full(len(X), 1e-6)) if return_std else mean


class Liar(Oracle):
    """Says the opposite."""

    sign = -1.0


def worth(arch: Arch) -> float:
    return float(WEIGHTS[range(5), arch].sum())


def changes(a: Arch, b: Arch) -> int:
    return sum(x != y for x, y in zip(a, b, strict=True))


def searched(n: int, **options: Any) -> Any:
    strategy = make_strategy("npenas", SPACE, **{"design": 3, **options})
    while len(strategy.history) < n:
        (arch,) = strategy.ask()
        strategy.tell(arch, worth(arch))
    return strategy


def test_offspring_are_mutations_of_the_best_parents() -> None:
    strategy = searched(12, parents=1, changes=1, offspring=4)
    for place in range(3, 12):
        parent = max(strategy.history[:place], key=lambda o: o.value).arch
        assert changes(strategy.history[place].arch, parent) == 1


def test_the_predictor_picks_the_offspring_that_is_trained() -> None:
    # So many offspring that all neighbours of the parent are among them.
    many: dict[str, Any] = {"parents": 1, "changes": 1, "offspring": 300, "ranking": "mean"}
    found = {}
    for name in ("Oracle", "Liar"):
        strategy = searched(4, predictor=f"test_npenas:{name}", **many)
        found[name] = strategy.history[3].value
        parent = max(strategy.history[:3], key=lambda o: o.value).arch
    near = [worth(arch) for arch in SPACE.neighbours(parent)]
    assert found["Oracle"] >= max(near)
    assert found["Liar"] <= min(near)
    assert searched(12, predictor="test_npenas:Oracle", **many).best.arch == BEST


def test_a_generation_comes_from_one_fit() -> None:
    Oracle.fits.clear()
    searched(15, predictor="test_npenas:Oracle", generation=4)
    assert Oracle.fits == [3, 7, 11]
    Oracle.fits.clear()
    make_strategy("npenas", SPACE, design=2, predictor="test_npenas:Oracle").ask(2)
    assert Oracle.fits == [], "nothing to learn from yet"


def test_thompson_ranks_by_draws_and_mean_does_not() -> None:
    """With the same mutants, only draws can put another one first."""
    picks = {}
    for ranking in ("mean", "thompson"):
        picks[ranking] = (
            searched(4, ranking=ranking, offspring=2000, parents=1, changes=1, predictor="constant")
            .history[3]
            .arch
        )
    # A constant predictor ties everywhere: the first mutant wins by mean.
    assert picks["mean"] != picks["thompson"]


def test_a_waiting_offspring_that_others_trained_is_left_out() -> None:
    strategy = searched(6, generation=4)
    waiting = strategy.state()["own"]["waiting"]
    assert len(waiting) == 1
    strategy.tell(tuple(waiting[0]), worth(tuple(waiting[0])))
    (following,) = strategy.ask()
    assert list(following) != waiting[0]


def test_a_huge_space_is_searched_with_mutations() -> None:
    space = Choices("huge", [Variable(f"v{i}", ("a", "b", "c")) for i in range(40)])
    candidates = Candidates(space)
    assert not candidates.listed
    strategy = make_strategy("npenas", candidates, design=5, parents=1, changes=1, offspring=10)
    for _ in range(8):
        (arch,) = strategy.ask()
        strategy.tell(arch, float(sum(arch)))
    parent = max(strategy.history[:7], key=lambda o: o.value).arch
    assert changes(strategy.history[7].arch, parent) == 1


def test_wrong_options_are_refused() -> None:
    for options in ({"ranking": "median"}, {"parents": 0}, {"generation": 1.5}, {"changes": 0}):
        with pytest.raises(UserError, match=next(iter(options))):
            make_strategy("npenas", SPACE, **options)
    with pytest.raises(UserError, match="random-forest"):
        make_strategy("npenas", SPACE, predictor="random-forrest")
    with pytest.raises(UserError, match="one-hot"):
        make_strategy("npenas", SPACE, encoding="one-hat")
