"""Parts of our own give the same bits, whatever code of others has set in the process before."""

from __future__ import annotations

import locale
import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import linear_operator.settings
import numpy as np
import pytest
import torch
from libraries import LIBRARIES
from quick_parts import CHEAPER_STRATEGIES, PEERS, quick
from toy_pool import OBSERVED, belief, objectives, pool, process, situation

from surrobench.acquisition import ACQUISITIONS, make_acquisition
from surrobench.base.process_state import read_settings, restored
from surrobench.predictors import PREDICTORS
from surrobench.predictors.pool_session import open_pool
from surrobench.strategies import STRATEGIES
from surrobench.testing.problems import Subject, graphs
from surrobench.testing.strategy_problems import Search, choices, search

SLOW = ("optuna-gp", "smac")
"""Peers that need up to a second for a proposal."""


def leave_behind() -> None:
    """Everything at once that the code of others may have left."""
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.set_grad_enabled(False)
    np.seterr(all="raise")
    np.set_printoptions(precision=1)
    warnings.simplefilter("error")
    for comma in ("de_DE.UTF-8", "fr_FR.UTF-8", "de_DE"):
        with suppress(locale.Error):  # not on every machine
            locale.setlocale(locale.LC_ALL, comma)
    os.environ["LC_ALL"] = "de_DE.UTF-8"
    os.chdir("/")


def same_bits(prepare: Callable[[], Callable[[], list[Any]]]) -> None:
    """What is prepared gives the same in a fresh process and after the code of others.

    It also leaves all settings as they were.
    """
    with restored():
        fresh = prepare()()
    again, before = prepare(), read_settings()
    with restored():
        leave_behind()
        left = read_settings()
        after = again()
        assert {key: value for key, value in read_settings().items() if key in left} == left
    assert {key: value for key, value in read_settings().items() if key in before} == before
    assert len(after) == len(fresh) > 0
    for one, other in zip(fresh, after, strict=True):
        assert type(one) is type(other)
        if isinstance(one, torch.Tensor):
            assert one.dtype == other.dtype
            assert one.detach().numpy().tobytes() == other.detach().numpy().tobytes()
        else:
            assert one == other


@pytest.mark.slow
@pytest.mark.parametrize("name", PREDICTORS.names())
def test_numbers_of_predictors(name: str) -> None:
    pytest.importorskip(LIBRARIES.get(name, "surrobench"))
    recipe = quick(name)
    X, rows = pool(), list(OBSERVED)
    y = objectives(X)[rows, :1]
    if getattr(recipe, "inputs", "matrix") == "graphs":
        recipe, X = Subject(recipe).predictor, graphs(m=len(X)).pool
    elif getattr(recipe, "encoding", None):
        X = X[:, :1]

    def compute() -> list[torch.Tensor]:
        with torch.no_grad():  # as in studies; GPyTorch's variances hang on it in the ninth digit
            posterior = recipe.fit(X[rows], y, seed=0).posterior(X)
        seen = open_pool(recipe, X).update(OBSERVED, y, seed=0)
        return [posterior.mean, posterior.variance, seen.mean, seen.variance]

    same_bits(lambda: compute)


@pytest.mark.slow
@pytest.mark.parametrize("name", ACQUISITIONS.names())
def test_numbers_of_acquisition_functions(name: str) -> None:
    function: Any = make_acquisition(name)
    fewer = {"samples": 16, "optima": 4, "fantasies": 2, "baseline": 4}
    function = replace(function, **{key: n for key, n in fewer.items() if hasattr(function, key)})
    objectives = range(1 if function.objectives == "one" else 2)
    makers: list[Any] = [partial(belief, "gp-matern52"), process]

    def prepare() -> Callable[[], list[Any]]:
        belief.cache_clear()  # what a belief has worked out it keeps
        process.cache_clear()
        moments = [situation(*(make(objective=one) for one in objectives)) for make in makers]
        return lambda: [
            found for now in moments for found in (function.scores(now), *function.select(now, 2))
        ]

    same_bits(prepare)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in STRATEGIES.names() if name not in SLOW])
def test_proposals_of_strategies(name: str) -> None:
    pytest.importorskip(PEERS.get(name, "surrobench"))
    tested = Search({"use": name, **CHEAPER_STRATEGIES.get(name, {})})
    landscape = tested.on(choices(4, 3, 3))
    same_bits(lambda: lambda: search(tested.build(landscape), landscape, 9))


def test_the_first_use_of_a_setting_is_undone_like_every_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A class of ``linear_operator.settings`` gets a value of its own only then."""
    unused = type("unused", (linear_operator.settings._feature_flag,), {})
    monkeypatch.setattr(linear_operator.settings, "unused", unused, raising=False)
    before = read_settings()
    with restored():
        unused._set_state(True)
        assert unused.on()
    assert unused.is_default()
    assert read_settings() == before
