"""A figure as the bytes of a file: laid out once, whatever it is saved as.

``Figure.savefig`` lays a figure out, and draws it once to no purpose, for every format.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from surrobench.report.common.style import paper_style

POINTS_PER_INCH = 72
# No dates and no versions: the same numbers give the same bytes.
_METADATA: dict[str, dict[str, str | None]] = {
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}


def settle(figure: Figure) -> None:
    """Lay a figure out for good, with the letters of its PDF; does nothing the second time."""
    from matplotlib.backends.backend_pdf import FigureCanvasPdf

    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        with _drawing(figure):
            FigureCanvasPdf(figure)
            figure.dpi = POINTS_PER_INCH
            engine.execute(figure)
        figure.set_layout_engine("none")


def draw(figure: Figure, kind: str, *, dpi: float | None = None, letters: bool = False) -> bytes:
    """A figure as pdf, png or svg with reproducible bytes and embedded fonts.

    Args:
        figure: is laid out for what it is drawn as, unless it is settled.
        kind: ``"pdf"``, ``"png"`` or ``"svg"``.
        dpi: dots per inch of a png; 300 by default.
        letters: whether the texts of an svg are texts, and not outlines.
    """
    buffer = io.BytesIO()
    with _drawing(figure):
        if letters:
            mpl.rcParams["svg.fonttype"] = "none"
        _save(figure, kind, buffer, dpi or mpl.rcParams["savefig.dpi"])
    return buffer.getvalue()


@contextmanager
def _drawing(figure: Figure) -> Iterator[None]:
    """In the style of reports; leaves the canvas and the resolution of the figure as they were."""
    canvas, dpi = figure.canvas, figure.dpi
    with paper_style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")  # a user's name in another script
        try:
            yield
        finally:
            figure.set_canvas(canvas)
            figure.dpi = dpi


def _save(figure: Figure, kind: str, buffer: io.BytesIO, dpi: float) -> None:
    metadata = _METADATA[kind]
    if kind == "pdf":
        from matplotlib.backends.backend_pdf import FigureCanvasPdf

        from surrobench.report.common.fonts import parsed_once

        with parsed_once():
            FigureCanvasPdf(figure).print_pdf(buffer, metadata=metadata)
    elif kind == "svg":
        from matplotlib.backends.backend_svg import FigureCanvasSVG

        FigureCanvasSVG(figure).print_svg(buffer, metadata=metadata)
    else:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        figure.dpi = dpi
        FigureCanvasAgg(figure).print_png(buffer, metadata=metadata)
