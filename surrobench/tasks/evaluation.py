"""What one training run of one architecture gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

LARGEST_VALUE = 1e150
"""Values beyond this have no square: penalties such as the largest float, not measurements."""


@dataclass(frozen=True)
class Evaluation:
    """One training run of one architecture.

    Attributes:
        value: larger is better; NaN if the run did not succeed.
        cost: seconds of training, or None if nobody knows.
        status: ``"diverged"`` if a learning curve stops being finite, ``"failed"`` if there is no
            result at all, ``"stopped"`` if it was ended before its time.
        metrics: further numbers of the architecture by name.
        curve: value after each known number of epochs up to the one asked for.
        reason: why there is no value, or what else is worth knowing.

    Example:
        >>> from surrobench import Evaluation
        >>> run = Evaluation(0.93, cost=12.5, metrics={"latency": 3.1})
        >>> run.status, run.metrics["latency"]
        ('ok', 3.1)
    """

    value: float
    cost: float | None = None
    status: Literal["ok", "diverged", "failed", "stopped"] = "ok"
    metrics: Mapping[str, float] = field(default_factory=dict)
    curve: tuple[float, ...] = ()
    reason: str = ""
