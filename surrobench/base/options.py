"""Checks of options, with one wording for the parts of every kind."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable
from typing import Any

from surrobench.errors import UserError, did_you_mean


def check_whole(
    owner: object, name: str, value: object, least: float, most: float = math.inf
) -> int:
    """Return a whole number from ``least`` to ``most``.

    Args:
        owner: the part whose option it is, or what to call that.
        name: of the option.
        value: as given.
        least: smallest valid value.
        most: largest valid value.

    Raises:
        UserError: naming the part, the option and the value, if it is anything else.
    """
    whole = isinstance(value, int) and not isinstance(value, bool)
    return int(_within(owner, name, value, "a whole number", whole, least, most))


def check_number(
    owner: object, name: str, value: object, least: float, most: float = math.inf
) -> float:
    """Return a finite number from ``least`` to ``most``; see :func:`check_whole`.

    Raises:
        UserError: naming the part, the option and the value, if it is anything else.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    finite = isinstance(value, int | float) and math.isfinite(value)
    return _within(owner, name, value, "a number", number and finite, least, most)


def check_counts(owner: object, *names: str) -> None:
    """Refuse options of ``owner`` that are no whole numbers of at least 1.

    Raises:
        UserError: naming the part, the option and the value.
    """
    for name in names:
        check_whole(owner, name, getattr(owner, name), 1)


def check_choice(owner: object, name: str, value: object, valid: Iterable[str]) -> str:
    """Return one of the ``valid`` names.

    Raises:
        UserError: naming the part, the option and the value, if it is none of them.
    """
    if isinstance(value, str) and value in (valid := tuple(valid)):
        return value
    raise UserError(
        f"{_called(owner)}: option {name!r} is {value!r}. " + did_you_mean(str(value), valid)
    )


def check_names(owner: str, options: Iterable[str], valid: Iterable[str] | None) -> None:
    """Refuse options that nobody takes.

    Args:
        owner: what to call the part, such as ``"predictor 'svr'"``.
        options: the names that were given.
        valid: the names that it takes; None stands for any.

    Raises:
        UserError: naming the first wrong one, with the nearest valid ones.
    """
    if valid is None:
        return
    known = list(valid)
    for option in options:
        if option not in known:
            raise UserError(f"{owner} has no option {option!r}. " + did_you_mean(option, known))


def option_names(factory: Any) -> list[str] | None:
    """Names of the options that a class or function takes; None where it takes any.

    What cannot be called takes none.
    """
    if not callable(factory):
        return []
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):  # written in C, without a signature
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return [parameter.name for parameter in parameters]


def _called(owner: object) -> str:
    return owner if isinstance(owner, str) else type(owner).__name__


def _within(
    owner: object, name: str, value: object, kind: str, right: bool, least: float, most: float
) -> float:
    if right and isinstance(value, int | float) and least <= value <= most:
        return value
    bounds = f"from {least:g} to {most:g}" if math.isfinite(most) else f"of at least {least:g}"
    raise UserError(f"{_called(owner)}: option {name!r} is {value!r}; it must be {kind} {bounds}.")
