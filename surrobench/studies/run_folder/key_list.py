"""Keys of many cells: kept as one text, compared as arrays.

A study of a million cells has as many keys, in its plan and in the indices of its segments. As one
text of a known length each they are read in a twentieth of the time that a list takes, and how
many of them are finished is told by sorting numbers instead of looking up texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import groupby
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

_BYTES = 20
"""Bytes that the hexadecimal digits of a cell's key stand for."""
_WORDS = np.dtype([("first", "<u8"), ("second", "<u8"), ("third", "<u4")])
T = TypeVar("T")


class KeyList:
    """Keys in their order.

    Args:
        keys: one after another.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._texts: list[str] | None = list(keys)
        self._joined: tuple[str, int] | None = None

    @classmethod
    def read(cls, written: Any) -> KeyList:
        """From what :meth:`written` gave, or a list.

        Raises:
            ValueError: if it is neither.
        """
        if isinstance(written, list):
            return cls(written)
        text, length = written["joined"], written["length"]
        if not isinstance(text, str) or not isinstance(length, int) or length < 1:
            raise ValueError("not keys")
        if len(text) % length:
            raise ValueError(f"keys of {length} characters in a text of {len(text)}")
        made = cls(())
        made._texts, made._joined = None, (text, length)
        return made

    def written(self) -> Any:
        """For JSON: one text if all keys are as long as each other, or else a list."""
        if self._joined is None:
            lengths = set(map(len, self.texts))
            if len(lengths) != 1 or lengths == {0}:
                return self.texts
            self._joined = "".join(self.texts), lengths.pop()
        text, length = self._joined
        return {"length": length, "joined": text}

    @property
    def texts(self) -> list[str]:
        """The keys."""
        if self._texts is None:
            assert self._joined is not None
            text, length = self._joined
            self._texts = [text[at : at + length] for at in range(0, len(text), length)]
        return self._texts

    def __len__(self) -> int:
        if self._texts is None:
            assert self._joined is not None
            return len(self._joined[0]) // self._joined[1]
        return len(self._texts)

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    @cached_property
    def words(self) -> npt.NDArray[np.void] | None:
        """The keys as numbers; None if they are not those of cells."""
        text, length = self._joined or ("".join(self.texts), 2 * _BYTES)
        if length != 2 * _BYTES or len(text) != length * len(self) or not text.isascii():
            return None
        try:
            content = bytes.fromhex(text)
        except ValueError:
            return None
        if len(content) != _BYTES * len(self) or text.lower() != text:
            return None  # spaces between digits are left out, and capitals are other keys
        return np.frombuffer(content, dtype=_WORDS)


Numbers = npt.NDArray[np.int_]
Valued = tuple[KeyList, Numbers]


def latest_of(wanted: KeyList, parts: Sequence[Valued]) -> Numbers:
    """The value of every key in the last part that has it.

    Args:
        wanted: the keys.
        parts: keys and their values; later parts go before earlier ones, as do later keys of a
            part.

    Returns:
        The values in the order of ``wanted``; -1 where no part has the key.
    """
    every = [keys.words for keys, _ in parts]
    mine = wanted.words
    if mine is None or any(words is None for words in every):
        return _looked_up(wanted, parts)
    words = [each for each in every if each is not None]
    known = np.concatenate([np.empty(0, _WORDS), *words])[::-1]
    values = np.concatenate([np.empty(0, np.int64), *(values for _, values in parts)])[::-1]
    order, first = _sorted(known["first"])  # of equal ones, the latest comes first
    if not len(first):
        return np.full(len(wanted), -1)
    shuffled, asked = _sorted(mine["first"])  # looked up in order: quicker
    at = np.minimum(np.searchsorted(first, asked), len(first) - 1)
    alike, order = first[at] == asked, order[at]
    same = (known["second"][order] == mine["second"][shuffled]) & (
        known["third"][order] == mine["third"][shuffled]
    )
    if (alike & ~same).any():  # other keys with the same first half
        return _looked_up(wanted, parts)
    found = np.empty(len(wanted), np.int64)
    found[shuffled] = np.where(alike, values[order], -1)
    return found


def _sorted(numbers: npt.NDArray[np.uint64]) -> tuple[Numbers, npt.NDArray[np.uint64]]:
    """The order of numbers, equal ones as they come, and the numbers in it."""
    numbers = np.ascontiguousarray(numbers)
    order = np.argsort(numbers)
    if (np.diff(numbers[order]) == 0).any():  # which order they have is left open
        order = np.argsort(numbers, kind="stable")
    return order, numbers[order]


def _looked_up(wanted: KeyList, parts: Sequence[Valued]) -> Numbers:
    known: dict[str, int] = {}
    for keys, values in parts:
        known.update(zip(keys, values.tolist(), strict=True))
    return np.fromiter((known.get(key, -1) for key in wanted), dtype=np.int64, count=len(wanted))


def in_runs(values: Iterable[T]) -> list[tuple[T, int]]:
    """Equal values that follow each other, and how many they are."""
    return [(value, sum(1 for _ in run)) for value, run in groupby(values)]


def out_of_runs(runs: Iterable[tuple[T, int]]) -> list[T]:
    """The values of which :func:`in_runs` was made."""
    return [value for value, count in runs for _ in range(count)]
