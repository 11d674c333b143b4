"""Pages of Markdown: where sentences, tables and comparing words stand in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from claim_numbers import WORDS, written

COMPARING = re.compile(
    r"\b(ahead|behind|beats?|beaten|best|better(?! half)|worse|worst|leads?|leading|led|"
    r"(?:first|last)(?= of| place| [a-z]+ places|\?)|(?:fast|slow|cheap|hard|low|high)(?:er|est)|"
    r"than|level with|(?:told|tell) (?:\w+ )?(?:apart|from)|outperforms?|superior|inferior|"
    r"wins?|trails?|"
    r"as (?:\w+ )?(?:good|well|fast|much|many|long|large) as|equally|ties|"
    r"times(?= as| less| more| instead| a )|improves?|helps?|hurts?|matters?|gains?)\b",
    re.IGNORECASE,
)
"""Words of a sentence that compares. *The better half* and *train first* compare nothing."""
_PLACEHOLDER = re.compile(r"\{(\w+)(?::([^{}]*))?\}")
_NUMBER = r"(?:[-−+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)|–)"
_P = r"p [<=] \d?\.\d+"
_WORD = rf"(?:{'|'.join(WORDS)}|\d[\d,]*)"
_FENCE = re.compile(r"^```.*?^```[^\n]*$", re.MULTILINE | re.DOTALL)
_TARGET = re.compile(r"(?<=\])\([^)]*\)")
_CODE = re.compile(r"`[^`\n]*`")
_TABLE = re.compile(r"^\|.*\|\n\|[ :|-]+\|\n(?:\|.*\|\n?)*", re.MULTILINE)


def filled(template: str, values: Mapping[str, float]) -> str:
    """A template with its numbers in their places."""
    return _PLACEHOLDER.sub(lambda m: written(values[m[1]], m[2] or ""), template)


def names(template: str) -> list[str]:
    """The numbers that a template asks for."""
    return [match[1] for match in _PLACEHOLDER.finditer(template)]


def pattern(template: str) -> re.Pattern[str]:
    """What a template looks like with any numbers."""
    parts, end = [], 0
    for match in _PLACEHOLDER.finditer(template):
        spec = match[2] or ""
        place = _P if spec == "p" else _WORD if spec.lower() == "word" else _NUMBER
        parts += [re.escape(template[end : match.start()]), place]
        end = match.end()
    parts.append(re.escape(template[end:]))
    return re.compile("".join(parts), re.IGNORECASE)


def _blank(text: str, what: re.Pattern[str]) -> str:
    return what.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def prose(page: str) -> str:
    """The page with blanks for code, tables and addresses; places stay the same."""
    for what in (_FENCE, _TABLE, _TARGET, _CODE):
        page = _blank(page, what)
    return page


def comparing(page: str) -> Iterator[re.Match[str]]:
    """Every comparing word in the prose of a page."""
    return COMPARING.finditer(prose(page))


def sentence_at(page: str, place: int) -> str:
    """The sentence around a place, for messages."""
    start = max(
        page.rfind("\n", 0, place), page.rfind(". ", 0, place) + 1, page.rfind(": ", 0, place) + 1
    )
    ends = [end for end in (page.find("\n", place), page.find(". ", place)) if end >= 0]
    return page[start + 1 : min(ends, default=len(page))].strip()


@dataclass(frozen=True)
class PageTable:
    """A Markdown table of a page: its text, where it stands, and its cells."""

    start: int
    text: str

    @property
    def header(self) -> str:
        """The first line."""
        return self.text.split("\n", 1)[0]

    @property
    def cells(self) -> list[list[str]]:
        """All rows but the rule below the header."""
        lines = self.text.strip().split("\n")
        return [split_row(line) for line in [lines[0], *lines[2:]]]

    def with_rows(self, rows: list[list[str]]) -> str:
        """The same header and rule over other rows."""
        head = self.text.split("\n")[:2]
        end = "\n" if self.text.endswith("\n") else ""
        return "\n".join([*head, *("| " + " | ".join(row) + " |" for row in rows)]) + end

    @property
    def has_numbers(self) -> bool:
        """Whether a cell outside code is, or begins with, a number."""
        rows = [cell for row in self.cells[1:] for cell in row[1:]]
        return any(re.match(_NUMBER + r"(?![\w-])", cell) and cell != "–" for cell in rows)


def split_row(line: str) -> list[str]:
    """Cells of a row."""
    line = re.sub(r"\s*\|\s*$", "", line)
    return [cell.strip() for cell in line.strip()[1:].split("|")]


def tables(page: str) -> list[PageTable]:
    """All tables outside code."""
    text = _blank(page, _FENCE)
    return [PageTable(m.start(), page[m.start() : m.end()]) for m in _TABLE.finditer(text)]


def replace_spans(page: str, spans: list[tuple[int, int, str]]) -> str:
    """The page with other texts in some places that do not overlap."""
    for start, end, text in sorted(spans, reverse=True):
        page = page[:start] + text + page[end:]
    return page
