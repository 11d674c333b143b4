"""How the unit of a task is written beside numbers.

What was to be minimised is stored negated, and its unit then ends in "(negated)".
"""

from __future__ import annotations

NEGATED = " (negated)"


def of_values(unit: str) -> str:
    """Beside values: ``nats (negated)`` becomes ``negated nats``."""
    plain = of_differences(unit)
    return plain if plain == unit else f"negated {plain}"


def of_differences(unit: str) -> str:
    """Beside regrets and deviations, which are not negated: ``nats``."""
    return unit.removesuffix(NEGATED)
