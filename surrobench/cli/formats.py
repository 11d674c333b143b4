"""Tables for programs and papers on standard output: JSON, CSV or LaTeX."""

from __future__ import annotations

import json
import sys
from typing import Any

from surrobench.errors import UserError


def one_format(**asked: bool) -> str:
    """The one format that was asked for; "" for people.

    Raises:
        UserError: if there are several.
    """
    chosen = [name for name, wanted in asked.items() if wanted]
    if len(chosen) > 1:
        raise UserError(f"--{' and --'.join(chosen)}: choose one of them.")
    return chosen[0] if chosen else ""


def print_json(content: Any) -> None:
    """A value as JSON, with NaN and infinities as null."""
    sys.stdout.write(json.dumps(_finite(content), indent=2, ensure_ascii=False) + "\n")


def print_text(text: str) -> None:
    """A text as it is, ending with one line break."""
    sys.stdout.write(text.rstrip("\n") + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not -float("inf") < value < float("inf"):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
