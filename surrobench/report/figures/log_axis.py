"""Ticks of a logarithmic axis that are few, round and named in one way, however little it spans."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axis import Axis
from matplotlib.ticker import Formatter, Locator, MaxNLocator, NullLocator

MOST_TICKS = 5
_DIGITS = ((1,), (1, 3), (1, 2, 5))
"""Leading digits of ticks, from the coarsest."""
_ROUNDING = 1e-9


def log_axis(axis: Axis, most: int = MOST_TICKS) -> None:
    """Name at most about ``most`` ticks of a logarithmic axis, and no minor ones.

    matplotlib names minor ticks of an axis under a decade, which small panels have no room for.
    """
    axis.set_major_locator(_Round(most))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(_Plain())


def round_ticks(low: float, high: float, most: int = MOST_TICKS) -> list[float]:
    """Places of ticks between two positive numbers: powers of ten, or else finer round numbers."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in _DIGITS:
        found = [digit * 10.0**power for power in powers for digit in digits]
        inside = [value for value in found if _within(value, low, high)]
        if len(inside) >= 3 or (len(inside) == 2 and inside[1] > 5 * inside[0]):
            return inside[:: math.ceil(len(inside) / most)]
    values = MaxNLocator(most - 1).tick_values(low, high)
    return [float(value) for value in values if value > 0 and _within(float(value), low, high)]


def _within(value: float, low: float, high: float) -> bool:
    return low * (1 - _ROUNDING) <= value <= high * (1 + _ROUNDING)


class _Round(Locator):
    def __init__(self, most: int) -> None:
        self.most = most

    def __call__(self) -> Sequence[float]:
        assert self.axis is not None
        low, high = sorted(self.axis.get_view_interval())
        return self.tick_values(low, high)

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        if not (0 < vmin < vmax < math.inf):
            return [vmin] if 0 < vmin < math.inf else []
        return round_ticks(vmin, vmax, self.most)


class _Plain(Formatter):
    """Powers of ten as such where they are far from one, all other numbers in full."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        if x <= 0 or not np.isfinite(x):
            return ""
        power = math.log10(x)
        if abs(power) > 2.5 and abs(power - round(power)) < _ROUNDING:
            return rf"$\mathdefault{{10^{{{round(power)}}}}}$"
        return f"{x:.4g}"
