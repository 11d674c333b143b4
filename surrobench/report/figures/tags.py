"""Marks on what belongs to a method, so that a page can switch the method off and on."""

from __future__ import annotations

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from surrobench.report.common.style import method_id


def tag(axes: Axes, method: str, *artists: Artist) -> None:
    """Give artists the id of a method with a further number; unique within a figure."""
    figure = axes.get_figure(root=True)
    panel = figure.axes.index(axes) if figure is not None else 0
    for artist in artists:
        number = sum(1 for child in axes.get_children() if child.get_gid())
        artist.set_gid(f"{method_id(method)}.{panel}.{number}")
