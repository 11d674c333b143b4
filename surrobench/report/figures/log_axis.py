"""Ticks of a logarithmic axis that are few, round and named in one way, however little it spans."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axis import Axis
from matplotlib.ticker import Formatter, Locator, MaxNLocator, NullLocator

MOST_TICKS = 5
_DIGITS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0))
"""Leading digits of ticks, from the coarsest."""
_FAR = 0.5
"""Two ticks are enough if so much of the axis is between them."""
_APART = 0.2
"""Share of the axis between two ticks, or their names would touch."""
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
    span = math.log(high / low)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in _DIGITS:
        found = [digit * 10.0**power for power in powers for digit in digits]
        inside = [value for value in found if _within(value, low, high)]
        kept = _thinned(inside, low, high)
        if len(kept) >= 3 or (len(kept) == 2 and math.log(kept[1] / kept[0]) > _FAR * span):
            return kept[:: math.ceil(len(kept) / most)]
    values = [float(value) for value in MaxNLocator(most - 1).tick_values(low, high)]
    return _thinned([v for v in values if v > 0 and _within(v, low, high)], low, high)


def _thinned(values: Sequence[float], low: float, high: float) -> list[float]:
    """Those that stand apart, from the least on."""
    kept: list[float] = []
    for value in values:
        if not kept or math.log(value / kept[-1]) > _APART * math.log(high / low):
            kept.append(value)
    return kept


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
    """Numbers in full from a thousandth to 9,999, and all others as a power of ten."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        if x <= 0 or not np.isfinite(x):
            return ""
        power = math.floor(math.log10(x) + _ROUNDING)
        if -3 <= power <= 3:
            return f"{x:.4g}"
        digits = f"{x / 10.0**power:.4g}"
        times = "" if digits == "1" else rf"{digits}{{\cdot}}"
        return rf"$\mathdefault{{{times}10^{{{power}}}}}$"
