"""Figures as pixels within a page, for those that are too large as vectors."""

from __future__ import annotations

import base64
import io
import warnings
from typing import Any

from matplotlib.figure import Figure
from PIL import Image

from surrobench.report.style import paper_style

DOTS_PER_INCH = 200
COLOURS = 160


def data_uri(figure: Figure) -> str:
    """A ``data:`` address of the figure; the same figure gives the same text."""
    with paper_style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")  # a user's name in another script
        pixels = _few_colours(_saved(figure, "png", dpi=DOTS_PER_INCH))
    return "data:image/png;base64," + base64.b64encode(pixels).decode("ascii")


def _saved(figure: Figure, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, **options)
    return buffer.getvalue()


def _few_colours(png: bytes) -> bytes:
    """The same picture with a palette, a third of the size."""
    with Image.open(io.BytesIO(png)) as image:
        buffer = io.BytesIO()
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
            buffer, format="PNG", optimize=True
        )
    return buffer.getvalue()
