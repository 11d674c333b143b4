"""The legend below the panels, and the lines that it explains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from surrobench.report.common import escaping
from surrobench.report.common.style import MUTED, MethodStyle
from surrobench.report.figures import panels


def line_style(style: MethodStyle) -> dict[str, Any]:
    """Arguments of ``Axes.plot`` for a line with markers."""
    return {
        "color": style.colour,
        "linestyle": style.dash,
        "marker": style.marker,
        "markerfacecolor": style.face,
        "markeredgecolor": style.colour if style.hollow else "white",
        "markeredgewidth": 0.9 if style.hollow else 0.4,
        "markersize": 3.6 if style.hollow else 4.2,
    }


@dataclass(frozen=True)
class Legend:
    """The methods in colour, and how many there are in grey, below the panels."""

    chosen: list[str]
    labels: list[str]
    columns: int

    @classmethod
    def of(cls, chosen: list[str], others: int, width: float) -> Legend:
        """For methods in colour and a number of others, in a figure of some width in inches."""
        labels = escaping.names(chosen)
        if others:
            labels.append(f"{others} other method" + "s" * (others > 1))
        return cls(chosen, labels, panels.legend_columns(labels, width))

    @property
    def height(self) -> float:
        """Inches."""
        return 0.12 + 0.125 * -(-len(self.labels) // self.columns)

    def draw(self, figure: Figure, styles: dict[str, MethodStyle]) -> None:
        """Put it below the panels of a figure."""
        handles = [Line2D([], [], **line_style(styles[method])) for method in self.chosen]
        if len(self.labels) > len(handles):
            handles.append(Line2D([], [], color=MUTED, linewidth=1))
        figure.legend(handles, self.labels, loc="outside lower center", ncols=self.columns)
