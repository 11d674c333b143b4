"""Learning curves: a metric against the epoch, for training and validation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from surrobench.errors import UserError
from surrobench.report.common import escaping
from surrobench.report.common.style import (
    INK,
    SOLID,
    TWO_COLUMNS,
    Dash,
    distinct_colours,
    paper_style,
)
from surrobench.report.figures import panels
from surrobench.report.figures.trainings import from_trainings

REQUIRED = ("name", "metric", "epoch", "value")
MARKED = 12
"""Up to so many epochs are marked one by one: between them nothing was measured."""
_DASHES: dict[str, Dash] = {"train": (0, (1.2, 1.2)), "validation": SOLID, "test": (0, (4.0, 1.4))}
LEAST_OF_A_CURVE = 3
"""Fewer epochs are drawn as points: no course of training lies between them."""
_ASIDE = 0.32
_MARKERS = {"train": "s", "validation": "o", "test": "^"}


def learning_curves(frame: pd.DataFrame, *, width: float = TWO_COLUMNS) -> Figure:
    """One panel a metric (loss, MAE, accuracy); a colour an architecture; a dash a split.

    Lines are means over seeds, with one standard deviation between seeds on either side where there
    are two or more: no interval of the mean is known to hold for losses. Of fewer than
    :data:`LEAST_OF_A_CURVE` epochs the means are points with bars, side by side, and a split is a
    marker.

    Args:
        frame: trainings, a row per architecture, seed and epoch with whatever was recorded
            (:func:`~surrobench.report.figures.trainings.from_trainings` says how columns are
            named); or long, with ``name``, ``metric``, ``epoch`` and ``value``, and where present
            ``split`` (``train``, ``validation`` or ``test``) and ``seed``.
        width: inches.

    Raises:
        UserError: if a column is missing or there are no values.
    """
    rows = long_form(frame).dropna(subset=["epoch", "value"])
    if rows.empty:
        raise UserError("there are no values to draw learning curves of.")
    rows = rows if "split" in rows else rows.assign(split="validation")
    names = [str(name) for name in rows["name"].unique()]
    colours = dict(zip(names, distinct_colours(len(names)), strict=True))
    metrics = [str(metric) for metric in rows["metric"].unique()]
    splits = sorted(rows["split"].astype(str).unique(), key=_order)
    with paper_style():
        labels = [*colours, *(splits if len(splits) > 1 else [])]
        below = 0.12 + 0.125 * -(-len(labels) // panels.legend_columns(labels, width))
        figure, grid = panels.panel_grid(
            len(metrics), width, max(1, int(width / 2.1)), 1.75, below=below
        )
        flat = [axes for row in grid for axes in row]
        points = rows["epoch"].nunique() < LEAST_OF_A_CURVE
        draw = _points if points else _lines
        for axes, metric in zip(flat, metrics, strict=True):
            draw(axes, rows[rows["metric"] == metric], colours)
            axes.set(xlabel="epoch", ylabel=escaping.figure(metric))
        _legend(figure, colours, splits, width, points)
    return figure


def long_form(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with a row per value; a frame of trainings becomes one.

    Raises:
        UserError: if a column is missing.
    """
    if "metric" not in frame and "value" not in frame:
        return from_trainings(frame)
    missing = [name for name in REQUIRED if name not in frame]
    if missing:
        raise UserError(f"learning curves lack the column(s) {', '.join(missing)}.")
    return frame


def _means(part: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Mean and standard deviation between seeds after every epoch."""
    groups = part.groupby("epoch")["value"]
    return groups.mean(), groups.std()


def _lines(axes: Axes, rows: pd.DataFrame, colours: dict[str, str]) -> None:
    """A line with its band for every architecture and split."""
    for (name, split), part in rows.groupby(["name", "split"]):
        (mean, half), colour = _means(part), colours[str(name)]
        marker = "o" if len(mean) <= MARKED else None
        style: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 2.2}
        style |= _dash(str(split))
        axes.plot(mean.index, mean, **style)
        low, high = mean - half, mean + half
        axes.fill_between(mean.index, low, high, color=colour, alpha=0.13, linewidth=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _points(axes: Axes, rows: pd.DataFrame, colours: dict[str, str]) -> None:
    """Means with their deviations side by side, one place for each of the few epochs."""
    epochs = sorted(rows["epoch"].unique())
    aside = np.linspace(-_ASIDE, _ASIDE, len(colours)) if len(colours) > 1 else np.zeros(1)
    offsets = dict(zip(colours, aside, strict=True))
    for (name, split), part in rows.groupby(["name", "split"]):
        mean, half = _means(part)
        places = [epochs.index(epoch) + offsets[str(name)] for epoch in mean.index]
        style: dict[str, Any] = {"color": colours[str(name)], "markersize": 3, "elinewidth": 0.8}
        marker = _MARKERS.get(str(split), "o")
        axes.errorbar(places, mean, np.nan_to_num(half), fmt=marker, **style)
    axes.set_xticks(range(len(epochs)), [f"{epoch:g}" for epoch in epochs])
    axes.set_xlim(-0.5, len(epochs) - 0.5)


def _dash(split: str) -> dict[str, Any]:
    return {"linestyle": _DASHES.get(split, SOLID)}


def _order(split: str) -> tuple[int, str]:
    known = ["train", "validation", "test"]
    return (known.index(split) if split in known else len(known), split)


def _legend(
    figure: Figure, colours: dict[str, str], splits: list[str], width: float, points: bool
) -> None:
    plain: dict[str, Any] = {"linestyle": "none", "marker": "o"} if points else {}
    handles = [Line2D([], [], color=colour, **plain) for colour in colours.values()]
    labels = escaping.names(list(colours))
    if len(splits) > 1:
        for split in splits:
            marks = plain | {"marker": _MARKERS.get(split, "o")} if points else _dash(split)
            handles.append(Line2D([], [], color=INK, **marks))
        labels += [escaping.figure(split) for split in splits]
    columns = panels.legend_columns(labels, width)
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)
