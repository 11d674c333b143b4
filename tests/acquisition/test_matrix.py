"""Every registered predictor with every registered acquisition function."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from toy_pool import EXCLUDED, NAMES, OBSERVED, SIZE, belief, objectives, pool, predictor, situation

from surrobench.acquisition import ACQUISITIONS, make_acquisition
from surrobench.acquisition.acquisition import Acquisition
from surrobench.acquisition.context import AcquisitionContext
from surrobench.acquisition.pairing import check_pairing
from surrobench.errors import UserError
from surrobench.predictors.pool_session import open_pool

SMALL = {"samples": 16, "optima": 4, "fantasies": 2, "baseline": 4}
RANDOM = {"thompson", "its", "mes", "gibbon", "jes"}
ONE = [name for name in ACQUISITIONS.names() if make_acquisition(name).objectives == "one"]
MANY = [name for name in ACQUISITIONS.names() if name not in ONE]
SURROGATES = [
    *NAMES,
    *(pytest.param(f"{name}+quantile-normal", marks=pytest.mark.slow) for name in NAMES),
]
KINDS = ("gp-matern52", "random-forest", "svr")


def small(name: str) -> Acquisition:
    """The function with as few samples as it can do with."""
    function: Any = make_acquisition(name)
    fewer = {option: value for option, value in SMALL.items() if hasattr(function, option)}
    return replace(function, **fewer)


def check_choices(function: Acquisition, now: AcquisitionContext) -> None:
    for n, moment in ((1, replace(now, pending=())), (3, now)):
        chosen = function.select(moment, n)
        assert len(chosen) == len(set(chosen)) == n
        assert not set(chosen) & set(EXCLUDED)
        assert all(type(row) is int and 0 <= row < SIZE for row in chosen)
    assert function.select(now, 3) == chosen


@pytest.mark.slow
@pytest.mark.parametrize("acquisition", ONE)
@pytest.mark.parametrize("name", SURROGATES)
def test_every_pair_picks_allowed_rows(name: str, acquisition: str) -> None:
    function = small(acquisition)
    if belief(name).kind not in function.serves:
        with pytest.raises(UserError, match=acquisition):
            check_pairing(acquisition, name)
        return
    before = torch.random.get_rng_state()
    check_choices(function, situation(belief(name)))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.slow
@pytest.mark.parametrize("acquisition", MANY)
@pytest.mark.parametrize("second", KINDS)
@pytest.mark.parametrize("first", KINDS)
def test_objectives_may_have_different_surrogates(
    first: str, second: str, acquisition: str
) -> None:
    check_choices(small(acquisition), situation(belief(first), belief(second, 1)))


@pytest.mark.parametrize("acquisition", ACQUISITIONS.names())
def test_scarce_candidates_are_all_chosen(acquisition: str) -> None:
    function = small(acquisition)
    allowed = torch.zeros(SIZE, dtype=torch.bool)
    allowed[[30, 35]] = True
    beliefs = [belief("gp-rbf", objective) for objective in range(2)]
    now = situation(*beliefs[: 1 if function.objectives == "one" else 2], allowed=allowed)
    assert sorted(function.select(now, 4)) == [30, 35]
    assert function.scores(now).shape == (2,)


@pytest.mark.parametrize(
    ("name", "acquisition"),
    [
        (name, acquisition)
        for name, kind in zip(KINDS, ("gp", "ensemble", "moments"), strict=True)
        for acquisition in ONE
        if acquisition not in RANDOM and kind in make_acquisition(acquisition).serves
    ],
)
def test_the_order_of_the_pool_changes_nothing(name: str, acquisition: str) -> None:
    function = small(acquisition)
    order = torch.randperm(SIZE, generator=torch.Generator().manual_seed(3))
    place = torch.argsort(order)
    y = objectives(pool())[list(OBSERVED), :1]
    rows = place[list(OBSERVED)].tolist()
    moved = open_pool(predictor(name), pool()[order]).update(rows, y, seed=0)
    now = situation(belief(name))
    other = situation(moved, allowed=now.allowed[order], pending=(int(place[20]),))
    scores = torch.full((SIZE,), -torch.inf, dtype=torch.float64)
    scores[now.choices()] = function.scores(now)
    theirs = torch.full_like(scores, -torch.inf)
    theirs[order[other.choices()]] = function.scores(other)
    torch.testing.assert_close(theirs, scores, rtol=1e-4, atol=1e-6)
