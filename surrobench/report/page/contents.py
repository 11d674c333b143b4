"""From the exhibits of a report to the figures and tables of its page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from surrobench.report.common.cells import legend
from surrobench.report.common.exhibit import Exhibit
from surrobench.report.common.style import method_id
from surrobench.report.page import charts
from surrobench.report.page.charts import ChartStyles
from surrobench.report.page.comparisons import comparison_grid, is_comparison
from surrobench.report.page.document import Item, Section
from surrobench.report.page.grid import Grid, from_frame
from surrobench.report.page.pictures import data_uri
from surrobench.report.page.vectors import inline_svg, methods_in

Saved = tuple[Exhibit, Sequence[Path]]

MOST_ROWS = 300
"""Rows of data that are shown as a table where nobody has made one; the CSV holds the others."""
MOST_HTML_ROWS = 2000
"""A table of more rows than this is cut to the first of them; the CSV holds the others."""
_CONTINUED = re.compile(r"-(tasks-)?\d+$")


def sections(saved: Sequence[Saved], palette: ChartStyles) -> tuple[Section, ...]:
    """Figures, then tables; a part without any is left out."""
    figures = tuple(_figures([item for item in saved if item[0].kind == "figure"], palette))
    tables = tuple(_table(*item) for item in saved if item[0].kind != "figure")
    parts = (
        Section("figures", "Figures", items=figures),
        Section("tables", "Tables", items=tables),
    )
    return tuple(part for part in parts if part.items)


def _figures(saved: Sequence[Saved], palette: ChartStyles) -> Iterator[Item]:
    """One item a figure; a chart that is continued in further files is one."""
    groups: dict[str, list[Saved]] = {}
    for exhibit, paths in saved:
        drawn = charts.axes_of(exhibit.data) is not None
        name = _CONTINUED.sub("", exhibit.name) if drawn else exhibit.name
        groups.setdefault(name, []).append((exhibit, paths))
    for group in groups.values():
        exhibit = group[0][0]
        title, text = said(exhibit)
        files = tuple(path.as_posix() for _, paths in group for path in paths)
        axes = charts.axes_of(exhibit.data)
        if axes is not None:
            data = pd.concat([item.data for item, _ in group], ignore_index=True)
            keys = [key for key in ("task", "method", axes.x) if key in data]
            label = charts.score_label(exhibit, axes)
            chart = charts.chart(data.drop_duplicates(keys), axes, label, palette)
            yield Item(anchor(exhibit), title, text, exhibit.name, chart, files=files)
        else:
            yield replace(_drawn(exhibit, palette), title=title, text=text, files=files)


def _drawn(exhibit: Exhibit, palette: ChartStyles) -> Item:
    """A figure as vectors with its methods, or else as pixels."""
    assert exhibit.figure is not None
    here = anchor(exhibit)
    drawing, picture, methods = inline_svg(exhibit.figure, here), None, None
    if drawing is None:
        picture = data_uri(exhibit.figure)
    else:
        shown = methods_in(drawing)
        known = [name for name in _methods(exhibit, palette) if method_id(name) in shown]
        if len(known) > 1:
            listed = [charts.described(n, palette) | {"id": method_id(n)} for n in known]
            methods = charts.embedded(listed)
    few = len(exhibit.data) <= MOST_ROWS
    numbers = _plain(exhibit.data, exhibit.title) if few else None
    return Item(
        here, "", "", exhibit.name, picture=picture, drawing=drawing, methods=methods,
        numbers=numbers,
    )  # fmt: skip


def _methods(exhibit: Exhibit, palette: ChartStyles) -> list[str]:
    """Methods that a figure may show, in the order of its data."""
    named = [exhibit.data[name] for name in ("method", "other") if name in exhibit.data]
    names = [str(name) for column in named for name in column.unique()]
    return list(dict.fromkeys([*names, *palette.styles]))


def _table(exhibit: Exhibit, paths: Sequence[Path]) -> Item:
    title, text = said(exhibit)
    data, grid, html = exhibit.data, None, None
    if is_comparison(data):
        grid = comparison_grid(data, title)
        text = text or legend(data)
    elif exhibit.html:
        html, rows = _first_rows(_semantic(exhibit.html))
        if rows > MOST_HTML_ROWS:
            text = f"{text} The first {MOST_ROWS} of {rows:,} rows; the files hold all.".strip()
    elif len(data) <= MOST_ROWS:
        grid = _plain(data, title)
    files = tuple(path.as_posix() for path in paths)
    source = exhibit.tex if exhibit.tex and len(exhibit.tex) < 60_000 else None
    return Item(
        anchor(exhibit), title, text, exhibit.name, grid=grid, html=html, source=source, files=files
    )


def _semantic(html: str) -> Markup:
    """A table whose heads say what they are heads of; rows begin with their method."""
    html = _by_method(html)
    columns = re.sub(r"<(table|tr)[^>]*>", r"<\1>", html).replace("<th>", '<th scope="col">')
    return Markup(re.sub(r"<tr>(\s*)<td>(.*?)</td>", r'<tr>\1<th scope="row">\2</th>', columns))


def _first_rows(html: Markup) -> tuple[Markup, int]:
    """A table that a page can hold, and how many rows it had."""
    head, mark, body = html.partition("<tbody>")
    rows = body.split("</tr>")
    count = len(rows) - 1
    if count <= MOST_HTML_ROWS:
        return html, count
    kept = "".join(f"{row}</tr>" for row in rows[:MOST_ROWS])
    return Markup(f"{head}{mark}{kept}{rows[-1]}"), count


def _by_method(html: str) -> str:
    """The table with its first two columns exchanged, if these are the task and something else.

    The first column stays in sight while others scroll, and the task may be the same in all rows.
    """
    head = re.search(r"<th>task</th>(\s*)(<th>.*?</th>)", html)
    if head is None:
        return html
    swapped = html.replace(head[0], f"{head[2]}{head[1]}<th>task</th>", 1)
    cells = r"(<tr>\s*)(<td>.*?</td>)(\s*)(<td>.*?</td>)"
    return re.sub(cells, r"\1\4\3\2", swapped)


def _plain(data: pd.DataFrame, title: str) -> Grid:
    """The data as they are; rows begin with their method."""
    if list(data.columns[:2]) == ["task", "method"]:
        data = data[["method", "task", *data.columns[2:]]]
    words = [str(name) for name in data if not pd.api.types.is_numeric_dtype(data[name])]
    return from_frame(data, title, words[1:])


def anchor(exhibit: Exhibit) -> str:
    """What a link to an exhibit ends with."""
    return "exhibit-" + re.sub(r"[^A-Za-z0-9]+", "-", exhibit.name)


def said(exhibit: Exhibit) -> tuple[str, str]:
    """Heading and the rest of the caption, which begins with it, with the notes.

    A heading has no brackets; where the title has them the text below is the whole caption.
    """
    title = exhibit.title
    heading = re.sub(r"\s*\([^()]*\)", "", title).strip() or title
    rest = exhibit.caption[len(title) :].lstrip(".:; ") if heading == title else exhibit.caption
    text = rest[:1].upper() + rest[1:]
    return heading, f"{text} {exhibit.notes}".strip()
