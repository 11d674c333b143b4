"""Text of users made inert in LaTeX, Markdown, CSV and figures.

Names of tasks and predictors and the reasons of failures come from outside; a table must show
them and never run them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "#": r"\#",
        "%": r"\%",
        "_": r"\_",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "·": r"\textperiodcentered{}",
        "–": "--",
        "…": r"\dots{}",
        "±": r"\ensuremath{\pm}",
        "×": r"\ensuremath{\times}",
        "≤": r"\ensuremath{\leq}",
        "≥": r"\ensuremath{\geq}",
        "−": r"\ensuremath{-}",
        "∞": r"\ensuremath{\infty}",
        "≈": r"\ensuremath{\approx}",
        "†": r"\ensuremath{\dagger}",
        "τ": r"\ensuremath{\tau}",
        "ρ": r"\ensuremath{\rho}",
    }
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~$])")
_LONGEST_CUT = 20
"""So much of a word is given up for a cut between words."""
_OGONEK = "\u0328"  # needs another font encoding than LaTeX's default


def one_line(text: object, limit: int | None = None) -> str:
    """The text without line breaks and control characters, shortened in the middle to ``limit``.

    Sentences are cut between words.
    """
    clean = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    if limit is None or len(clean) <= limit:
        return clean
    half = (limit - 1) // 2
    head, tail = clean[: limit - 1 - half], clean[len(clean) - half :]
    words, space, cut = head.rpartition(" ")
    if space and len(cut) < _LONGEST_CUT and not clean[len(head)].isspace():
        head = words + space
    cut, space, words = tail.partition(" ")
    if space and len(cut) < _LONGEST_CUT and not clean[-half - 1].isspace():
        tail = space + words
    return head + "…" + tail


def latex(text: object) -> str:
    """Text for LaTeX; characters that pdfLaTeX cannot print become their code, as in U+1F600."""
    return "".join(c if _printable(c) else f"U+{ord(c):04X}" for c in one_line(text)).translate(
        _LATEX
    )


def _printable(character: str) -> bool:
    """Whether pdfLaTeX prints it without further packages: ASCII, accented letters, our marks."""
    parts = unicodedata.normalize("NFD", character)
    return ord(character) in _LATEX or (parts[0].isascii() and _OGONEK not in parts)


def markdown(text: object) -> str:
    """Text for a Markdown table or paragraph, with HTML and markup switched off."""
    marked = _MARKDOWN.sub(r"\\\1", one_line(text))
    return marked.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def csv(value: object) -> object:
    """A CSV cell that no spreadsheet takes for a formula; numbers pass unchanged."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value


_STEP = 8


def names(texts: Sequence[str], limit: int = 34) -> list[str]:
    """Names for one figure; those that shortening would make equal keep as much as differs."""
    shown = [figure(text, limit) for text in texts]
    longest = max((len(one_line(text)) for text in texts), default=0)
    while limit < longest and len(set(shown)) < len(set(texts)):
        limit += _STEP
        again = Counter(shown)
        pairs = zip(texts, shown, strict=True)
        shown = [figure(text, limit) if again[name] > 1 else name for text, name in pairs]
    return shown


def figure(text: object, limit: int = 34) -> str:
    """Text for a figure: no mathematics, and no leading underscore (it would hide a legend)."""
    clean = one_line(text, limit).replace("$", r"\$")
    return "\u200a" + clean if clean.startswith("_") else clean
