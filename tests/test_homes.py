"""What a module is called in keys and files does not depend on the folder that it lives in."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from surrobench.base.homes import home_of, name_of
from surrobench.base.registry import Registry, import_attribute
from surrobench.predictors import PREDICTORS, make_predictor
from surrobench.predictors.learners.baselines import Params
from surrobench.strategies import STRATEGIES
from surrobench.studies.describe import describe


@pytest.mark.parametrize("kind", [PREDICTORS, STRATEGIES], ids=["predictors", "strategies"])
def test_what_is_registered_is_found_by_the_name_that_keys_have_for_it(kind: Registry[Any]) -> None:
    homes = {kind.entry(name).target.partition(":")[0] for name in kind.names()}
    homes = {home for home in homes if home.startswith("surrobench.")}
    names = {home: name_of(home) for home in homes}
    assert len(set(names.values())) == len(homes) > 10
    assert {home: home_of(name) for home, name in names.items()} == {home: home for home in homes}
    assert {home: home_of(home) for home in homes} == {home: home for home in homes}


@pytest.mark.parametrize("module", ["posterior", "protocol", "transforms", "recipe"])
def test_a_module_beside_the_folders_is_itself(module: str) -> None:
    """Also where a folder has one of that name."""
    assert home_of(f"surrobench.predictors.{module}") == f"surrobench.predictors.{module}"


def test_keys_name_what_was_computed_before_modules_moved() -> None:
    """Names as records of earlier versions hold them."""
    assert describe(make_predictor("params"))["class"] == "surrobench.predictors.baselines:Params"
    assert describe(make_predictor("gp-rbf"))["class"] == "surrobench.predictors.gp:ExactGP"
    assert describe(make_predictor("xgboost"))["class"] == "surrobench.predictors.trees:XGBoost"


def test_a_study_file_may_name_a_class_as_before() -> None:
    assert import_attribute("surrobench.predictors.baselines:Params") is Params
    assert import_attribute("surrobench.predictors.learners.baselines:Params") is Params


def test_names_of_others_are_left_alone() -> None:
    for name in ("numpy.linalg", "mine.predictors.gp.forest", "surrobench.studies.runner", "gp"):
        assert name_of(name) == home_of(name) == name
    assert import_module(home_of("surrobench.predictors.gp")).ExactGP
