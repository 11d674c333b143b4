"""The one exception that a user is meant to read, and how exceptions of others are told."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

_MANY = 40
"""So many names are still read; a longer list is told by its families."""
_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class UserError(Exception):
    """Bad input that the user can put right.

    The message names the offending file, column or option, says what is wrong with it and what to
    do. The command line prints it without a traceback and exits with status 1.

    Example:
        >>> from surrobench import UserError, load_task
        >>> try:
        ...     load_task("live-transformer/motiv")
        ... except UserError as error:
        ...     print(error)
        unknown task 'live-transformer/motiv'. Did you mean 'live-transformer/motifs'...?
    """


class DamagedStoreError(UserError):
    """A file of surrobench's own is no longer what was written.

    The message names it and says how to heal it. The command line exits with status 4.
    """


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """Return a sentence that suggests the nearest valid names, or lists them all.

    Of many names that form families (``family/member``), a list holds the families alone.
    """
    import difflib

    choices = sorted(valid)
    near = difflib.get_close_matches(name, choices, n=3, cutoff=0.5)
    if near:
        return "Did you mean " + " or ".join(repr(choice) for choice in near) + "?"
    if len(choices) > _MANY:
        families = {choice.partition("/")[0] for choice in choices if "/" in choice}
        choices = [name for name in choices if name.partition("/")[0] not in families]
        choices = sorted([*choices, *(f"{family}/…" for family in families)])
    return "Valid names: " + (", ".join(choices) if choices else "none") + "."


def near_path(path: os.PathLike[str] | str) -> str:
    """A sentence that suggests what lies beside a path that does not exist; "" if nothing is near.

    It ends with a space, so that another sentence may follow.
    """
    import difflib
    from pathlib import Path

    place = Path(path)
    if place.exists() or not place.parent.is_dir():
        return ""
    beside = sorted(one.name for one in place.parent.iterdir())
    near = difflib.get_close_matches(place.name, beside, n=1, cutoff=0.6)
    return f"Did you mean {str(place.with_name(near[0]))!r}? " if near else ""


def printable(text: str) -> str:
    r"""The text with everything that no file or terminal bears written as an escape.

    That is half a surrogate pair (bytes that were no text, read by Python as ``\udcff``), and
    control characters other than tabs and ends of lines.
    """
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text if text.isprintable() else _CONTROL.sub(lambda c: f"\\x{ord(c[0]):02x}", text)


def text_of(error: BaseException) -> str:
    """What an exception says, whatever its ``__str__`` does."""
    try:
        return printable(str(error))
    except Exception as another:
        return f"(its text cannot be made: {type(another).__name__})"


def place_of(error: BaseException) -> str:
    """``file:line`` where code from outside this package raised; "" if there was none.

    Where a library raised because of what was handed to it, that is the line that called it.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    import traceback

    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((_OWN, "<frozen"))
    ]
    written = [frame for frame in frames if not frame.filename.startswith(_libraries())]
    chosen = written[-1:] or frames[:1]
    return "".join(f"{frame.filename}:{frame.lineno}" for frame in chosen)


def is_of_others(error: BaseException) -> bool:
    """Whether it was raised in, or below, code that is neither ours nor of an installed package."""
    import traceback

    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    return any(not file.startswith((_OWN, "<frozen", *_libraries())) for file in files)


def _libraries() -> tuple[str, ...]:
    import sysconfig

    paths = sysconfig.get_paths()
    return paths["stdlib"], paths["purelib"], paths["platlib"]


def fault(error: BaseException) -> str:
    """One line about what code of others raised, with its place."""
    said = " ".join(text_of(error).split())
    where = place_of(error)
    name = type(error).__name__
    return (f"{name}: {said}" if said else name) + (f" [{printable(where)}]" if where else "")
