"""Wins, ties and losses of every method against every other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from surrobench.report.common import escaping
from surrobench.report.common.style import MUTED, TWO_COLUMNS, paper_style

_CELL = 0.245


def outcome_matrix(
    pairs: pd.DataFrame, order: Sequence[str] | None = None, *, width: float = TWO_COLUMNS
) -> Figure:
    """Significant wins less losses of the row against the column, over all tasks.

    Args:
        pairs: ``method``, ``other`` and ``outcome`` (``win``, ``tie``, ``loss`` or empty), one row
            for each task, as :func:`~surrobench.report.statistics.pairs.compare_pairs` makes them.
        order: of the rows and columns; of appearance by default.
        width: at most so many inches.

    A cell says ``wins/ties/losses`` where there is room; it is grey where no test was possible.
    """
    order = list(order or pairs["method"].unique())
    counts = {
        outcome: _matrix(pairs[pairs["outcome"] == outcome], order)
        for outcome in ("win", "tie", "loss")
    }
    tested = np.sum(list(counts.values()), axis=0) > 0
    balance = np.where(tested, counts["win"] - counts["loss"], np.nan)
    side = min(width - 1.9, max(1.2, _CELL * len(order)))
    with paper_style():
        figure = Figure(figsize=(side + 1.9, side + 1.35), layout="constrained")
        axes = figure.subplots()
        most = max(1.0, float(np.nanmax(np.abs(balance)))) if tested.any() else 1.0
        image = axes.imshow(balance, cmap="PuOr_r", norm=TwoSlopeNorm(0, -most, most))
        if side / len(order) >= 0.2:
            _write(axes, counts, tested, most)
        _frame(axes, escaping.names(order))
        whole = MaxNLocator(6, integer=True)
        bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=25, pad=0.02, ticks=whole)
        bar.set_label("wins − losses of the row")
        bar.outline.set_visible(False)
    return figure


def _matrix(pairs: pd.DataFrame, order: list[str]) -> np.ndarray:
    table = pd.crosstab(pairs["method"], pairs["other"])
    return table.reindex(index=order, columns=order, fill_value=0).to_numpy()


def _write(axes: Axes, counts: dict[str, np.ndarray], tested: np.ndarray, most: float) -> None:
    for row, column in zip(*np.nonzero(tested), strict=True):
        numbers = [int(counts[kind][row, column]) for kind in ("win", "tie", "loss")]
        dark = abs(numbers[0] - numbers[2]) > 0.6 * most
        axes.text(
            column,
            row,
            "/".join(map(str, numbers)),
            ha="center",
            va="center",
            fontsize=4,
            color="white" if dark else "black",
        )


def _frame(axes: Axes, names: list[str]) -> None:
    axes.set_facecolor(MUTED)
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set_xticks(np.arange(len(names) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(names) + 1) - 0.5, minor=True)
    axes.grid(False)
    axes.grid(True, which="minor", color="white", linewidth=0.6)
    axes.tick_params(which="both", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
