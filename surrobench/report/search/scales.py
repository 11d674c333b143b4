"""Axes of the figures of a search: logarithmic regret with a stated floor, and units of time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from surrobench.arrays import FloatArray

DEEPEST = 1e-4
"""The floor of a regret axis is at least this share of its top."""
_LEAST_RATIO = 5.0


@dataclass(frozen=True)
class RegretScale:
    """A logarithmic axis from ``floor`` to ``top``; a linear one where all is of one size.

    What lies below the floor, zero above all, is drawn on it, and the floor's tick says ``≤``.
    """

    floor: float
    top: float
    logarithmic: bool
    clipped: bool

    @classmethod
    def of(cls, values: npt.ArrayLike, shown: npt.ArrayLike | None = None) -> RegretScale:
        """The scale for regrets, of which those in ``shown`` decide the top (default: all)."""
        known = np.asarray(values, dtype=np.float64)
        known = known[np.isfinite(known)]
        high = np.asarray(known if shown is None else shown, dtype=np.float64)
        high = high[np.isfinite(high)]
        top = float(high.max()) if high.size else 1.0
        positive = known[known > 0]
        if not positive.size or top <= 0:
            return cls(0.0, max(top, 1.0), False, False)
        lowest = float(positive.min())
        if top / lowest < _LEAST_RATIO and lowest == known.min():
            return cls(0.0, top, False, False)
        floor = 10.0 ** math.floor(math.log10(max(lowest, DEEPEST * top)) + 1e-9)
        return cls(floor, top, True, bool((known < floor).any()))

    def clip(self, values: npt.ArrayLike) -> FloatArray:
        """Values as they are drawn."""
        array = np.asarray(values, dtype=np.float64)
        return np.maximum(array, self.floor) if self.logarithmic else array

    def apply(self, axes: Axes) -> None:
        """Set scale, limits and ticks of the y axis."""
        if not self.logarithmic:
            axes.set_ylim(0, self.top * 1.05)
            axes.yaxis.set_major_locator(MaxNLocator(5))
            return
        axes.set_yscale("log")
        decades = math.log10(self.top / self.floor)
        bottom = self.floor / 10 ** (0.03 * decades)
        axes.set_ylim(bottom, self.top * 10 ** (0.05 * decades))
        steps = (1.0,) if decades > 1.8 or self.floor < 0.001 else (1.0, 2.0, 5.0)
        axes.yaxis.set_major_locator(LogLocator(base=10, subs=steps, numticks=12))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(self._label))

    def _label(self, value: float, _: int | None = None) -> str:
        at_floor = self.clipped and math.isclose(value, self.floor, rel_tol=1e-6)
        text = f"{value:g}" if value >= 0.001 else f"$10^{{{math.log10(value):.0f}}}$"
        return ("≤ " if at_floor else "") + text


def time_unit(most: float) -> tuple[float, str]:
    """Seconds in the unit in which so many seconds read well, and its name."""
    for seconds, name in ((86_400.0, "days"), (3_600.0, "h"), (60.0, "min")):
        if most >= 2.5 * seconds:
            return seconds, name
    return 1.0, "s"


def percent(axes: Axes) -> None:
    """A y axis for shares."""
    axes.set_ylim(-0.02, 1.02)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])


def staggered(points: int, place: int, lines: int, markers: int = 6) -> tuple[int, int]:
    """Where to put the markers of a line so that those of ``lines`` lines do not coincide.

    Returns:
        First marked point and distance to the next, for matplotlib's ``markevery``.
    """
    every = max(1, points // markers)
    return int(every * (0.15 + 0.7 * place / max(1, lines - 1)) if lines > 1 else every // 2), every
