"""Figures of other packages, and of functions that are named by their path."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from surrobench.base.registry import Registry
from surrobench.errors import UserError, fault

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

FIGURES: Registry[Callable[..., Figure]] = Registry("figure")
"""Functions of the rows of a run and of a keyword ``width`` (inches) that return a figure.

A function that cannot draw what a run has raises ``ValueError`` and says why.
"""


def is_own_figure(kind: str) -> bool:
    """Whether a kind of figure is drawn by code of others: a name of theirs, or a path."""
    return ":" in kind or kind in FIGURES.names()


def draw_own(kind: str, frame: pd.DataFrame, width: float) -> Figure:
    """Draw a figure of others.

    Args:
        kind: a name of the entry-point group ``surrobench.figures``, or ``module:function``.
        frame: rows of a run; the function gets a copy.
        width: inches.

    Raises:
        UserError: if there is no such function, it raises (with file and line), or it returns no
            figure of matplotlib.
    """
    from matplotlib.figure import Figure

    function, _ = FIGURES.find(kind)
    if not callable(function):
        raise UserError(f"the figure {kind!r} is no function, but a {type(function).__name__}.")
    try:
        drawn = function(frame.copy(), width=width)
    except Exception as error:
        raise UserError(f"the figure {kind!r} could not be drawn: {fault(error)}.") from error
    if not isinstance(drawn, Figure):
        raise UserError(
            f"the figure {kind!r} returned {type(drawn).__name__}; it must return a "
            "matplotlib.figure.Figure."
        )
    return drawn
