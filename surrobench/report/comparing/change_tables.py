"""What changed between two runs, as cells of a table in some markup."""

from __future__ import annotations

import pandas as pd

from surrobench.report.common import escaping
from surrobench.report.common.cells import LATEX, LATEX_COMMANDS, Markup, number
from surrobench.report.comparing.changes import BETTER, WORSE
from surrobench.report.tables import float_tex


def cells_of(groups: pd.DataFrame, markup: Markup, at: str) -> pd.DataFrame:
    """Task, method, size, both means, the change with its interval, p and what follows.

    Args:
        groups: as of :class:`~surrobench.report.comparing.changes.Changes`.
        markup: of the document.
        at: what the size or budget is called.
    """
    cells = pd.DataFrame(
        {
            "task": groups["task"].map(markup.text),
            "method": groups["method"].map(markup.text),
            at: groups["at"].map(lambda value: f"{value:,.6g}"),
            "seeds": groups["seeds"].astype(str),
            "before": groups["before"].map(lambda value: number(value, 3)),
            "after": groups["after"].map(lambda value: number(value, 3)),
            "change": [_change(row) for row in groups.itertuples(index=False)],
            "p": groups["p_adjusted"].map(lambda value: number(value, 3)),
            "outcome": [
                markup.bold.format(text) if text in (BETTER, WORSE) else text
                for text in groups["outcome"]
            ],
        }
    )
    return cells.replace("–", "--") if markup is LATEX else cells


def _change(row: object) -> str:
    change, low, high = (float(getattr(row, name)) for name in ("change", "low", "high"))
    half = number((high - low) / 2, 3)
    text = f"{change:+.3f}" if change else "0"
    return text if half == "–" else f"{text} ± {half}"


def changes_tex(groups: pd.DataFrame, at: str, caption: str) -> str:
    """A LaTeX table of the changes."""
    cells = cells_of(groups, LATEX, at)
    for column in ("change", "outcome"):
        cells[column] = cells[column].str.replace("±", r"$\pm$")
    return LATEX_COMMANDS + float_tex(cells, 2, escaping.latex(caption), "changes")
