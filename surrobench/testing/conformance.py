"""Run the contract of a part, in a test-suite or from a script.

In a plug-in's own tests::

    import pytest
    from surrobench.testing import predictor_checks, strategy_checks
    from my_plugin import MyPredictor, MyStrategy

    @pytest.mark.parametrize("check", predictor_checks(), ids=str)
    def test_predictor_contract(check):
        check(MyPredictor())

    @pytest.mark.parametrize("check", strategy_checks(), ids=str)
    def test_strategy_contract(check):
        check(MyStrategy)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from surrobench.strategies.strategy import Strategy
from surrobench.testing.predictor_contract import CHECKS, Check
from surrobench.testing.problems import Subject
from surrobench.testing.strategy_contract import STRATEGY_CHECKS, StrategyCheck
from surrobench.testing.strategy_problems import Factory, Search


def predictor_checks() -> tuple[Check, ...]:
    """The contract of a predictor: each check is called with a predictor and may raise."""
    return tuple(CHECKS)


def strategy_checks() -> tuple[StrategyCheck, ...]:
    """The contract of a strategy: each check is called with one and may raise.

    A strategy is given as a name or mapping for ``make_strategy``, a class derived from
    ``Strategy``, a function of a problem and a seed, or a ``Search`` around one of these.
    """
    return tuple(STRATEGY_CHECKS)


def check_predictor(predictor: Any, *, expected: Mapping[str, str] | None = None) -> None:
    """Run the whole contract.

    Args:
        predictor: what to test: a recipe, a regressor shaped like scikit-learn's, a class of
            either, or what :func:`~surrobench.predictors.make_predictor` reads, such as
            ``"mine:Mine"``.
        expected: checks that this predictor does not meet, each with the reason.

    Raises:
        AssertionError: listing every check that failed unexpectedly, or passed although a reason
            why it could not was given.
        ValueError: if ``expected`` names no check or gives no reason.
        UserError: if ``predictor`` is nothing that a study would take.
    """
    _run(CHECKS, Subject(predictor), repr(predictor), dict(expected or {}))


def check_strategy(
    strategy: Search | str | Mapping[str, Any] | type[Strategy] | Factory,
    *,
    expected: Mapping[str, str] | None = None,
) -> None:
    """Run the whole contract.

    Args:
        strategy: the strategy to test, as for :func:`strategy_checks`.
        expected: checks that it does not meet, each with the reason.

    Raises:
        AssertionError: as for :func:`check_predictor`.
        ValueError: likewise.
    """
    subject = strategy if isinstance(strategy, Search) else Search(strategy)
    _run(STRATEGY_CHECKS, subject, repr(subject.strategy), dict(expected or {}))


def _run(
    checks: Sequence[Check] | Sequence[StrategyCheck],
    subject: Any,
    name: str,
    reasons: Mapping[str, str],
) -> None:
    unknown = set(reasons) - {check.name for check in checks}
    if unknown or not all(reasons.values()):
        raise ValueError(f"expected: no such check, or no reason: {unknown or reasons}.")
    problems = []
    for check in checks:
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
            f"{name} breaks its contract:\n" + "\n".join(f"- {line}" for line in problems)
        )
