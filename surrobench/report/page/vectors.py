"""Figures as SVG within a page: sharp at any size, with methods that can be switched off.

A page's policy forbids style attributes, so every declaration becomes an attribute of its own. Only
drawing elements are kept; identifiers are made those of one figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from markupsafe import Markup
from matplotlib.figure import Figure

from surrobench.report.common.drawing import draw

LARGEST = 260_000
"""Bytes of a figure from which it is shown as pixels instead."""
_LEAST_OF_A_TEXT = 100
"""Bytes."""
_LEAST_LETTERS = 8.0
"""Pixels of the smallest letters where a page is too narrow for the figure, which scrolls there."""
_LEAST_SCALE = 1.15
_PIXELS_PER_POINT = 4 / 3
_PIXELS_PER_EM = 16
"""Of a narrow page; the page's style makes it more where there is room."""
_TAGS = {
    *("svg", "g", "defs", "path", "rect", "circle", "use", "clipPath", "text", "tspan", "image"),
    "pattern",
}
_NUMBER = re.compile(r"-?\d+\.\d{3,}(?!\d*e)")
_METHOD = re.compile(r"(method-[0-9a-f]{10})(\.\d+)*")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_FONT = re.compile(r"(?:(bold|italic|oblique|\d{3})\s+)*([\d.]+)px")
_PRESENTATION = re.compile(r"(fill|stroke|opacity|text-anchor|font)[a-z-]*")
_SPACE = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_GEOMETRY = {
    *("d", "transform", "x", "y", "width", "height", "points", "cx", "cy", "r"),
    "patternTransform",
}
_UNITS = {"patternUnits", "patternContentUnits", "clipPathUnits"}
_BOXES = ("userSpaceOnUse", "objectBoundingBox")


def inline_svg(figure: Figure, prefix: str) -> Markup | None:
    """The figure as an ``<svg>`` element that a page can hold; None if it is too large.

    What shows a method has the attribute ``data-method`` with the method's id.

    Args:
        figure: whose artists of methods have ``method_id`` as their ``gid``.
        prefix: of all identifiers, different for every figure of a page.
    """
    texts = sum(len(axes.texts) for axes in figure.axes)
    if texts * _LEAST_OF_A_TEXT > LARGEST:
        return None
    drawn = draw(figure, "svg", letters=True)
    if len(drawn) > 4 * LARGEST:
        return None
    root = _cleaned(ElementTree.fromstring(drawn), prefix)
    root.set("stroke-linejoin", "round")
    for name in ("width", "height"):
        root.attrib.pop(name, None)
    root.set("width", f"{_ems(root):.2f}em")
    text = ElementTree.tostring(root, encoding="unicode")
    return Markup(text) if len(text) <= LARGEST else None


def _ems(root: ElementTree.Element) -> float:
    """Width at which the smallest letters of a drawing can be read."""
    points = float(root.get("viewBox", "0 0 600 400").split()[2])
    sizes = [float(text.get("font-size", "10").removesuffix("px")) for text in root.iter("text")]
    smallest = min(sizes, default=10.0) * _PIXELS_PER_POINT
    scale = max(_LEAST_SCALE, _LEAST_LETTERS / max(smallest, 1.0))
    return points * _PIXELS_PER_POINT * scale / _PIXELS_PER_EM


def methods_in(drawing: str) -> set[str]:
    """Ids of the methods that a drawing shows."""
    return set(re.findall(r'data-method="([^"]+)"', drawing))


def _cleaned(element: ElementTree.Element, prefix: str) -> ElementTree.Element:
    """A copy without name spaces, styles, and whatever does not draw."""
    copy = ElementTree.Element(element.tag.removeprefix(_SPACE), dict(_attributes(element, prefix)))
    copy.text = element.text if copy.tag in ("text", "tspan") else None
    for child in element:
        if child.tag.removeprefix(_SPACE) in _TAGS:
            copy.append(_cleaned(child, prefix))
    return copy


def _attributes(element: ElementTree.Element, prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in element.attrib.items():
        if name == "style":
            yield from _declarations(value, prefix)
        elif name == "id":
            method = _METHOD.fullmatch(value)
            yield ("data-method", method[1]) if method else ("id", f"{prefix}-{value}")
        elif name in ("href", _LINK):
            if value.startswith("#"):
                yield "href", f"#{prefix}-{value[1:]}"
            elif value.startswith("data:image/png;"):
                yield "href", value
        elif name in _UNITS:
            if value in _BOXES:
                yield name, value
        elif name in _GEOMETRY:
            yield name, _NUMBER.sub(lambda number: f"{float(number[0]):.2f}", value)
        elif name in ("viewBox", "text-anchor"):
            yield name, value
        elif name == "clip-path" or name.startswith(("fill", "stroke")):
            yield from _painted(name, value, prefix)


def _declarations(style: str, prefix: str) -> Iterator[tuple[str, str]]:
    """The declarations of a style attribute as presentation attributes."""
    for part in style.split(";"):
        name, _, value = (text.strip() for text in part.partition(":"))
        if name == "font":
            font = _FONT.match(value)
            if font:
                yield "font-size", font[2]
                if font[1] in ("bold", "700", "600"):
                    yield "font-weight", "bold"
        elif name != "font-family" and (name == "clip-path" or _PRESENTATION.fullmatch(name)):
            yield from _painted(name, value, prefix)


def _painted(name: str, value: str, prefix: str) -> Iterator[tuple[str, str]]:
    """What something is painted with; a reference must lie within the figure."""
    own = _REFERENCE.fullmatch(value)
    if own:
        yield name, f"url(#{prefix}-{own[1]})"
    elif "url" not in value.lower():
        yield name, _NUMBER.sub(lambda number: f"{float(number[0]):.2f}", value)
