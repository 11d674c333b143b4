"""A list of everything that is wrong with a table, reported at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from surrobench.base.wording import counted
from surrobench.errors import UserError

SHOWN = 5
LONGEST = 60
"""Characters of a value that a message shows."""


class Faults:
    """Collects faults so that a user can mend a table in one go instead of one at a time.

    Attributes:
        messages: what is wrong so far.
        positions: for each row that is looked at, its place in the file (from 0), so that
            messages name the rows of the file even if a filter picked some of them.
        missing_words: of a text file: column -> row of the file -> a word such as ``NA`` that was
            read as missing.
    """

    def __init__(self, positions: Sequence[int] | None = None) -> None:
        self.messages: list[str] = []
        self.positions = positions
        self.missing_words: Callable[[str], Mapping[int, str]] = _none

    def add(self, message: str) -> None:
        """Note one fault; ``message`` says what is wrong, where and what to do."""
        self.messages.append(message)

    def __bool__(self) -> bool:
        return bool(self.messages)

    def words(self, column: str, rows: Sequence[int]) -> dict[int, str]:
        """Which rows without a value in a column hold a word that was read as missing."""
        held = self.missing_words(column) if rows else {}
        places = {row: row if self.positions is None else self.positions[row] for row in rows}
        return {row: held[place] for row, place in places.items() if place in held}

    def rows(self, rows: Sequence[int], values: Iterable[object] | None = None) -> str:
        """The first few rows as text, counted from 1 after the header, with what they hold."""
        noun = "row" if len(rows) == 1 else "rows"
        known = self.positions
        places = [1 + (row if known is None else known[row]) for row in rows[:SHOWN]]
        if values is None:
            shown = [str(place) for place in places]
        else:
            pairs = zip(places, values, strict=False)
            shown = [f"{place} ({_short(value)})" for place, value in pairs]
        more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
        return f"{noun} {', '.join(shown)}{more}"

    def raise_if_any(self, subject: str) -> None:
        """Raise one error that lists all faults.

        Raises:
            UserError: if there are any.
        """
        if self.messages:
            count = len(self.messages)
            listed = "\n".join(f"  {i}. {text}" for i, text in enumerate(self.messages, start=1))
            raise UserError(f"{subject} has {counted(count, 'problem')}:\n{listed}")


def _none(column: str) -> Mapping[int, str]:
    return {}


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
