"""Every registered predictor keeps the shipped contract, under every target transform."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from libraries import LIBRARIES
from quick_parts import NAMES, quick
from random_checkpoints import MAKERS
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from surrobench.errors import UserError
from surrobench.predictors import TRANSFORMS, make_predictor
from surrobench.testing.conformance import Check, Subject, check_predictor, predictor_checks

EXCEPTIONS: dict[tuple[str, str], dict[str, str]] = {
    ("constant", "a_simple_function_is_learned"): {
        transform: "it looks at no feature" for transform in TRANSFORMS
    },
}
"""By predictor and check: the transforms under which a promise is not kept, and why."""

LEARNED = ("a_simple_function_is_learned", "shuffled_targets_teach_nothing", "larger_is_better")
"""Checks of what was learned, which random weights say nothing about."""

SLOW = ("shuffled_targets_teach_nothing", "fits_are_independent")
"""Checks of many fits that say nothing about transforms."""
LONG_FITS = ("ngboost", "omni", "stacking", "gcn", "graph-transformer")
"""Predictors whose checks take seconds each."""


@cache
def subject(name: str, transform: str) -> Subject:
    return Subject(quick(name, transform=transform))


def run(name: str, transform: str, check: Check) -> None:
    pytest.importorskip(LIBRARIES.get(name, "surrobench"))
    if name in MAKERS and check.name in LEARNED:
        pytest.skip("its weights are random here")
    reason = EXCEPTIONS.get((name, check.name), {}).get(transform)
    if reason is None:
        check(subject(name, transform))
    else:
        with pytest.raises(AssertionError):
            check(subject(name, transform))


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(check, marks=pytest.mark.slow if check.name in SLOW else ())
        for check in predictor_checks()
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=pytest.mark.slow if name.endswith("-tuned") or name in LONG_FITS else ()
        )
        for name in NAMES
    ],
)
def test_contract(name: str, check: Check) -> None:
    run(name, "standardise", check)


@pytest.mark.slow
@pytest.mark.parametrize("check", [c for c in predictor_checks() if c.name not in SLOW], ids=str)
@pytest.mark.parametrize("transform", ["none", "quantile-normal"])
@pytest.mark.parametrize("name", [n for n in NAMES if n == "knn-tuned" or not n.endswith("-tuned")])
def test_contract_under_other_transforms(name: str, transform: str, check: Check) -> None:
    run(name, transform, check)


def test_checks_have_a_name_and_one_sentence() -> None:
    checks = predictor_checks()
    assert len({check.name for check in checks}) == len(checks)
    assert all(check.sentence.endswith(".") for check in checks)


def test_a_broken_predictor_is_reported_with_every_broken_promise() -> None:
    class Forgetful:
        def fit(self, X: Any, y: Any, *, seed: int) -> Any:
            X.zero_()
            return make_predictor("constant").fit(X, y, seed=seed)

    with pytest.raises(AssertionError) as caught:
        check_predictor(Forgetful())
    assert "inputs_are_unchanged" in str(caught.value)
    assert "a_simple_function_is_learned" in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [Ridge, Ridge(), "sklearn.linear_model:Ridge", {"use": "knn", "neighbours": 3}],
    ids=repr,
)
def test_whatever_a_study_takes_can_be_checked(given: Any) -> None:
    checks = {check.name: check for check in predictor_checks()}
    for name in ("is_a_botorch_model", "same_seed_same_result", "shapes_follow_botorch"):
        checks[name](given)


def test_what_no_study_takes_is_refused_before_any_check() -> None:
    for wrong in ("bayesain-ridge", 3, StandardScaler):
        with pytest.raises(UserError):
            check_predictor(wrong)


def test_a_reason_excuses_a_check_but_only_while_it_fails() -> None:
    constant = make_predictor("constant")
    check_predictor(constant, expected={"a_simple_function_is_learned": "looks at no feature"})
    with pytest.raises(AssertionError, match="passed, although"):
        check_predictor(
            constant,
            expected={
                "a_simple_function_is_learned": "looks at no feature",
                "shapes_follow_botorch": "a reason that is not true",
            },
        )
    with pytest.raises(ValueError, match="no_such_check"):
        check_predictor(constant, expected={"no_such_check": "a reason"})
