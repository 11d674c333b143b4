"""The one exception that a user is meant to read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Bad input that the user can put right.

    The message names the offending file, column or option, says what is wrong with it and what to
    do. The command line prints it without a traceback and exits with status 1.
    """


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """Return a sentence that suggests the nearest valid names, or lists them all."""
    choices = sorted(valid)
    near = difflib.get_close_matches(name, choices, n=3, cutoff=0.5)
    if near:
        return "Did you mean " + " or ".join(repr(choice) for choice in near) + "?"
    return "Valid names: " + (", ".join(choices) if choices else "none") + "."
