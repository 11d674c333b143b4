"""Predicted against true values of the test architectures of one cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surrobench.errors import UserError
from surrobench.report.common import escaping
from surrobench.report.common.style import INK, MUTED, ONE_COLUMN, paper_style

REQUIRED = ("truth", "prediction")
_WIDE = 4.0
_BLUE, _ORANGE = "#0072b2", "#d55e00"


def predicted_against_true(
    frame: pd.DataFrame,
    *,
    top: int = 10,
    title: str = "",
    unit: str = "",
    width: float = ONE_COLUMN,
) -> Figure:
    """A point per test architecture; the ``top`` that the predictor would choose stand out.

    In a wide figure a second panel shows the best tenth. Vertical bars are 95 % predictive
    intervals of the chosen, if the frame has a ``std``. Points are rasterised, so that a vector
    file of thousands of them stays small.

    Args:
        frame: ``truth`` and ``prediction`` of each architecture, larger is better, perhaps ``std``.
        top: how many of the best predictions (and of the best truths) to mark.
        title: of the panel.
        unit: of the values.
        width: inches.

    Raises:
        UserError: if a column is missing or there is no architecture with both numbers.
    """
    missing = [name for name in REQUIRED if name not in frame]
    if missing:
        raise UserError(f"predictions lack the column(s) {', '.join(missing)}.")
    finite = np.isfinite(frame[list(REQUIRED)].to_numpy(dtype=np.float64)).all(axis=1)
    rows = frame.loc[finite]
    if rows.empty:
        raise UserError("there is no architecture with a prediction and a true value.")
    chosen = rows.nlargest(top, "prediction")
    best = rows.nlargest(top, "truth")
    with paper_style():
        panels = 2 if width > _WIDE else 1
        figure = Figure(figsize=(width, 0.92 * width / panels), layout="constrained")
        grid = figure.subplots(1, panels, squeeze=False)[0]
        suffix = f" ({escaping.figure(unit, 16)})" if unit else ""
        for axes in grid:
            points: dict[str, Any] = {"s": 3, "color": MUTED, "linewidth": 0, "rasterized": True}
            axes.scatter(rows["truth"], rows["prediction"], **points)
            _diagonal(axes, rows)
            _marked(axes, chosen, best, top)
            axes.set(xlabel=f"true value{suffix}", ylabel=f"predicted value{suffix}")
        if panels > 1:
            _enlarge(grid[1], rows, pd.concat([chosen, best]))
        lines = [escaping.figure(line, 60) for line in title.splitlines()]
        grid[0].set_title("\n".join(lines), loc="left")
        grid[0].legend(loc="upper left")
        text = _summary(rows, chosen, best)
        grid[0].text(0.98, 0.03, text, transform=grid[0].transAxes, ha="right", fontsize=5.5)
    return figure


def _enlarge(axes: Axes, rows: pd.DataFrame, marked: pd.DataFrame) -> None:
    """Show the best tenth alone, and whatever is marked."""
    top = pd.concat([rows.nlargest(max(2, len(rows) // 10), "truth"), marked])
    truth, prediction = (top[name].to_numpy(dtype=np.float64) for name in REQUIRED)
    for limits, values in (
        (axes.set_xlim, truth),
        (axes.set_ylim, np.concatenate([truth, prediction])),
    ):
        low, high = float(values.min()), float(values.max())
        margin = 0.06 * max(high - low, 1e-9)
        limits(low - margin, high + margin)
    axes.set_title("the best tenth", loc="left")


def _diagonal(axes: Axes, rows: pd.DataFrame) -> None:
    low, high = rows["truth"].min(), rows["truth"].max()
    axes.plot([low, high], [low, high], color=INK, linewidth=0.7, linestyle=(0, (4, 2)), zorder=2)


def _marked(axes: Axes, chosen: pd.DataFrame, best: pd.DataFrame, top: int) -> None:
    if "std" in chosen and chosen["std"].notna().all():
        half = 1.96 * chosen["std"]
        axes.errorbar(
            chosen["truth"], chosen["prediction"], half, fmt="none", color=_BLUE, linewidth=0.6
        )
    axes.plot(
        chosen["truth"], chosen["prediction"], "o", color=_BLUE, label=f"{top} best predicted"
    )
    axes.plot(
        best["truth"],
        best["prediction"],
        "s",
        color=_ORANGE,
        markerfacecolor="none",
        label=f"{top} truly best",
    )


def _summary(rows: pd.DataFrame, chosen: pd.DataFrame, best: pd.DataFrame) -> str:
    from scipy import stats  # takes a second to import

    tau = stats.kendalltau(rows["truth"], rows["prediction"]).statistic
    regret = best["truth"].max() - chosen["truth"].max()
    common = len(chosen.index.intersection(best.index))
    return f"Kendall τ {tau:.3f}\n{common} in common\nregret {regret:.3g}"
