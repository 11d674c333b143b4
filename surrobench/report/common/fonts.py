"""Fonts of PDF files, parsed once a process.

A figure embeds the letters that it shows. Matplotlib parses the whole font for each file, most of
it tables for scripts that set no letter of ours; here that is done once a process, and every
further file takes its letters from the small font that is left.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Any

from fontTools import subset  # comes with matplotlib, which embeds letters with it
from matplotlib.backends import _backend_pdf_ps as embedding

_BLOCKS = ((0x20, 0x250), (0x370, 0x400), (0x2000, 0x2300), (0xFB00, 0xFB07))
"""Latin, Greek, punctuation, arrows and signs of mathematics, and ligatures."""
_FOR_SHAPING = ("GSUB", "GPOS", "GDEF", "kern")
"""Tables that place letters; matplotlib has placed them, and viewers of a PDF look at none."""


@contextmanager
def parsed_once() -> Iterator[None]:
    """While it lasts, PDF files take their letters from fonts that stay in memory."""
    original = getattr(embedding, "get_glyphs_subset", None)
    if original is None or not hasattr(embedding, "SubsetResults"):  # another matplotlib
        yield
        return

    def get_glyphs_subset(fontfile: Any, glyphs: Collection[int]) -> AbstractContextManager[Any]:
        small, places = _small_font(fontfile)
        if any(glyph not in places for glyph in glyphs):
            return original(fontfile, glyphs)
        font, found = _letters(io.BytesIO(small), 0, {places[glyph] for glyph in glyphs})
        index = {glyph: found[places[glyph]] for glyph in glyphs}
        return embedding.SubsetResults(font, index)._as_cm()

    embedding.get_glyphs_subset = get_glyphs_subset
    try:
        yield
    finally:
        embedding.get_glyphs_subset = original


@lru_cache(maxsize=16)
def _small_font(fontfile: Any) -> tuple[bytes, dict[int, int]]:
    """The common letters of a font file, and where each glyph of the file is among them."""
    with subset.load_font(fontfile, _options(fontfile.face_index)) as font:
        names = font.getBestCmap()
        codes = [code for low, high in _BLOCKS for code in range(low, high) if code in names]
        glyphs = {font.getGlyphID(names[code]) for code in codes}
    font, found = _letters(fontfile, fontfile.face_index, glyphs)
    with font:
        return embedding.font_as_file(font).getvalue(), dict(found)


def _letters(file: Any, face: int, glyphs: Collection[int]) -> tuple[Any, dict[int, int]]:
    """A font with these glyphs alone, and where each of them is now."""
    options = _options(face)
    font = subset.load_font(file, options)
    chooser = subset.Subsetter(options=options)
    chooser.populate(gids=glyphs)
    chooser.subset(font)
    return font, chooser.glyph_index_map


def _options(face: int) -> Any:
    options = subset.Options(glyph_names=True, recommended_glyphs=True)
    options.drop_tables += [*_FOR_SHAPING, "FFTM", "PfEd", "BDF", "meta", "MERG", "TSIV"]
    options.font_number = face
    return options
