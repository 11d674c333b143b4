"""Tasks × methods at one train size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surrobench.report.common import escaping
from surrobench.report.common.measures import Measure, find_measure
from surrobench.report.common.style import TWO_COLUMNS, paper_style
from surrobench.report.results import Results

_ONE_SCREEN = 40
"""Rows that a reader sees with what stands below them; above more, methods are named as well."""


def heat_map(
    frame: pd.DataFrame | Results,
    size: int,
    measure: str = "kendall_tau",
    *,
    width: float = TWO_COLUMNS,
) -> Figure:
    """Mean score of every method on every task at one train size, the best of a task in bold.

    Methods are ordered by their mean relative rank; their mean rank stands beside their names (a
    dash where a method lacks a task). The longer of the two lists runs downwards. Colours show
    the score, or the rank within the task where scores are in units of the task; predictors of
    constants do not stretch their scale.
    """
    results, score = Results.of(frame), find_measure(measure)
    means = results.means(score, size).loc[results.order(score, size)]
    means = means.replace([np.inf, -np.inf], np.nan).dropna(axis=1, how="all")
    ranks = results.mean_ranks(score, size).reindex(means.index)
    tall = len(means) >= means.shape[1]
    flat = results.constant_methods(always=True)
    with paper_style():
        return _draw(means, ranks, score, width, tall, flat)


def _draw(
    means: pd.DataFrame,
    ranks: pd.Series,
    measure: Measure,
    width: float,
    tall: bool,
    flat: Sequence[str],
) -> Figure:
    shown = means if tall else means.T
    cell = (width - 2.1) / max(shown.shape[1], 3)
    width = min(width, 2.1 + 0.62 * max(shown.shape[1], 3))
    figure = Figure(figsize=(width, 1.3 + 0.155 * len(shown)), layout="constrained")
    axes = figure.subplots()
    colours, label = _colours(means, measure)
    others = colours.loc[~colours.index.isin(flat)].to_numpy()
    known = others[np.isfinite(others)]
    low, high = (float(known.min()), float(known.max())) if known.size else (None, None)
    beyond = low is not None and bool((colours < low).any(axis=None))
    import seaborn as sns  # few reports have this figure

    sns.heatmap(
        colours if tall else colours.T,
        ax=axes,
        vmin=low,
        vmax=high,
        cmap="YlGnBu" if measure.unitless and measure.larger_is_better else "YlGnBu_r",
        annot=_annotations(shown) if cell >= 0.21 else False,
        fmt="",
        annot_kws={"fontsize": 5.5},
        linewidths=0.6,
        cbar_kws={
            "label": label,
            "aspect": 30,
            "pad": 0.02,
            "extend": "min" if beyond else "neither",
        },
        xticklabels=False,
        yticklabels=False,
    )
    axes.set(xlabel="", ylabel="")
    axes.set_facecolor("#eceef0")
    _embolden(axes, shown, measure, tall)
    _name(axes, means, ranks, tall)
    return figure


def _colours(means: pd.DataFrame, measure: Measure) -> tuple[pd.DataFrame, str]:
    """What the colours stand for, and its name."""
    if measure.unitless:
        return means, measure.label
    return means.rank(ascending=not measure.larger_is_better), "rank within the task"


def _annotations(means: pd.DataFrame) -> pd.DataFrame:
    """Two decimals, three digits for larger values; empty where there is no score."""
    largest = float(np.nanmax(np.abs(means.to_numpy())))
    digits = 2 if largest < 10 else 1 if largest < 100 else 0
    return means.map(lambda value: "" if pd.isna(value) else f"{value:.{digits}f}")


def _embolden(axes: Axes, shown: pd.DataFrame, measure: Measure, tall: bool) -> None:
    """Make the best of each task bold."""
    line = shown if tall else shown.T
    best = line.eq(line.max() if measure.larger_is_better else line.min())
    winners = (best if tall else best.T).to_numpy()
    for text in axes.texts:
        text.set_in_layout(False)  # it lies within its cell
        column, row = (int(part) for part in text.get_position())
        if winners[row, column]:
            text.set_fontweight("bold")


def _name(axes: Axes, means: pd.DataFrame, ranks: pd.Series, tall: bool) -> None:
    methods = escaping.names([str(method) for method in means.index])
    tasks = [escaping.figure(task, 30) for task in means.columns]
    rank = ["–" if pd.isna(value) else f"{value:.1f}" for value in ranks]
    if tall:
        places = np.arange(len(methods)) + 0.5
        axes.set_yticks(places, methods, rotation=0)
        turn = 30 if len(tasks) <= 8 else 60
        axes.set_xticks(np.arange(len(tasks)) + 0.5, tasks, rotation=turn, ha="right")
        if len(tasks) > 1:
            side = axes.secondary_yaxis("right")
            side.set_yticks(places, rank)
            side.tick_params(length=0)
            side.spines["right"].set_visible(False)
            axes.set_title("mean rank", loc="right", fontsize=6)
    else:
        places = np.arange(len(methods)) + 0.5
        labels = [f"{name} ({value})" for name, value in zip(methods, rank, strict=True)]
        axes.set_xticks(places, labels, rotation=60, ha="right")
        axes.set_yticks(np.arange(len(tasks)) + 0.5, tasks, rotation=0)
        if len(tasks) > _ONE_SCREEN:
            above = axes.secondary_xaxis("top")
            above.set_xticks(places, labels, rotation=60, ha="left", rotation_mode="anchor")
            above.tick_params(length=0)
            above.spines["top"].set_visible(False)
    axes.tick_params(length=0)
