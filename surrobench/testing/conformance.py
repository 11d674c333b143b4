"""Run the contract of a part, in a test-suite or from a script.

In a plug-in's own tests::

    import pytest
    from surrobench.testing.conformance import predictor_checks
    from my_plugin import MyPredictor

    @pytest.mark.parametrize("check", predictor_checks(), ids=str)
    def test_contract(check):
        check(MyPredictor())
"""

from __future__ import annotations

from collections.abc import Mapping

from surrobench.predictors.protocol import Predictor
from surrobench.testing.predictor_contract import CHECKS, Check
from surrobench.testing.problems import Subject


def predictor_checks() -> tuple[Check, ...]:
    """The contract of a predictor: each check is called with a predictor and may raise."""
    return tuple(CHECKS)


def check_predictor(predictor: Predictor, *, expected: Mapping[str, str] | None = None) -> None:
    """Run the whole contract.

    Args:
        predictor: the recipe to test.
        expected: checks that this predictor does not meet, each with the reason.

    Raises:
        AssertionError: listing every check that failed unexpectedly, or passed although a reason
            why it could not was given.
        ValueError: if ``expected`` names no check or gives no reason.
    """
    reasons = dict(expected or {})
    unknown = set(reasons) - {check.name for check in CHECKS}
    if unknown or not all(reasons.values()):
        raise ValueError(f"expected: no such check, or no reason: {unknown or reasons}.")
    subject = Subject(predictor)
    problems = []
    for check in CHECKS:
        try:
            check(subject)
        except Exception as error:
            if check.name not in reasons:
                problems.append(f"{check.name}: {check.sentence} -- {error!r}")
        else:
            if check.name in reasons:
                problems.append(f"{check.name}: passed, although {reasons[check.name]!r}")
    if problems:
        raise AssertionError(
            f"{predictor!r} breaks its contract:\n" + "\n".join(f"- {line}" for line in problems)
        )
