"""Mean ranks on a line, with bars that join what a test cannot tell apart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from surrobench.errors import UserError
from surrobench.report.common import escaping
from surrobench.report.common.style import (
    INK,
    TWO_COLUMNS,
    MethodStyle,
    apart,
    method_style,
    paper_style,
)
from surrobench.report.figures.tags import tag
from surrobench.report.statistics.rank_tests import RankTest, rank_test

_LETTER = 0.052
"""Inches of a letter of the title."""


def critical_difference(
    scores: pd.DataFrame | RankTest,
    *,
    larger_is_better: bool = True,
    styles: Mapping[str, MethodStyle] | None = None,
    blocks: str = "blocks",
    width: float = TWO_COLUMNS,
) -> Figure:
    """The diagram of Demšar (JMLR 2006), drawn by scikit-posthocs.

    Args:
        scores: blocks × methods (tasks, say), or the finished test.
        larger_is_better: which end gets rank 1.
        styles: of the methods; by their names if they are not given.
        blocks: what they are, which stands above the diagram.
        width: inches.

    Raises:
        UserError: if there are too few methods or blocks for the test.
    """
    test = scores if isinstance(scores, RankTest) else rank_test(scores, larger_is_better)
    if np.isnan(test.critical_difference):
        raise UserError(
            "a critical-difference diagram needs three methods and enough blocks: tasks of at "
            "least five tables, or one task alone with its seeds."
        )
    from scikit_posthocs import critical_difference_diagram

    styles = styles or {method: method_style(method) for method in test.ranks.index}
    methods = [str(method) for method in test.ranks.index]
    names = dict(zip(methods, escaping.names(methods), strict=True))
    with paper_style():
        figure = Figure(figsize=(width, 0.75 + 0.082 * len(names)), layout="constrained")
        axes = figure.subplots()
        shades = apart(styles[method].colour for method in names)  # lines have names, not markers
        colours = dict(zip(names.values(), shades, strict=True))
        drawn = critical_difference_diagram(
            test.ranks.rename(names),
            test.pairs.rename(index=names, columns=names),
            ax=axes,
            color_palette=colours,
            text_h_margin=0.004 * len(names),
            label_props={"fontsize": 6},
            crossbar_props={"color": INK, "linewidth": 2.2},
            marker_props={"s": 14},
            elbow_props={"linewidth": 0.8},
        )
        axes.grid(False)
        for place, method in enumerate(names):
            if place < len(drawn["labels"]):
                tag(axes, method, drawn["labels"][place], drawn["elbows"][place])
        ranked = f"mean rank over {test.blocks} {escaping.figure(blocks, 60)};"
        least = f"critical difference {test.critical_difference:.2f}"
        between = " " if len(ranked + least) * _LETTER < width - 1.2 else "\n"
        axes.set_title(ranked + between + least, loc="left", fontsize=6.5)
    return figure
