"""A page as one HTML file that needs nothing else: no network, no server, no other file.

The template escapes every text. A content-security policy allows the page's own script and style,
named by their hashes, and pictures within the file; whatever else might slip in does not run.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from surrobench.report.page.grid import Grid

LARGEST = 5_000_000
"""Bytes that a page should stay below."""


@dataclass(frozen=True)
class Item:
    """One figure or table with what is said of it.

    Attributes:
        anchor: what a link to it ends with.
        title: short.
        text: the caption.
        name: of a file that the numbers are saved as.
        chart: the numbers of a chart as JSON that is safe inside HTML.
        packed: the same compressed, for charts of very many numbers.
        picture: a ``data:`` address.
        drawing: an ``<svg>`` element.
        methods: that can be switched off in the drawing, as JSON like that of a chart.
        grid: a table.
        numbers: behind a figure, as a table that is folded away.
        html: a ``<table>`` whose texts are escaped already.
        source: the same for LaTeX.
        files: paths of files, from the folder of the page.
    """

    anchor: str
    title: str
    text: str = ""
    name: str = "table"
    chart: Markup | None = None
    packed: Markup | None = None
    picture: str | None = None
    drawing: Markup | None = None
    methods: Markup | None = None
    grid: Grid | None = None
    numbers: Grid | None = None
    html: Markup | None = None
    source: str | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listing:
    """Text to be shown as it is, such as a command or a file."""

    title: str
    text: str
    folded: bool = False


@dataclass(frozen=True)
class Section:
    """A part of a page: paragraphs, facts, listings, then figures and tables."""

    anchor: str
    title: str
    texts: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    listings: tuple[Listing, ...] = ()
    items: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Page:
    """What a page says, apart from how it looks."""

    title: str
    kicker: str
    lead: str = ""
    facts: Sequence[tuple[str, str]] = ()
    sections: Sequence[Section] = ()
    footer: str = "Made by surrobench. This file needs no network and no other file."


def render(page: Page) -> str:
    """The page as HTML; the same content gives the same text."""
    style, script = _resource("page.css"), _resource("page.js")
    return _template().render(
        page=page,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _resource(name: str) -> str:
    return (files("surrobench.report.page") / name).read_text(encoding="utf-8")


@cache
def _template():  # type: ignore[no-untyped-def]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["breakable"] = _breakable
    return environment.from_string(_resource("page.html"))


def _breakable(text: str) -> Markup:
    """Text that a narrow column breaks behind the marks within names, not within their words."""
    return Markup("<wbr>").join(re.split(r"(?<=[_|/~=(,])(?=\w)", text))


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode()
