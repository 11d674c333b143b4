"""Numbers and metrics as JSON bears them: what is not finite becomes None, and NaN again."""

from __future__ import annotations

import math
from collections.abc import Mapping


def plain_number(value: float) -> float | None:
    """The number, or None if it is not finite."""
    return float(value) if math.isfinite(value) else None


def number(content: float | None) -> float:
    """The number that :func:`plain_number` wrote; NaN for None."""
    return math.nan if content is None else float(content)


def plain_metrics(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """:func:`plain_number` of every metric."""
    return {name: plain_number(value) for name, value in metrics.items()}


def metrics_of(content: Mapping[str, float | None]) -> dict[str, float]:
    """The metrics that :func:`plain_metrics` wrote."""
    return {name: number(value) for name, value in content.items()}
