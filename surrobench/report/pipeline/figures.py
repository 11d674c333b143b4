"""Figures of a pipeline: predictions against full trainings, and the picks of every predictor."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from surrobench.errors import UserError
from surrobench.report.common import escaping
from surrobench.report.common.style import (
    INK,
    MUTED,
    ONE_COLUMN,
    TWO_COLUMNS,
    MethodStyle,
    method_style,
    paper_style,
)
from surrobench.report.common.units import of_values
from surrobench.report.figures import panels
from surrobench.report.figures.tags import tag
from surrobench.report.pipeline.judging import SHORT
from surrobench.report.pipeline.results import PipelineResults

MOST_PANELS = 12
_PICK = "#d55e00"
_FLOOR = MethodStyle("floor", "#5c636b", "o")


def styles(results: PipelineResults) -> dict[str, MethodStyle]:
    """The look of every method; baselines without a predictor are grey."""
    kinds = results.rows.drop_duplicates("method")
    return {
        method: _FLOOR if not encoding else method_style(base, transform)
        for method, base, transform, encoding in zip(
            kinds["method"], kinds["base"], kinds["transform"], kinds["encoding"], strict=True
        )
    }


def comparable(results: PipelineResults, task: str, seed: int) -> pd.DataFrame:
    """Rows of one task and seed with a prediction and a full value."""
    rows = results.rows[(results.rows["task"] == task) & (results.rows["seed"] == seed)]
    rows = rows[rows["predicted"].notna() & rows["judged"].notna()]
    order = [method for method in results.order(task) if method in set(rows["method"])]
    rows = rows.assign(place=rows["method"].map({m: i for i, m in enumerate(order)}))
    return rows.sort_values(["place", "pick"], kind="stable").drop(columns="place")


def predicted_against_full(
    results: PipelineResults, task: str, seed: int, *, width: float = TWO_COLUMNS
) -> Figure:
    """A panel per method: grey the reference, in colour the picks with 95 % predictive intervals.

    Args:
        results: of the study.
        task: which task.
        seed: which seed; pools differ between seeds.
        width: inches.

    Raises:
        UserError: if no method has predictions.
    """
    rows = comparable(results, task, seed)
    methods = list(dict.fromkeys(rows["method"]))[:MOST_PANELS]
    if not methods:
        raise UserError(f"no predictor has predictions on {task!r} with seed {seed}.")
    unit = of_values(results.unit(task))
    suffix = f" ({escaping.figure(unit, 24)})" if unit else ""
    with paper_style():
        columns = 2 if width <= ONE_COLUMN + 0.1 else 4
        figure, grid = panels.panel_grid(len(methods), width, columns, 1.55, below=0.15)
        flat = [axes for row in grid for axes in row]
        for axes, method in zip(flat, methods, strict=True):
            _scatter(axes, rows[rows["method"] == method])
            axes.set_title(escaping.figure(method, 30))
        for row in grid:
            row[0].set_ylabel(f"predicted{suffix}")
        for axes in grid[-1]:
            axes.set_xlabel(f"fully trained{suffix}")
        handles = [
            Line2D([], [], marker="o", linestyle="none", color=MUTED),
            Line2D([], [], marker="o", linestyle="none", color=_PICK),
            Line2D([], [], linestyle=(0, (4, 2)), color=INK, linewidth=0.7),
        ]
        labels = ["not chosen for its value", "picked", "equal"]
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _scatter(axes: Axes, rows: pd.DataFrame) -> None:
    picks = rows[rows["pick"] > 0]
    others = rows[(rows["pick"] == 0) & rows["reference"]]
    axes.scatter(
        others["judged"], others["predicted"], s=4, color=MUTED, linewidth=0, rasterized=True
    )
    if picks["predicted_std"].notna().any():
        half = 1.96 * picks["predicted_std"]
        axes.errorbar(
            picks["judged"], picks["predicted"], half, fmt="none", color=_PICK, linewidth=0.5
        )
    axes.plot(picks["judged"], picks["predicted"], "o", color=_PICK, markersize=2.6)
    low, high = float(rows["judged"].min()), float(rows["judged"].max())
    axes.plot([low, high], [low, high], color=INK, linewidth=0.7, linestyle=(0, (4, 2)), zorder=1)
    axes.locator_params(axis="x", nbins=5)
    tau = rows["kendall_tau"].iloc[0]
    if np.isfinite(tau):
        text = f"τ {tau:.2f} (n = {rows['ranked'].iloc[0]:,.0f})"
        axes.text(0.03, 0.97, text, transform=axes.transAxes, va="top", fontsize=5.5)


def picks_of_all(results: PipelineResults, task: str, *, width: float = TWO_COLUMNS) -> Figure:
    """Full values of all picks of every method over all seeds, best method on top.

    The best pick of each seed has a large marker and no interval: it was chosen by the trainings
    that an interval would rest on, so that none would keep its level. A line marks the mean over
    the picks, and vertical lines the best of each seed's pool, or the best found.

    Args:
        results: of the study.
        task: which task.
        width: inches.

    Raises:
        UserError: if nothing was picked that has a value.
    """
    rows = results.rows[(results.rows["task"] == task) & (results.rows["pick"] > 0)]
    rows = rows[rows["judged"].notna()]
    methods = [method for method in results.order(task) if method in set(rows["method"])]
    if not methods:
        raise UserError(f"no pick on {task!r} has a value.")
    styled = styles(results)
    with paper_style():
        figure = Figure(figsize=(width, 0.75 + 0.19 * max(3, len(methods))), layout="constrained")
        axes = figure.subplots()
        for seed in sorted(set(rows["seed"])):
            axes.axvline(results.optima[task, seed], color=MUTED, linewidth=0.8, zorder=1)
        for place, method in enumerate(methods):
            _picks_row(axes, rows[rows["method"] == method], place, method, styled[method])
        panels.method_rows(axes, methods, named=True)
        unit = escaping.figure(of_values(results.unit(task)), 24)
        judge = SHORT.get(results.judge(task))
        told = "value after full training" + (f", {judge}" if judge else "")
        axes.set_xlabel(told + (f" ({unit})" if unit else ""))
        axes.set_title(escaping.figure(task, 80), loc="left")
    return figure


def _picks_row(
    axes: Axes,
    rows: pd.DataFrame,
    place: int,
    method: str,
    style: MethodStyle,
) -> None:
    dots = axes.plot(
        rows["judged"],
        np.full(len(rows), place),
        "o",
        color=style.colour,
        markersize=3,
        alpha=0.45,
        markeredgewidth=0,
    )
    known = rows[rows["value"].notna()]
    best = known.loc[known.groupby("seed")["value"].idxmax()]
    dots += axes.plot(
        best["judged"],
        np.full(len(best), place),
        style.marker,
        color=style.colour,
        markerfacecolor=style.face,
        markersize=4.2,
    )
    mean = float(rows["judged"].mean())
    line = axes.plot([mean, mean], [place - 0.3, place + 0.3], color=INK, linewidth=1.1)
    tag(axes, method, *dots, *line)
