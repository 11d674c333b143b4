"""What a check is: a named promise, one sentence, and how to mend what breaks it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from surrobench.base.process_state import restored
from surrobench.errors import fault, text_of

Status = Literal["passed", "failed", "not tried"]


@dataclass(frozen=True)
class Check:
    """A named promise; calling it with a part raises ``AssertionError`` if it is broken.

    Attributes:
        name: a sentence without spaces.
        sentence: what is promised.
        remedy: how to mend what breaks it; "" if the sentence says it.
        body: raises if the promise is broken.
        prepare: from what a user names to what ``body`` takes.
    """

    name: str
    sentence: str
    remedy: str
    body: Callable[[Any], None]
    prepare: Callable[[Any], Any]

    def __call__(self, part: Any) -> None:
        """Test a part; whatever it sets in this process is put back."""
        with restored():
            self.body(self.prepare(part))

    def __str__(self) -> str:
        return self.name


class Contract:
    """The promises of one kind of part, in the order in which they are looked at.

    Args:
        prepare: from what a user names to what the checks take.
    """

    def __init__(self, prepare: Callable[[Any], Any]) -> None:
        self.prepare = prepare
        self.checks: list[Check] = []

    def promise(self, body: Callable[[Any], None]) -> Callable[[Any], None]:
        """Add a check; its docstring is the sentence, and behind an empty line the remedy."""
        sentence, _, remedy = (inspect.getdoc(body) or "").partition("\n\n")
        said = [" ".join(text.split()) for text in (sentence, remedy)]
        self.checks.append(Check(body.__name__, said[0], said[1], body, self.prepare))
        return body

    def with_more(self, other: Contract) -> Contract:
        """Both contracts in one, for parts that are prepared alike."""
        both = Contract(self.prepare)
        both.checks = [*self.checks, *other.checks]
        return both


@dataclass(frozen=True)
class Outcome:
    """How a part met one promise.

    Attributes:
        check: that was tried.
        status: how it ended.
        reason: why it failed, or was not tried; "" if it passed.
    """

    check: Check
    status: Status
    reason: str = ""


def examine(part: Any, checks: Sequence[Check]) -> list[Outcome]:
    """Try every check on a part, whatever the others say.

    Args:
        part: what ``checks`` take, prepared or not.
        checks: of its kind.
    """
    return [Outcome(check, *tried(check, part)) for check in checks]


def tried(check: Check, part: Any) -> tuple[Status, str]:
    """How one check ends, and why."""
    try:
        check(part)
    except AssertionError as error:
        return "failed", text_of(error) or fault(error)
    except Exception as error:
        return "failed", fault(error)
    return "passed", ""
