"""Facts as a small HTML table for notebooks; nothing of what is said is taken for HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable

MOST = 2000
"""Characters of one fact."""


def escaped(text: object, most: int = MOST) -> str:
    """One line of text, made inert for HTML."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return html.escape(line if len(line) <= most else line[: most - 1] + "…")


def facts_html(title: object, facts: Iterable[tuple[object, object]], below: str = "") -> str:
    """A title and a table of labels and texts.

    Args:
        title: plain text.
        facts: labels and texts, plain; those without a text are left out.
        below: HTML that follows, already made inert.
    """
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left">{escaped(label)}</th>'
        f'<td style="text-align:left">{escaped(text)}</td></tr>'
        for label, text in facts
        if text not in ("", None)
    )
    return f"<div><p><strong>{escaped(title)}</strong></p><table>{rows}</table>{below}</div>"
