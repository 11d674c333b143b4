from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from surrobench.errors import UserError
from surrobench.predictors import PREDICTORS, make_predictor
from surrobench.predictors.hyperparameters import SPACES, draw_settings, space_of
from surrobench.predictors.learners.tuned import FEWEST, Tuned
from surrobench.testing.problems import cells, moments

PROBLEM = cells(40, 50)
TUNED = [name for name in PREDICTORS.names() if name.endswith("-tuned")]


@pytest.mark.parametrize("name", TUNED)
def test_every_setting_of_a_space_is_an_option_that_is_accepted(name: str) -> None:
    inside = name.removesuffix("-tuned")
    fields = {field.name for field in dataclasses.fields(make_predictor(inside))}
    space = space_of(inside)
    assert set(space) <= fields
    for setting, values in space.items():
        for value in values:
            make_predictor(inside, **{setting: value})


def test_draws_are_different_settings_of_the_space_and_follow_the_seed() -> None:
    space = SPACES["xgboost"]
    drawn = draw_settings(space, 30, 1)
    assert len({tuple(setting.items()) for setting in drawn}) == 30
    assert all(setting[name] in space[name] for setting in drawn for name in space)
    assert drawn == draw_settings(space, 30, 1) != draw_settings(space, 30, 2)
    assert drawn[:10] == draw_settings(space, 10, 1)
    small = {"a": (1, 2), "b": (0.5,)}
    assert len(draw_settings(small, 30, 0)) == 2


@pytest.mark.slow
def test_the_setting_with_the_best_left_out_ranking_wins() -> None:
    """One neighbour of a noisy additive function is worse than many; labels decide it."""
    tuned = Tuned(predictor="knn", trials=30)
    noisy = PROBLEM.y + PROBLEM.spread * torch.tensor(
        np.random.default_rng(0).standard_normal((40, 1))
    )
    setting = tuned.choose(PROBLEM.X, noisy, seed=0)
    assert setting.get("neighbours", 20) not in (1, 2)
    fitted = tuned.fit(PROBLEM.X, noisy, seed=0)
    direct = make_predictor("knn", **setting).fit(PROBLEM.X, noisy, seed=0)
    assert torch.equal(moments(fitted, PROBLEM.pool)[0], moments(direct, PROBLEM.pool)[0])


def test_the_choice_does_not_depend_on_the_order_of_the_rows() -> None:
    tuned = Tuned(predictor="svr", trials=8)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    first = tuned.choose(PROBLEM.X, PROBLEM.y, seed=3)
    assert first == tuned.choose(PROBLEM.X[order], PROBLEM.y[order], seed=3)


def test_one_trial_or_few_examples_is_the_default() -> None:
    few = Tuned(predictor="svr")
    assert few.choose(PROBLEM.X[: FEWEST - 1], PROBLEM.y[: FEWEST - 1], seed=0) == {}
    one = Tuned(predictor="svr", trials=1).fit(PROBLEM.X, PROBLEM.y, seed=0)
    plain = make_predictor("svr").fit(PROBLEM.X, PROBLEM.y, seed=0)
    assert torch.equal(moments(one, PROBLEM.pool)[0], moments(plain, PROBLEM.pool)[0])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"predictor": "constant"}, "no space"),
        ({"predictor": "svr", "trials": 0}, "trials"),
        ({"predictor": "svr", "folds": 1}, "folds"),
        ({"predictor": "svr", "transform": "log"}, "log"),
        ({"predictor": "svr", "options": {"trees": 3}}, "trees"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        Tuned(**options)
