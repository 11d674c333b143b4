"""Architectures drawn as graphs, each with its numbers below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from surrobench.errors import UserError
from surrobench.report.common import escaping
from surrobench.report.common.style import INK, MUTED, TWO_COLUMNS, distinct_colours, paper_style
from surrobench.spaces.architecture import ArchGraph

_NOTHING = ("none", "zero", "zeroize", "")
_BEND = 0.42
"""How far an edge that passes over nodes swings out: its arc rises by half of this per node."""
_MOST_KNOWN = 24
"""With more operations in a space than colours that differ, those that are drawn share them."""
_MARGIN = 0.22
"""Nodes above and below a graph."""


@dataclass(frozen=True)
class Drawing:
    """One architecture: its graph, a title and lines of text below it."""

    graph: ArchGraph
    title: str
    lines: tuple[str, ...] = ()


def architectures(
    drawings: Sequence[Drawing],
    *,
    operations: Sequence[str] = (),
    width: float = TWO_COLUMNS,
) -> Figure:
    """Draw architectures side by side, operations told apart by colour.

    Nodes stand in their topological order from left to right. Operations on edges colour the
    edges (an edge without an operation is grey and dotted); operations on nodes colour the nodes.

    Args:
        drawings: what to draw.
        operations: all that the space has, drawn or not, so that one has the same colour in every
            figure of the space.
        width: inches.

    Raises:
        UserError: if there is nothing to draw.
    """
    if not drawings:
        raise UserError("there is no architecture to draw.")
    colours = _colours(drawings, operations)
    columns = max(1, min(len(drawings), int(width / 1.6)))
    rows = math.ceil(len(drawings) / columns)
    lines = max(len(drawing.lines) for drawing in drawings)
    reach = _reach(drawings)
    longest = max(len(drawing.graph.nodes) for drawing in drawings)
    tall = (reach[1] - reach[0]) * (width / columns - 0.1) / (longest - 0.3)
    height = rows * (tall + 0.2 + 0.12 * lines) + 0.3
    with paper_style():
        figure = Figure(figsize=(width, height), layout="constrained")
        grid = [axes for row in figure.subplots(rows, columns, squeeze=False) for axes in row]
        for axes in grid:
            axes.set_axis_off()
        for axes, drawing in zip(grid, drawings, strict=False):
            _draw(axes, drawing, colours, reach)
            axes.set_xlim(-0.35, longest - 0.65)
        _legend(figure, colours)
    return figure


def _colours(drawings: Sequence[Drawing], operations: Sequence[str]) -> dict[str, str]:
    """Of every operation that is drawn, by name."""
    on_edges = {label for drawing in drawings for *_, label in drawing.graph.edges} - {""}
    on_nodes = {label for drawing in drawings for label in drawing.graph.nodes[1:-1]}
    shown = [name for name in sorted(on_edges or on_nodes) if name not in _NOTHING]
    known = [name for name in sorted(set(operations)) if name not in _NOTHING]
    order = known if set(shown) <= set(known) and len(known) <= _MOST_KNOWN else shown
    colours = dict(zip(order, distinct_colours(len(order)), strict=True))
    return {name: colours[name] for name in shown}


def _bend(source: int, target: int) -> float:
    """Neighbours are joined straight; other edges swing up or down by turns."""
    if target - source == 1:
        return 0.0
    return _BEND if (source + target) % 2 else -_BEND


def _reach(drawings: Sequence[Drawing]) -> tuple[float, float]:
    """How far the graphs reach down and up, in distances between neighbouring nodes."""
    arcs = [
        -_bend(source, target) * (target - source) / 2
        for drawing in drawings
        for source, target, _ in drawing.graph.edges
    ]
    return min([0.0, *arcs]) - _MARGIN, max([0.0, *arcs]) + _MARGIN


def _draw(
    axes: Axes, drawing: Drawing, colours: dict[str, str], reach: tuple[float, float]
) -> None:
    nodes, edges = drawing.graph.nodes, drawing.graph.edges
    places = [(place, 0.0) for place in range(len(nodes))]
    for source, target, label in edges:
        absent = label in _NOTHING and any(text for *_, text in edges)
        axes.add_patch(
            FancyArrowPatch(
                places[source],
                places[target],
                connectionstyle=f"arc3,rad={_bend(source, target)}",
                arrowstyle="-|>",
                mutation_scale=6,
                shrinkA=5,
                shrinkB=5,
                color=MUTED if absent else colours.get(label, INK),
                linewidth=0.7 if absent else 1.5,
                linestyle=":" if absent else "-",
            )
        )
    for place, label in enumerate(nodes):
        inner = 0 < place < len(nodes) - 1
        colour = colours.get(label, MUTED) if inner else INK
        axes.plot(*places[place], "o", markersize=6, color=INK, markerfacecolor=colour, zorder=3)
    axes.set_ylim(*reach)
    axes.set_title(escaping.figure(drawing.title, 40))
    text = "\n".join(escaping.figure(line, 46) for line in drawing.lines)
    axes.text(0.5, -0.02, text, transform=axes.transAxes, ha="center", va="top", fontsize=5.5)


def _legend(figure: Figure, colours: dict[str, str]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, linewidth=2) for colour in colours.values()]
    labels = escaping.names(list(colours), 28)
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 5) or 1)
