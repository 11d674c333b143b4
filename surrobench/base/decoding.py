"""Text from bytes, by the byte-order mark that some editors and shells put first."""

from __future__ import annotations

MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
"""First bytes -> encoding."""


def marked_encoding(content: bytes) -> str | None:
    """The encoding that a byte-order mark names; None without one."""
    return next((name for mark, name in MARKS.items() if content.startswith(mark)), None)


def decoded(content: bytes) -> str:
    """The text, which is UTF-8 unless it starts with a mark; every line end becomes one character.

    Raises:
        UnicodeDecodeError: if it is something else.
    """
    text = content.decode(marked_encoding(content) or "utf-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")
