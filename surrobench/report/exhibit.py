"""A figure or table with the numbers behind it."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from surrobench.errors import UserError
from surrobench.report import escaping
from surrobench.report.style import paper_style

FORMATS = ("csv", "md", "tex", "pdf", "png", "svg")
"""What an exhibit can be saved as; the CSV is always written."""

# No dates and no versions: the same numbers give the same bytes.
_METADATA: dict[str, dict[str, str | None]] = {
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}


@dataclass(frozen=True)
class Exhibit:
    """One figure or table of a report.

    ``name`` is the stem of its files, ``caption`` plain text that says what it shows, ``data`` the
    numbers that it shows. A figure has ``figure``; a table ``tex`` and ``markdown``, which hold
    the caption already and say what the marks mean.
    """

    name: str
    caption: str
    data: pd.DataFrame
    figure: Figure | None = None
    tex: str | None = None
    markdown: str | None = None

    def save(self, folder: Path, formats: Collection[str] = FORMATS) -> list[Path]:
        """Write the CSV, and the formats among ``formats`` that this exhibit has.

        Raises:
            UserError: if the folder cannot be written to.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return [self._save_as(kind, folder) for kind in FORMATS if self._has(kind, formats)]
        except OSError as error:
            raise UserError(f"cannot write the report to {folder}: {error}.") from error

    def _has(self, kind: str, formats: Collection[str]) -> bool:
        if kind == "csv":
            return True
        content = {"md": self.markdown, "tex": self.tex}.get(kind, self.figure)
        return kind in formats and content is not None

    def _save_as(self, kind: str, folder: Path) -> Path:
        path = folder / f"{self.name}.{kind}"
        if kind == "csv":
            path.write_text(to_csv(self.data), encoding="utf-8", newline="")
        elif kind in ("md", "tex"):
            text = self.markdown if kind == "md" else self.tex
            path.write_text(text or "", encoding="utf-8", newline="")
        elif self.figure is not None:
            save_figure(self.figure, path)
        return path


def to_csv(frame: pd.DataFrame) -> str:
    """CSV of six significant digits whose text no spreadsheet takes for a formula."""
    safe = frame.rename(columns=escaping.csv)
    for column in safe.select_dtypes(exclude="number"):
        safe[column] = safe[column].map(escaping.csv)
    return str(safe.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def save_figure(figure: Figure, path: Path) -> None:
    """Save a figure as its suffix says (pdf, png or svg) with reproducible bytes."""
    with paper_style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")  # a user's name in another script
        figure.savefig(path, metadata=_METADATA[path.suffix[1:]])
