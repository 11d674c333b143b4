"""Learning curves: a metric against the epoch, for training and validation."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from surrobench.errors import UserError
from surrobench.report import escaping
from surrobench.report.figures import panels
from surrobench.report.figures.trainings import from_trainings
from surrobench.report.style import INK, SOLID, TWO_COLUMNS, Dash, paper_style

REQUIRED = ("name", "metric", "epoch", "value")
MARKED = 12
"""Up to so many epochs are marked one by one: between them nothing was measured."""
_DASHES: dict[str, Dash] = {"train": (0, (1.2, 1.2)), "validation": SOLID, "test": (0, (4.0, 1.4))}
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#332288", "#882255")


def learning_curves(frame: pd.DataFrame, *, width: float = TWO_COLUMNS) -> Figure:
    """One panel a metric (loss, MAE, accuracy); a colour an architecture; a dash a split.

    Lines are means over seeds, with one standard deviation between seeds on either side where there
    are two or more: no interval of the mean is known to hold for losses.

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
    colours = {name: _COLOURS[place % len(_COLOURS)] for place, name in enumerate(names)}
    metrics = [str(metric) for metric in rows["metric"].unique()]
    splits = sorted(rows["split"].astype(str).unique(), key=_order)
    with paper_style():
        labels = [*colours, *(splits if len(splits) > 1 else [])]
        below = 0.12 + 0.125 * -(-len(labels) // panels.legend_columns(labels, width))
        figure, grid = panels.panel_grid(
            len(metrics), width, max(1, int(width / 2.1)), 1.75, below=below
        )
        flat = [axes for row in grid for axes in row]
        for axes, metric in zip(flat, metrics, strict=True):
            for (name, split), part in rows[rows["metric"] == metric].groupby(["name", "split"]):
                _line(axes, part, colours[str(name)], str(split))
            axes.set(xlabel="epoch", ylabel=escaping.figure(metric))
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        _legend(figure, colours, splits, width)
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


def _line(axes: Axes, part: pd.DataFrame, colour: str, split: str) -> None:
    groups = part.groupby("epoch")["value"]
    mean, spread = groups.mean(), groups.std()
    marker = "o" if len(mean) <= MARKED else None
    axes.plot(mean.index, mean, color=colour, marker=marker, markersize=2.2, **_dash(split))
    axes.fill_between(
        mean.index, mean - spread, mean + spread, color=colour, alpha=0.13, linewidth=0
    )


def _dash(split: str) -> dict[str, Any]:
    return {"linestyle": _DASHES.get(split, SOLID)}


def _order(split: str) -> tuple[int, str]:
    known = ["train", "validation", "test"]
    return (known.index(split) if split in known else len(known), split)


def _legend(figure: Figure, colours: dict[str, str], splits: list[str], width: float) -> None:
    handles = [Line2D([], [], color=colour) for colour in colours.values()]
    labels = [escaping.figure(name) for name in colours]
    if len(splits) > 1:
        handles += [Line2D([], [], color=INK, **_dash(split)) for split in splits]
        labels += [escaping.figure(split) for split in splits]
    columns = panels.legend_columns(labels, width)
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)
