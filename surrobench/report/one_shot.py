"""What shared weights are worth, as tables and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from surrobench.report.common import escaping
from surrobench.report.common.exhibit import Exhibit
from surrobench.report.common.style import MUTED, TWO_COLUMNS, paper_style
from surrobench.report.figures.panels import panel_grid
from surrobench.report.tables import markdown_table

UNITS = {"params": "parameters", "flops": "FLOPs"}
"""Baselines whose scores are no accuracies."""
FORMATS = ("md", "png", "pdf")


def ranking_table(ranking: pd.DataFrame) -> Exhibit:
    """Rank correlations of each method with stand-alone training, over its seeds."""
    columns = {"tau": "Kendall τ", "tau_top_half": "τ, better half"}
    caption = (
        "Rank correlation of scores with the stand-alone accuracy of the same cells. "
        "Mean over seeds (lowest to highest). The row of stand-alone training is one training "
        "against the mean of the others: what a perfect score could reach is not much more."
    )
    return _table("ranking", caption, ranking, columns)


def choice_table(choices: pd.DataFrame) -> Exhibit:
    """Stand-alone accuracy of what each method chooses, over its seeds."""
    columns = {
        "accuracy": "validation accuracy, %",
        "test_accuracy": "test accuracy, %",
        "params": "parameters",
        "seconds": "seconds of the search",
    }
    caption = (
        "Stand-alone accuracy of the chosen cells. "
        "Mean over seeds (lowest to highest); each cell is trained several times, and its mean "
        "counts. Seconds are those of the search, without the trainings that judge it."
    )
    return _table("choices", caption, choices, columns)


def _table(name: str, caption: str, frame: pd.DataFrame, columns: dict[str, str]) -> Exhibit:
    groups = frame.groupby("method", sort=False)
    cells = pd.DataFrame(
        {
            heading: [_spread(rows[column]) for _, rows in groups]
            for column, heading in columns.items()
        },
        index=pd.Index([escaping.markdown(method) for method, _ in groups], name="method"),
    )
    text = f"{escaping.markdown(caption)}\n\n{markdown_table(cells)}"
    return Exhibit(name, caption, frame, markdown=text)


def _spread(values: pd.Series) -> str:
    """The mean with the lowest and highest value, if there are several."""
    mean, low, high = values.mean(), values.min(), values.max()
    digits = 0 if abs(mean) >= 100 else 1 if abs(mean) >= 5 else 2
    text = f"{mean:,.{digits}f}".replace("-", "−")
    if len(values) < 2:
        return text
    return f"{text} ({low:.{digits}f} to {high:.{digits}f})".replace("-", "−")


def score_figure(scores: pd.DataFrame, ranking: pd.DataFrame) -> Figure:
    """A panel per method: the scores of the first seed against stand-alone accuracy.

    Args:
        scores: ``method``, ``seed``, ``score`` and ``accuracy`` of each cell.
        ranking: ``method``, ``seed`` and ``tau``, which the panels are titled with.
    """
    methods = list(dict.fromkeys(scores["method"]))
    taus = ranking.set_index(["method", "seed"])["tau"]
    with paper_style():
        figure, grid = panel_grid(len(methods), TWO_COLUMNS, 4, 1.55)
        panels = [axes for row in grid for axes in row]
        for axes, method in zip(panels, methods, strict=True):
            rows = scores[scores["method"] == method]
            rows = rows[rows["seed"] == rows["seed"].min()]
            median = np.median(rows["accuracy"])
            axes.axvline(median, color=MUTED, linewidth=0.6)
            axes.plot(rows["accuracy"], rows["score"], "o", color="#0072b2", markersize=2.6)
            tau = f"{taus[method, rows['seed'].iloc[0]]:.2f}".replace("-", "−")
            axes.set_title(f"{escaping.figure(method)}, τ = {tau}")
            axes.set_ylabel(UNITS.get(method, "shared weights, %"))
        for axes in panels[-4:]:
            axes.set_xlabel("stand-alone accuracy, %")
    return figure


def one_shot_exhibits(
    scores: pd.DataFrame, ranking: pd.DataFrame, choices: pd.DataFrame
) -> list[Exhibit]:
    """Two tables and a figure of a comparison."""
    caption = (
        "Scores of cells against their stand-alone validation accuracy, first seed. Shared "
        "weights without training of one's own, and the two counts; the line is the median cell."
    )
    figure = score_figure(scores, ranking)
    return [
        ranking_table(ranking),
        choice_table(choices),
        Exhibit("scores", caption, scores, figure=figure),
    ]


def save_exhibits(exhibits: Sequence[Exhibit], folder: Path) -> list[Path]:
    """Write them into a folder; the paths of all files.

    Raises:
        UserError: if the folder cannot be written to.
    """
    return [path for exhibit in exhibits for path in exhibit.save(folder, FORMATS)]
