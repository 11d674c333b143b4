"""Figures as pixels within a page, for those that are too large as vectors."""

from __future__ import annotations

import base64
import io

from matplotlib.figure import Figure
from PIL import Image

from surrobench.report.common.drawing import draw

DOTS_PER_INCH, OF_TALL = 200, 120
TALL = 20.0
"""Inches from which a picture has fewer dots: a page is to stay quick, and the files are beside."""
COLOURS = 160


def data_uri(figure: Figure) -> str:
    """A ``data:`` address of the figure; the same figure gives the same text."""
    dpi = OF_TALL if figure.get_figheight() > TALL else DOTS_PER_INCH
    pixels = _few_colours(draw(figure, "png", dpi=dpi))
    return "data:image/png;base64," + base64.b64encode(pixels).decode("ascii")


def _few_colours(png: bytes) -> bytes:
    """The same picture with a palette, a third of the size."""
    with Image.open(io.BytesIO(png)) as image:
        buffer = io.BytesIO()
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
            buffer, format="PNG", optimize=True
        )
    return buffer.getvalue()
