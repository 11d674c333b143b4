"""Checks of options, with one wording for all acquisition functions."""

from __future__ import annotations

import math

from surrobench.errors import UserError


def check_counts(function: object, *names: str) -> None:
    """Refuse options that are no positive whole numbers.

    Raises:
        UserError: naming the function, the option and its value.
    """
    for name in names:
        value = getattr(function, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise UserError(
                f"acquisition {type(function).__name__}: {name} is {value!r}; "
                "it must be a positive whole number."
            )


def check_not_negative(function: object, *names: str) -> None:
    """Refuse options that are no finite numbers from 0 on.

    Raises:
        UserError: naming the function, the option and its value.
    """
    for name in names:
        value = getattr(function, name)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= value < math.inf:
            raise UserError(
                f"acquisition {type(function).__name__}: {name} is {value!r}; "
                "it must be a number of at least 0."
            )
