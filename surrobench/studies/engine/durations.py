"""How long a run may take, as people write it."""

from __future__ import annotations

import re

from surrobench.errors import UserError

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")


def parse_budget(text: str) -> float:
    """Seconds of ``"90s"``, ``"10m"``, ``"1.5h"``, ``"1h30m"`` or ``"2d"``.

    Raises:
        UserError: for anything else, a number without a unit among it.
    """
    lower = text.strip().lower()
    if not re.fullmatch(rf"(?:{_PART.pattern}\s*)+", lower, re.ASCII):
        number = re.fullmatch(r"\d+(\.\d+)?", lower, re.ASCII)
        hint = f"say {lower}s, {lower}m or {lower}h" if number else "such as 90s, 10m or 1h30m"
        raise UserError(f"--budget {text!r}: write a number and its unit (s, m, h or d), {hint}.")
    parts = _PART.findall(lower)
    units = [unit for _, unit in parts]
    if len(set(units)) < len(units):
        raise UserError(f"--budget {text!r}: the unit {units[-1]!r} stands there twice.")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if seconds <= 0:
        raise UserError(f"--budget {text!r}: a run needs more time than that.")
    return seconds
