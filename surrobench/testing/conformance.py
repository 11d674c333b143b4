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

Encodings, spaces, tasks and acquisition functions have ``encoding_checks`` and
``check_encoding``, and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from surrobench.base.process_state import restored
from surrobench.errors import fault, text_of
from surrobench.strategies.strategy import Strategy
from surrobench.testing.acquisition_contract import ACQUISITION_CONTRACT
from surrobench.testing.checks import Check, Contract, Outcome, examine, tried
from surrobench.testing.encoding_contract import ENCODING_CONTRACT
from surrobench.testing.predictor_contract import PREDICTOR_CONTRACT
from surrobench.testing.problems import Subject, moments
from surrobench.testing.process_contract import PROCESS_CONTRACT
from surrobench.testing.space_contract import SPACE_CONTRACT
from surrobench.testing.strategy_contract import STRATEGY_CONTRACT
from surrobench.testing.strategy_problems import Factory, Search
from surrobench.testing.task_contract import TASK_CONTRACT

StrategyCheck = Check

CONTRACTS: dict[str, Contract] = {
    "predictor": PREDICTOR_CONTRACT.with_more(PROCESS_CONTRACT),
    "encoding": ENCODING_CONTRACT,
    "space": SPACE_CONTRACT,
    "task": TASK_CONTRACT,
    "strategy": STRATEGY_CONTRACT,
    "acquisition": ACQUISITION_CONTRACT,
}
"""Kind of part -> what is promised of it."""


def predictor_checks() -> tuple[Check, ...]:
    """The contract of a predictor: each check is called with a predictor and may raise."""
    return tuple(CONTRACTS["predictor"].checks)


def strategy_checks() -> tuple[Check, ...]:
    """The contract of a strategy: each check is called with one and may raise.

    A strategy is given as a name or mapping for ``make_strategy``, a class derived from
    ``Strategy``, a function of a problem and a seed, or a ``Search`` around one of these.
    """
    return tuple(STRATEGY_CONTRACT.checks)


def encoding_checks() -> tuple[Check, ...]:
    """The contract of an encoding, which is given as one, a class of one, or by its name."""
    return tuple(ENCODING_CONTRACT.checks)


def space_checks() -> tuple[Check, ...]:
    """The contract of a search space, which is given as one or by its name."""
    return tuple(SPACE_CONTRACT.checks)


def task_checks() -> tuple[Check, ...]:
    """The contract of a tabular task, which is given as one, by its name or by its card."""
    return tuple(TASK_CONTRACT.checks)


def acquisition_checks() -> tuple[Check, ...]:
    """The contract of an acquisition function, given as one, a class of one, or by its name."""
    return tuple(ACQUISITION_CONTRACT.checks)


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
    _run("predictor", predictor, expected)


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
    _run("strategy", strategy, expected)


def check_encoding(encoding: Any, *, expected: Mapping[str, str] | None = None) -> None:
    """Run the whole contract, as :func:`check_predictor` does."""
    _run("encoding", encoding, expected)


def check_space(space: Any, *, expected: Mapping[str, str] | None = None) -> None:
    """Run the whole contract, as :func:`check_predictor` does."""
    _run("space", space, expected)


def check_task(task: Any, *, expected: Mapping[str, str] | None = None) -> None:
    """Run the whole contract, as :func:`check_predictor` does."""
    _run("task", task, expected)


def check_acquisition(acquisition: Any, *, expected: Mapping[str, str] | None = None) -> None:
    """Run the whole contract, as :func:`check_predictor` does."""
    _run("acquisition", acquisition, expected)


def outcomes(kind: str, part: Any) -> list[Outcome]:
    """How a part meets each promise of its kind, with the reason where it does not.

    A predictor that cannot even be fitted to an easy problem is told why once; the other checks
    are then not tried.

    Args:
        kind: one of :data:`CONTRACTS`.
        part: as for the checks of that kind.

    Raises:
        UserError: if it is no part of that kind.
    """
    contract = CONTRACTS[kind]
    subject = contract.prepare(part)
    if kind == "predictor":
        blamed = _without_an_answer(subject, contract.checks)
        if blamed is not None:
            return [
                blamed
                if check is blamed.check
                else Outcome(check, "not tried", f"because {blamed.check.name} failed")
                for check in contract.checks
            ]
        return _without_consequences(examine(subject, contract.checks))
    return examine(subject, contract.checks)


_RESTS_ON = {
    "same_seed_same_result": ("global_random_state_is_untouched",),
    "fits_are_independent": ("same_seed_same_result", "global_random_state_is_untouched"),
    "workers_can_be_sent_it": ("same_seed_same_result", "global_random_state_is_untouched"),
    "units_do_not_matter": ("fits_are_independent",),
    "acquisition_functions_work": ("chunks_do_not_matter",),
}
"""Checks that compare predictions in a way that says nothing where another promise is broken."""


def _without_consequences(found: Sequence[Outcome]) -> list[Outcome]:
    """What fails because something else does is not held against a predictor."""
    failed = {outcome.check.name for outcome in found if outcome.status == "failed"}
    kept = []
    for outcome in found:
        causes = [name for name in _RESTS_ON.get(outcome.check.name, ()) if name in failed]
        if outcome.status == "failed" and causes:
            outcome = Outcome(outcome.check, "not tried", f"because {causes[0]} failed")
        kept.append(outcome)
    return kept


_BLAMED: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("inputs_are_unchanged", lambda text: "change its input in place" in text),
    (
        "moments_are_finite",
        lambda text: "not finite" in text or "not positive" in text or "negative" in text,
    ),
    ("shapes_follow_botorch", lambda text: "the shape" in text or "of shape" in text),
    ("is_a_botorch_model", lambda text: True),
)
"""Which promise is broken where a predictor gives no answer at all, by what is said of it."""


def _without_an_answer(subject: Subject, checks: Sequence[Check]) -> Outcome | None:
    """The promise that is broken by a predictor that cannot be fitted or asked; None if it can."""
    try:
        with restored():
            moments(subject.model, subject.problem.pool)
    except Exception as error:
        by_name = {check.name: check for check in checks}
        text = text_of(error)
        check = by_name[next(name for name, is_so in _BLAMED if is_so(text))]
        status, reason = tried(check, subject)
        return Outcome(check, "failed", reason if status == "failed" else fault(error))
    return None


def _run(kind: str, part: Any, expected: Mapping[str, str] | None) -> None:
    reasons = dict(expected or {})
    unknown = set(reasons) - {check.name for check in CONTRACTS[kind].checks}
    if unknown or not all(reasons.values()):
        raise ValueError(f"expected: no such check, or no reason: {unknown or reasons}.")
    problems = []
    for outcome in outcomes(kind, part):
        check, failed = outcome.check, outcome.status == "failed"
        if failed and check.name not in reasons:
            remedy = f" {check.remedy}" if check.remedy else ""
            problems.append(f"{check.name}: {check.sentence} -- {outcome.reason}{remedy}")
        elif outcome.status == "passed" and check.name in reasons:
            problems.append(f"{check.name}: passed, although {reasons[check.name]!r}")
    if problems:
        raise AssertionError(
            f"{part!r} breaks its contract:\n" + "\n".join(f"- {line}" for line in problems)
        )
