"""Curves of time and memory on logarithmic axes, with the exponents of their growth."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from surrobench.report.common.style import INK, TWO_COLUMNS, paper_style

PARTS = {
    "fit": "fit",
    "posterior": "posterior of the pool",
    "append": "one observation appended",
    "acquisition": "Log-EI",
}
_COLOURS = {"fit": "#0072b2", "posterior": "#d1341b", "append": "#117733", "acquisition": "#e69f00"}
_MARKERS = {"fit": "o", "posterior": "s", "append": "^", "acquisition": "D"}
_LABELS = {"n": "observations n", "pool": "architectures in the pool m"}
MEMORY = "memory beyond imports"
Axis = tuple[str, int]
"""What grows (``"n"`` or ``"pool"``), and what the other is kept at."""


def along(frame: pd.DataFrame, axis: Axis) -> pd.DataFrame:
    """The points of one curve, ascending."""
    grows, fixed = axis
    other = "pool" if grows == "n" else "n"
    return frame[frame[other] == fixed].sort_values(grows)


def memory(points: pd.DataFrame) -> pd.Series:
    """Peak memory without that of the imports, in MiB."""
    return points["peak_mib"] - points["imports_mib"]


def exponents(frame: pd.DataFrame, axes: Sequence[Axis]) -> pd.DataFrame:
    """Slopes in log-log coordinates by least squares over the upper half of each curve."""
    lines = []
    for axis in axes:
        points = along(frame, axis)
        upper = points.iloc[len(points) // 2 :]
        values = {label: upper[part] for part, label in PARTS.items()} | {MEMORY: memory(upper)}
        for what, measured in values.items():
            slope = math.nan
            if len(upper) > 1 and (measured > 0).all():
                slope = float(np.polyfit(np.log(upper[axis[0]]), np.log(measured), 1)[0])
            begin = int(upper[axis[0]].min()) if len(upper) else 0
            symbol = "n" if axis[0] == "n" else "m"
            lines.append({"against": symbol, "what": what, "from": f"{begin:,}", "exponent": slope})
    return pd.DataFrame(lines)


def draw(frame: pd.DataFrame, grown: pd.DataFrame, axes: Sequence[Axis]) -> Figure:
    """Time above, memory below; one column for each thing that grows."""
    with paper_style():
        figure = Figure(figsize=(TWO_COLUMNS, 4.2), layout="constrained")
        grid = figure.subplots(2, len(axes), sharex="col", sharey="row", height_ratios=(1.7, 1.0))
        for column, axis in enumerate(axes):
            slopes = grown[grown["against"] == ("n" if axis[0] == "n" else "m")]
            known = dict(zip(slopes["what"], slopes["exponent"], strict=True))
            _draw_times(grid[0, column], along(frame, axis), axis, known)
            _draw_memory(grid[1, column], along(frame, axis), axis, known)
        seconds = frame[list(PARTS)].to_numpy()
        grid[0, 0].set_ylim(seconds.min() / 2, seconds.max() * 50)  # the legends stand above
        grid[0, 0].set_ylabel("seconds, one thread")
        grid[1, 0].set_ylabel("peak MiB")
    return figure


def _draw_times(ax: Axes, points: pd.DataFrame, axis: Axis, known: dict[str, float]) -> None:
    grows, fixed = axis
    for part, label in PARTS.items():
        ax.plot(
            points[grows],
            points[part],
            color=_COLOURS[part],
            marker=_MARKERS[part],
            label=label + _growth(grows, known[label]),
        )
    ax.set(xscale="log", yscale="log")
    kept = "architectures" if grows == "n" else "observations"
    ax.set_title(f"{fixed:,} {kept}")
    ax.legend(loc="upper left", fontsize=5.5)


def _draw_memory(ax: Axes, points: pd.DataFrame, axis: Axis, known: dict[str, float]) -> None:
    grows, _ = axis
    label = "beyond imports" + _growth(grows, known[MEMORY])
    ax.plot(points[grows], memory(points), color=INK, marker="o", label=label)
    ax.plot(points[grows], points["peak_mib"], color=INK, marker="", ls=":", label="whole process")
    ax.set(xscale="log", yscale="log", xlabel=_LABELS[grows])
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.legend(loc="upper left", fontsize=5.5)


def _growth(grows: str, exponent: float) -> str:
    symbol = "n" if grows == "n" else "m"
    if math.isnan(exponent):
        return ""
    return f", $\\propto {symbol}^{{{round(exponent, 1) + 0.0:.1f}}}$"  # never minus zero
