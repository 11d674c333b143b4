"""A figure or table with the numbers behind it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
from matplotlib.figure import Figure

from surrobench.errors import UserError
from surrobench.report.common import escaping
from surrobench.report.common.drawing import draw, settle

FORMATS = ("csv", "md", "tex", "html", "pdf", "png", "svg")
"""What an exhibit can be saved as; the CSV is always written."""

FIGURES, TABLES = "figures", "tables"
"""The folders of a report: what is drawn with its numbers, and everything else."""

_ENDS = re.compile(r"[.:;](?=\s|$)")
_ONE_COLUMN = 4.0
"""Inches; a wider figure spans both columns of a page."""


@dataclass(frozen=True)
class Exhibit:
    """One figure or table of a report.

    ``name`` is the stem of its files, ``caption`` plain text that says what it shows, ``data`` the
    numbers that it shows. A figure has ``figure``; a table ``tex`` and ``markdown``, which hold
    the caption already and say what the marks mean, and ``html``, a ``<table>`` alone. An exhibit
    with neither is data for other programs.
    """

    name: str
    caption: str
    data: pd.DataFrame
    figure: Figure | None = None
    tex: str | None = None
    markdown: str | None = None
    html: str | None = None
    notes: str = ""

    @property
    def kind(self) -> Literal["figure", "table", "data"]:
        """What it is: of a figure, a table for reading, or numbers alone."""
        if self.figure is not None:
            return "figure"
        return "data" if self.tex is None and self.markdown is None else "table"

    @property
    def section(self) -> str:
        """The folder within a report that holds its files."""
        return FIGURES if self.figure is not None else TABLES

    @property
    def title(self) -> str:
        """The caption up to its first full stop, colon or semicolon outside of brackets."""
        for found in _ENDS.finditer(self.caption):
            title = self.caption[: found.start()]
            if title.count("(") <= title.count(")"):
                return title
        return _ENDS.split(self.caption, maxsplit=1)[0]

    @property
    def formats(self) -> tuple[str, ...]:
        """What it can be rendered as."""
        held: dict[str, object] = {"csv": self.data, "md": self.markdown, "html": self.html}
        held["tex"] = self.tex if self.figure is None else self.figure
        return tuple(kind for kind in FORMATS if held.get(kind, self.figure) is not None)

    def render(self, kind: str) -> bytes:
        """The exhibit as the content of a file of some format; the same numbers, the same bytes.

        Raises:
            ValueError: if it does not have this format.
        """
        if kind not in self.formats:
            raise ValueError(f"{self.name} has no {kind!r}, only {', '.join(self.formats)}.")
        if self.figure is not None and kind != "csv":
            return self._float() if kind == "tex" else render_figure(self.figure, kind)
        text = {"md": self.markdown, "tex": self.tex, "html": self.html}.get(kind)
        return (text if text is not None else to_csv(self.data)).encode()

    def _float(self) -> bytes:
        """LaTeX that shows the PDF of the figure; a wide one spans both columns."""
        width = self.figure.get_figwidth() if self.figure is not None else 0.0
        name = "figure*" if width > _ONE_COLUMN else "figure"
        image = rf"{{\srfolder {FIGURES}/{self.name}.pdf}}"
        lines = [
            r"% needs \usepackage{graphicx}; from elsewhere \newcommand{\srfolder}{the/report/}",
            r"\providecommand{\srfolder}{}",
            rf"\begin{{{name}}}[t]",
            r"  \centering",
            rf"  \ifdim\linewidth<{width:.2f}in \includegraphics[width=\linewidth]{image}%",
            rf"  \else\includegraphics{image}\fi",
            rf"  \caption{{{escaping.latex(self.caption)}}}",
            rf"  \label{{fig:{self.name}}}",
            rf"\end{{{name}}}",
        ]
        return ("\n".join(lines) + "\n").encode()

    def save(self, folder: Path, formats: Collection[str] = FORMATS) -> list[Path]:
        """Write the CSV, and the formats among ``formats`` that this exhibit has.

        Raises:
            UserError: if the folder cannot be written to.
        """
        paths = []
        if self.figure is not None:
            settle(self.figure)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for kind in self.formats:
                if kind == "csv" or kind in formats:
                    paths.append(folder / f"{self.name}.{kind}")
                    paths[-1].write_bytes(self.render(kind))
        except OSError as error:
            raise UserError(f"cannot write the report to {folder}: {error}.") from error
        return paths


def to_csv(frame: pd.DataFrame) -> str:
    """CSV of six significant digits whose text no spreadsheet takes for a formula."""
    safe = frame.rename(columns=escaping.csv)
    for column in safe.select_dtypes(exclude="number"):
        safe[column] = safe[column].map(escaping.csv)
    return str(safe.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def render_figure(figure: Figure, kind: str) -> bytes:
    """A figure as pdf, png or svg with reproducible bytes and embedded fonts."""
    return draw(figure, kind)


def save_figure(figure: Figure, path: Path) -> None:
    """Save a figure as its suffix says (pdf, png or svg) with reproducible bytes."""
    path.write_bytes(render_figure(figure, path.suffix[1:]))
