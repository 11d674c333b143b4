"""Figures as files: laid out once, with the letters of fonts that are parsed once."""

from __future__ import annotations

import base64
import io
import json
import zlib

import pytest
from markupsafe import Markup
from matplotlib.backends import _backend_pdf_ps as embedding
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from PIL import Image

from surrobench.report.common import fonts
from surrobench.report.common.drawing import draw, settle
from surrobench.report.page import contents
from surrobench.report.page.charts import packed


@pytest.fixture
def figure() -> Figure:
    made = Figure(figsize=(3.0, 2.0), layout="constrained")
    axes = made.subplots()
    axes.plot([1, 2, 3], [10, 1000, 100000])
    axes.set(title="finite τ", xlabel="examples", ylabel="a label that takes room")
    return made


def test_all_formats_share_one_layout(figure: Figure) -> None:
    settle(figure)
    place = figure.axes[0].get_position().bounds
    for kind in ("pdf", "png", "svg"):
        draw(figure, kind)
        assert figure.axes[0].get_position().bounds == place
    with Image.open(io.BytesIO(draw(figure, "png", dpi=100))) as picture:
        assert picture.size == (300, 200)


def test_a_settled_figure_lies_where_it_did(figure: Figure) -> None:
    """Letters of a PDF and of pixels differ by a hundredth of a small figure at most."""
    draw(figure, "png", dpi=300)
    before = figure.axes[0].get_position().bounds
    settle(figure)
    assert figure.axes[0].get_position().bounds == pytest.approx(before, abs=0.01)


def test_drawing_leaves_canvas_and_resolution(figure: Figure) -> None:
    canvas = FigureCanvasAgg(figure)
    figure.dpi = 77
    settle(figure)
    for kind in ("pdf", "png", "svg"):
        draw(figure, kind)
    assert figure.canvas is canvas
    assert figure.dpi == 77


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(embedding, "SubsetResults"), reason="fonts are kept for newer matplotlib alone"
)
@pytest.mark.parametrize("letter", ["A", "τ", "−", "ﬁ", "Ж"])
def test_letters_have_the_outlines_of_their_font(letter: str) -> None:
    from fontTools.pens.recordingPen import RecordingPen
    from fontTools.ttLib import TTFont

    file = findfont("DejaVu Sans")
    whole = TTFont(file)
    name = whole.getBestCmap()[ord(letter)]
    glyph = whole.getGlyphID(name)
    with fonts.parsed_once(), embedding.get_glyphs_subset(file, {glyph}) as found:
        small, place = found.font, found.glyph_index_map[glyph]
        pens = RecordingPen(), RecordingPen()
        whole.getGlyphSet()[name].draw(pens[0])
        small.getGlyphSet()[small.getGlyphName(place)].draw(pens[1])
    assert pens[0].value
    assert pens[0].value == pens[1].value
    assert embedding.get_glyphs_subset.__module__ == embedding.__name__


def test_a_packed_chart_holds_its_numbers() -> None:
    content = {"lines": [[0.5, None]], "title": "</script>"}
    text = str(packed(content))
    assert "<" not in text
    assert json.loads(zlib.decompress(base64.b64decode(text))) == content


def test_a_table_of_thousands_of_rows_is_cut() -> None:
    rows = "".join(f"<tr><td>{i}</td></tr>" for i in range(contents.MOST_HTML_ROWS + 1))
    whole = Markup(f"<table><thead><tr><th>a</th></tr></thead><tbody>{rows}</tbody></table>")
    cut, count = contents._first_rows(whole)
    assert count == contents.MOST_HTML_ROWS + 1
    assert cut.count("<td>") == contents.MOST_ROWS
    assert cut.endswith("</tbody></table>")
    short = Markup("<table><tbody><tr><td>1</td></tr></tbody></table>")
    assert contents._first_rows(short)[0] == short
