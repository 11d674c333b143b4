"""Numbers in sentences: what is counted agrees with how many there are."""

from __future__ import annotations


def counted(count: float, one: str, many: str | None = None) -> str:
    """A number and what it counts, such as ``1 cell`` or ``1,600 cells``.

    Args:
        count: how many, at least 0; digits are grouped by thousands.
        one: the words behind 1, which may go on with a verb (``"cell is"``).
        many: the words behind any other number; by default ``one`` with an s.
    """
    number = f"{int(count):,}" if float(count).is_integer() else f"{count:,g}"
    return f"{number} {one_or_many(count, one, f'{one}s' if many is None else many)}"


def name_of_function(function: object, otherwise: str) -> str:
    """What a function is called where it was written; ``otherwise`` if it has no name there."""
    name = getattr(function, "__name__", "")
    return name if isinstance(name, str) and name.isidentifier() else otherwise


def one_or_many(count: float, one: str, many: str) -> str:
    """The words that agree with a number: ``one`` with 1, ``many`` with any other."""
    return one if count == 1 else many
