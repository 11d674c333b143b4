"""One cell of a table, in the markup of the document that it goes into."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from surrobench.report.common import escaping
from surrobench.report.statistics.intervals import METHOD
from surrobench.report.statistics.sign_flips import WHY_OPEN


@dataclass(frozen=True)
class Markup:
    """How one kind of document writes text, numbers, half-widths and marks."""

    text: Callable[[object], str]
    number: str
    bold: str
    second: str
    half: str
    not_worse: str
    untested: str
    incomplete: str


LATEX = Markup(
    escaping.latex,
    r"\srnum{{{}}}",
    r"\srbest{{{}}}",
    r"\srsecond{{{}}}",
    r" \srhalf{{{}}}",
    r"$^{\approx}$",
    r"$^{?}$",
    r"$^{\dagger}$",
)
MARKDOWN = Markup(escaping.markdown, "{}", "**{}**", "<ins>{}</ins>", " ± {}", "≈", "?", "†")
HTML = Markup(
    lambda text: html.escape(escaping.one_line(text)),
    "{}",
    "<strong>{}</strong>",
    "<u>{}</u>",
    ' <span class="half">± {}</span>',
    "<sup>≈</sup>",
    "<sup>?</sup>",
    "<sup>†</sup>",
)
PLAIN = Markup(escaping.one_line, "{}", "{}*", "{}", " ± {}", "≈", "?", "†")
"""For a terminal."""
MARKUPS = (LATEX, MARKDOWN, HTML)
_TEST = (
    "paired test by sign flips over common seeds, adjusted for all methods of the task and for the "
    "choice of the best, 5 %"
)

LATEX_COMMANDS = r"""% needs \usepackage{booktabs, graphicx}
% for siunitx: \usepackage{siunitx} \sisetup{detect-all} and \newcommand{\srnum}[1]{\num{#1}}
\providecommand{\srnum}[1]{#1}
\providecommand{\srbest}[1]{\textbf{#1}}
\providecommand{\srsecond}[1]{\underline{#1}}
\providecommand{\srhalf}[1]{{\scriptsize$\pm$\srnum{#1}}}
"""
"""What the LaTeX tables are written with; a paper may define the commands otherwise before."""


def number(value: float, decimals: int = 3) -> str:
    """Fixed decimals; a dash for what is not known."""
    if not np.isfinite(value):
        return "–" if np.isnan(value) else str(value).replace("inf", "∞")
    return f"{value:.{decimals}f}"


def mean_and_half(row: pd.Series, digits: int) -> tuple[str, str]:
    """A mean and half its interval with equal decimals: ``digits``, fewer for values from 10 on.

    The second is empty where there is no interval; both are scientific where they would be zeros.
    """
    mean, half = float(row["mean"]), float(row["high"] - row["low"]) / 2
    size = abs(mean)
    if 0 < size < 10**-digits and not half >= 10**-digits:
        return f"{mean:.1e}", "" if np.isnan(half) else f"{half:.0e}"
    decimals = max(0, digits - sum(size >= limit for limit in (10, 100, 1000)))
    return number(mean, decimals), "" if np.isnan(half) else number(half, decimals)


def cell(row: pd.Series, markup: Markup, digits: int = 3) -> str:
    """One cell: mean, marks and half the 95 % interval, which one seed does not have."""
    if not row["seeds"] > 0:
        return "--" if markup is LATEX else "–"
    mean, half = mean_and_half(row, digits)
    text = markup.number.format(mean) if np.isfinite(row["mean"]) else markup.text(mean)
    text = markup.bold.format(text) if row["best"] else text
    text = markup.second.format(text) if row["second"] else text
    text += markup.not_worse if row["not_worse"] else ""
    text += markup.untested if row.get("untested", False) else ""
    text += markup.incomplete if row["incomplete"] else ""
    return text + (markup.half.format(half) if half else "")


def legend(
    rows: pd.DataFrame, best: str = "bold", second: str = "underlined", *, skewed: bool = False
) -> str:
    """What the marks mean, for as much of them as can occur in these rows of a comparison.

    ``best`` and ``second`` say how these are marked; the second is not if that is empty. ``skewed``
    says of which kind the scores are.
    """
    parts = ["Mean over seeds"]
    if rows["low"].notna().any():
        parts = [f"Mean ± half of the 95 % interval for other seeds on the task ({METHOD[skewed]})"]
    if rows["best"].any():
        parts.append(f"{best}: best of its column")
    if second and rows["second"].any():
        parts.append(f"{second}: second best")
    compared = rows["p"].notna().any()
    if rows["not_worse"].any():
        parts.append(f"≈: not significantly different from the best ({_TEST})")
        parts.append("no mark: significantly worse")
    elif compared and not (rows["p"] < 0.05).any():
        parts.append(f"no significance test can tell methods apart, because of {WHY_OPEN}")
    elif compared:
        parts.append(f"no mark: significantly worse than the best ({_TEST})")
    if "untested" in rows and rows["untested"].any():
        nothing = rows.loc[rows["untested"].eq(True), "p"].isna().any()
        more = ", or nothing to compare, where all means are equal or no seed is common"
        parts.append(f"?: no test can tell, because of {WHY_OPEN}{more * bool(nothing)}")
    if rows["incomplete"].any():
        parts.append("†: mean over fewer seeds than planned")
    return "; ".join(parts) + "."
