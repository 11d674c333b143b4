"""What a page shows of the figure of an exhibit."""

from __future__ import annotations

import re

from surrobench.report.common.drawing import View
from surrobench.report.common.exhibit import Exhibit
from surrobench.report.page import charts
from surrobench.report.page.pictures import data_uri
from surrobench.report.page.vectors import inline_svg


def view_of(exhibit: Exhibit) -> View:
    """The figure as vectors, or else as pixels; nothing where a chart of the numbers is shown."""
    if exhibit.figure is None or charts.axes_of(exhibit.data) is not None:
        return View()
    drawing = inline_svg(exhibit.figure, anchor(exhibit))
    return View(drawing) if drawing is not None else View(picture=data_uri(exhibit.figure))


def anchor(exhibit: Exhibit) -> str:
    """What a link to an exhibit ends with."""
    return "exhibit-" + re.sub(r"[^A-Za-z0-9]+", "-", exhibit.name)
