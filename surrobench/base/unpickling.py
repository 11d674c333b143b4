"""Reading pickles of known content without running them.

A pickle is a program. This reader refuses every opcode and every name that is not listed, and gives
listed names inert stand-ins, so no function of another package is ever called.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable, Collection, Mapping
from typing import Any

PLAIN_OPCODES = frozenset(
    (
        "PROTO",
        "FRAME",
        "STOP",
        "MARK",
        "MEMOIZE",
        "BINGET",
        "LONG_BINGET",
        "NONE",
        "NEWFALSE",
        "NEWTRUE",
        "BININT",
        "BININT1",
        "BININT2",
        "SHORT_BINUNICODE",
        "BINUNICODE",
        "SHORT_BINBYTES",
        "BINBYTES",
        "EMPTY_TUPLE",
        "TUPLE",
        "TUPLE1",
        "TUPLE2",
        "TUPLE3",
        "EMPTY_LIST",
        "APPEND",
        "APPENDS",
        "EMPTY_DICT",
        "SETITEM",
        "SETITEMS",
        "STACK_GLOBAL",
        "REDUCE",
        "BUILD",
    )
)
"""What plain values and calls of stand-ins are written with, in every pickle that is read here."""

StandIns = Mapping[tuple[str, str], type | Callable[..., Any]]
"""``(module, name)`` as the pickle asks for it -> what it gets instead."""


class Stated:
    """Stands in for an object whose content arrives as its state."""

    state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class Label:
    """Stands in for a class that the pickle only names."""


def load_inert(
    content: bytes, stand_ins: StandIns, opcodes: Collection[str], *, encoding: str = "ASCII"
) -> Any:
    """What the pickle builds out of plain values and stand-ins.

    Args:
        content: the bytes of the file.
        stand_ins: every name that it may ask for.
        opcodes: every opcode that it may use.
        encoding: of the texts of Python 2; ``"bytes"`` leaves them bytes.

    Raises:
        pickle.UnpicklingError: for any other name or opcode. A hostile pickle can make this fail
            with other exceptions too: catch ``Exception``.
    """
    for opcode, _, position in pickletools.genops(content):
        if opcode.name not in opcodes:
            raise pickle.UnpicklingError(f"opcode {opcode.name} at byte {position} is not allowed")
    return _Reader(content, stand_ins, encoding).load()


class _Reader(pickle.Unpickler):
    def __init__(self, content: bytes, stand_ins: StandIns, encoding: str) -> None:
        super().__init__(io.BytesIO(content), encoding=encoding)
        self._stand_ins = stand_ins

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._stand_ins[module, name]
        except (KeyError, TypeError):
            raise pickle.UnpicklingError(f"it asks for {module}.{name}") from None

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it asks for an object from outside")
