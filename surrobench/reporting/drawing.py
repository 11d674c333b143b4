"""One figure of results that are at hand: a frame, a comparison, or a run folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.figure import Figure

from surrobench.errors import UserError, did_you_mean
from surrobench.report.common.exhibit import render_figure
from surrobench.report.common.style import TWO_COLUMNS, WIDTHS
from surrobench.report.plot_kinds import plot_kinds
from surrobench.report.plots import PlotOptions, draw
from surrobench.reporting.kinds import REPORTS
from surrobench.studies.run_folder.view import companions, kind_of_frame, load_methods

if TYPE_CHECKING:
    from surrobench.report.plots import AnyResults


class _ShownFigure(Figure):
    """A figure that a notebook shows, whatever backend matplotlib has there."""

    def _repr_png_(self) -> bytes:
        return render_figure(self, "png")


def plot(
    what: Any,
    kind: str | None = None,
    *,
    measure: str | None = None,
    n: int | None = None,
    seed: int | None = None,
    size: str | float | None = None,
    columns: int = 2,
) -> Figure:
    """Draw one kind of figure.

    Args:
        what: results: a frame of :func:`surrobench.evaluate`, :func:`surrobench.run_study` or
            ``search(…).frame``, what :func:`surrobench.compare` returns, or a run folder.
        kind: such as ``"curves"``, ``"ranking"``, ``"board"``, ``"pareto"``; by default the first
            that the results have. The error for an unknown one lists those that there are.
        measure: score of predictions; Kendall's τ by default.
        n: training examples; by default the most.
        seed: of a pipeline's cells; by default the first.
        size: width in inches, or the name of a venue: ``neurips``, ``iclr``, ``icml``, ``ieee``,
            ``slides``.
        columns: of that venue's page, 1 or 2.

    Returns:
        A matplotlib figure to restyle or save; a notebook shows it.

    Raises:
        UserError: for results that cannot be read, and for a kind that they do not have.

    Example:
        >>> import surrobench as sb
        >>> frame = sb.evaluate("knn", "live/digits-chain", n=[25, 50], seeds=2)
        >>> figure = sb.plot(frame, "curves")
        >>> len(figure.axes)
        1
    """
    results = _results(what)
    known = plot_kinds(results, measure)
    if not known:
        raise UserError("these results have no numbers: there is nothing to draw.")
    chosen = known[0] if kind is None else kind
    if chosen not in known:
        there = f"These results have: {', '.join(known)}."
        try:
            draw(chosen, results, PlotOptions(measure, n))
        except UserError as error:  # which says what is lacking
            raise UserError(f"{error} {there}") from error
        raise UserError(f"unknown kind of figure {chosen!r}. {there}")
    figure = draw(chosen, results, PlotOptions(measure, n, _width(size, columns), seed))
    figure.__class__ = _ShownFigure
    return figure


def _results(what: Any) -> AnyResults:
    if isinstance(what, str | Path):
        frame, _ = load_methods([Path(what)])
        kind = kind_of_frame(frame)
        return REPORTS[kind.name].results(frame, **companions(kind, [Path(what)]))
    frame = getattr(what, "frame", what)
    if not isinstance(frame, pd.DataFrame):
        raise UserError(
            f"{type(what).__name__} is nothing to draw: give a frame of results, what compare or "
            "search returns, or a run folder."
        )
    return REPORTS[kind_of_frame(frame).name].results(frame)


def _width(size: str | float | None, columns: int, widths: Mapping[str, Any] = WIDTHS) -> float:
    if size is None:
        return TWO_COLUMNS
    if not isinstance(size, str):
        return float(size)
    if size not in widths:
        raise UserError(f"unknown size {size!r}. " + did_you_mean(size, widths))
    if columns not in (1, 2):
        raise UserError(f"columns is {columns!r}; a page has 1 or 2.")
    return float(widths[size][columns - 1])
