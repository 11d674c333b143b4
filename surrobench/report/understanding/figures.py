"""Figures of an explanation: a frame of means over seeds in, a matplotlib figure out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surrobench.report.common import escaping
from surrobench.report.common.style import INK, MUTED, ONE_COLUMN, TWO_COLUMNS, paper_style
from surrobench.report.common.units import of_differences, of_values
from surrobench.report.figures.panels import panel_grid

MOST_FEATURES = 20
"""Features that a figure names, the most important; the CSV holds all."""
_ROW = 0.17
_TRUE, _PREDICTED, _SHAP = INK, "#0072b2", "#e69f00"
_SERIES = (
    ("true", "in the table", _TRUE, "o"),
    ("predicted", "predicted", _PREDICTED, "s"),
    ("shap", "SHAP value", _SHAP, "P"),
)


def importance(table: pd.DataFrame, unit: str, width: float = TWO_COLUMNS) -> Figure:
    """Permutation importance and mean absolute SHAP value, feature by feature.

    Args:
        table: ``feature``, ``tau_loss`` and ``mean_abs_shap``, each with ``…_sd``.
        unit: of the targets.
        width: inches.
    """
    shown = table.nlargest(MOST_FEATURES, "tau_loss")
    with paper_style():
        figure, (left, right) = _side_by_side(len(shown), width)
        _dots(left, shown["tau_loss"], shown["tau_loss_sd"], _PREDICTED)
        _dots(right, shown["mean_abs_shap"], shown["mean_abs_shap_sd"], _SHAP)
        _rows(left, shown["feature"])
        _rows(right, shown["feature"], named=False)
        left.set_xlabel("loss of Kendall τ when shuffled")
        right.set_xlabel("mean |SHAP value|" + _in(of_differences(unit)))
        left.axvline(0, color=MUTED, linewidth=0.8, zorder=1)
        right.set_xlim(left=0)
    return figure


def effects(table: pd.DataFrame, unit: str, width: float = TWO_COLUMNS) -> Figure:
    """What each choice is worth, one panel a variable.

    Args:
        table: ``variable``, ``choice`` and ``true``, ``predicted``, ``shap`` with ``…_sd``.
        unit: of the targets.
        width: inches.
    """
    variables = list(table["variable"].unique())
    series = [one for one in _SERIES if table[one[0]].notna().any()]
    most = int(table.groupby("variable", sort=False).size().max())
    with paper_style():
        figure, grid = panel_grid(
            len(variables), width, 3 if width > ONE_COLUMN else 1, 0.55 + _ROW * most, False, 0.25
        )
        flat = [axes for row in grid for axes in row]
        for axes, variable in zip(flat, variables, strict=True):
            own = table[table["variable"] == variable]
            axes.axvline(0, color=MUTED, linewidth=0.8, zorder=1)
            for place, (name, label, colour, marker) in enumerate(series):
                _dots(axes, own[name], own[f"{name}_sd"], colour, marker, label, place)
            _rows(axes, own["choice"])
            axes.set_title(escaping.figure(variable))
        # one label of the whole figure would lie where the legend does
        for axes in flat[-len(grid[0]) :]:
            axes.set_xlabel("difference from the mean" + _in(of_values(unit)))
        handles, labels = flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def relevance(table: pd.DataFrame, width: float = TWO_COLUMNS) -> Figure:
    """Shares of the blocks in the prior variance, and relevance of the features.

    Args:
        table: ``block``, ``share``, ``feature``, ``relevance`` with ``…_sd``.
        width: inches.
    """
    blocks = table.drop_duplicates("block")
    features = table.dropna(subset=["relevance"]).nlargest(MOST_FEATURES, "relevance")
    with paper_style():
        figure, (left, right) = _side_by_side(max(len(features), len(blocks)), width, (1.0, 1.8))
        _dots(left, blocks["share"], blocks["share_sd"], _PREDICTED)
        _rows(left, blocks["block"])
        _dots(right, features["relevance"], features["relevance_sd"], _PREDICTED)
        _rows(right, features["feature"])
        left.set_xlabel("share of the prior variance")
        right.set_xlabel("correlation lost across a change")
        highest = float((features["relevance"] + features["relevance_sd"].fillna(0.0)).max())
        left.set_xlim(-0.02, 1.02)
        right.set_xlim(left=-0.02 * min(1.0, highest), right=min(1.02, 1.06 * highest))
    return figure


def residuals(table: pd.DataFrame, unit: str, width: float = TWO_COLUMNS) -> Figure:
    """Bias, absolute error, ranking and coverage by groups of architectures.

    Args:
        table: ``by``, ``group``, ``bias``, ``mae``, ``kendall_tau``, ``coverage_90`` with
            ``…_sd``.
        unit: of the targets.
        width: inches.
    """
    panels = (
        ("bias", "bias" + _in(of_values(unit)), 0.0),
        ("mae", "mean absolute error" + _in(of_differences(unit)), None),
        ("kendall_tau", "Kendall τ within", None),
        ("coverage_90", "coverage of 90 %", 0.9),
    )
    places = _places(table["by"])
    with paper_style():
        height = 0.5 + _ROW * 0.85 * (places[-1] + 1)
        figure = Figure(figsize=(width, height), layout="constrained")
        row = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
        for axes, (name, label, mark) in zip(row, panels, strict=True):
            if mark is not None:
                axes.axvline(mark, color=MUTED, linewidth=0.8, zorder=1)
            _dots(axes, table[name], table[f"{name}_sd"], _PREDICTED, places=places)
            axes.set_xlabel(label)
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
        pairs = zip(table["by"], table["group"], strict=True)
        names = [escaping.figure(_group(*pair)) for pair in pairs]
        row[2].set_xlim(max(-1.02, row[2].get_xlim()[0]), min(1.02, row[2].get_xlim()[1]))
        row[3].set_xlim(max(-0.02, row[3].get_xlim()[0]), 1.02)
        row[0].set_yticks(places, names)
        row[0].set_ylim(places[-1] + 0.7, -0.7)
    return figure


def _group(by: str, group: str) -> str:
    return "all" if by == "all" else f"{by}: {group}"


def _places(kinds: pd.Series) -> list[float]:
    """Rows with a gap between kinds of groups."""
    gaps = kinds.ne(kinds.shift()).cumsum() - 1
    return [float(place) for place in np.arange(len(kinds)) + 0.6 * gaps.to_numpy()]


def _side_by_side(
    rows: int, width: float, ratios: tuple[float, float] = (1.0, 1.0)
) -> tuple[Figure, tuple[Axes, Axes]]:
    figure = Figure(figsize=(width, 0.6 + _ROW * rows), layout="constrained")
    left, right = figure.subplots(1, 2, squeeze=False, width_ratios=ratios)[0]
    return figure, (left, right)


def _dots(
    axes: Axes,
    values: pd.Series,
    half: pd.Series,
    colour: str,
    marker: str = "o",
    label: str = "",
    place: int = 1,
    places: Sequence[float] | None = None,
) -> None:
    """One row for each value with its deviation; series lie a little beside each other."""
    rows = np.arange(len(values)) + 0.18 * (place - 1) if places is None else np.array(places)
    axes.errorbar(
        values.to_numpy(), rows, xerr=half.fillna(0.0).to_numpy(), fmt=marker, color=colour,
        markersize=3.4, elinewidth=0.9, label=label or None, zorder=3,
    )  # fmt: skip


def _rows(axes: Axes, names: pd.Series, named: bool = True) -> None:
    axes.set_yticks(range(len(names)), escaping.names([str(name) for name in names]))
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0, labelleft=named)
    axes.spines["left"].set_visible(False)


def _in(unit: str) -> str:
    return f" ({escaping.figure(unit, 20)})" if unit else ""
