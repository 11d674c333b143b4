"""Checks of a strategy's options."""

from __future__ import annotations

import math
from collections.abc import Iterable

from surrobench.errors import UserError, did_you_mean


def check_whole(owner: object, name: str, value: object, least: int, most: float = math.inf) -> int:
    """Return a whole number from ``least`` to ``most``.

    Raises:
        UserError: naming the strategy, the option and the value, if it is anything else.
    """
    whole = isinstance(value, int) and not isinstance(value, bool)
    return int(_within(owner, name, value, "a whole number", whole, least, most))


def check_number(
    owner: object, name: str, value: object, least: float, most: float = math.inf
) -> float:
    """Return a number from ``least`` to ``most``.

    Raises:
        UserError: naming the strategy, the option and the value, if it is anything else.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return _within(owner, name, value, "a number", number, least, most)


def check_choice(owner: object, name: str, value: object, valid: Iterable[str]) -> str:
    """Return one of the ``valid`` names.

    Raises:
        UserError: naming the strategy, the option and the value, if it is none of them.
    """
    if isinstance(value, str) and value in (valid := tuple(valid)):
        return value
    raise UserError(
        f"{type(owner).__name__}: option {name!r} is {value!r}. " + did_you_mean(str(value), valid)
    )


def _within(
    owner: object, name: str, value: object, kind: str, right: bool, least: float, most: float
) -> float:
    if right and isinstance(value, int | float) and least <= value <= most:
        return value
    bounds = f"from {least:g} to {most:g}" if math.isfinite(most) else f"of at least {least:g}"
    raise UserError(
        f"{type(owner).__name__}: option {name!r} is {value!r}; it must be {kind} {bounds}."
    )
