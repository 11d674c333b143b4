"""Columns of a table as float arrays, with a precise account of what is not a number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from surrobench.arrays import FloatArray, IntArray
from surrobench.tasks.files.arrow_types import plain_values

_WHOLE_FLOATS = 2**53
"""Up to here every whole number is a float of its own."""


@dataclass(frozen=True)
class Numbers:
    """A column read as numbers.

    Attributes:
        values: shape ``n`` for a plain column, ``n x k`` for a list-valued one (short lists are
            filled up with NaN); null is NaN.
        words: rows that hold something that is not a number, with what they hold.
    """

    values: FloatArray
    words: dict[int, object]

    @property
    def infinite(self) -> list[int]:
        """Rows that hold an infinite number."""
        infinite = np.isinf(self.values)
        return np.flatnonzero(infinite if infinite.ndim == 1 else infinite.any(axis=1)).tolist()


def numbers(column: pa.ChunkedArray) -> Numbers:
    """Read a numeric, boolean, textual or list-valued column as numbers."""
    flat = _one_piece(column)
    if pa.types.is_dictionary(flat.type):
        flat = flat.dictionary_decode()
    if is_list(flat.type):
        return _list_numbers(flat)
    if is_number(flat.type):
        return Numbers(_floats(flat), {})
    return _parsed(plain_values(pa.chunked_array([flat])))


def list_lengths(column: pa.ChunkedArray) -> IntArray:
    """Number of elements of each list; -1 where there is no list."""
    lengths = pc.list_value_length(_one_piece(column)).fill_null(-1)
    return np.asarray(lengths.to_numpy(zero_copy_only=False), dtype=np.int64)


def _one_piece(column: pa.ChunkedArray) -> pa.Array:
    flat = column.combine_chunks()
    if isinstance(flat, pa.ChunkedArray):
        return flat.chunk(0) if flat.num_chunks else pa.array([], type=column.type)
    return flat


def exactly(column: pa.ChunkedArray) -> bool:
    """Whether different numbers of a plain column stay different as floats."""
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        return True
    known = column.drop_null()
    if pa.types.is_integer(kind):
        ends = pc.min_max(known).as_py()
        if ends["min"] is None or max(-ends["min"], ends["max"]) <= _WHOLE_FLOATS:
            return True
    floats = np.unique(_floats(_one_piece(known)))
    return len(floats) == int(pc.count_distinct(known).as_py())


def is_number(kind: pa.DataType) -> bool:
    """Whether values of this type are numbers (truth values count as 0 and 1)."""
    checks = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
    return any(check(kind) for check in checks)


def is_list(kind: pa.DataType) -> bool:
    """Whether values of this type are lists of any kind."""
    checks = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(check(kind) for check in checks)


def _floats(array: pa.Array) -> FloatArray:
    cast = array.cast(pa.float64(), safe=False)
    return np.asarray(cast.to_numpy(zero_copy_only=False), dtype=np.float64)


def _parsed(values: list[object]) -> Numbers:
    """Text as numbers; what cannot be read is NaN and listed."""
    parsed = np.full(len(values), np.nan)
    words: dict[int, object] = {}
    for row, value in enumerate(values):
        if value is None:
            continue
        try:
            parsed[row] = float(value) if isinstance(value, str | int | float) else np.nan
        except ValueError:
            words[row] = value
        else:
            if not isinstance(value, str | int | float):
                words[row] = value
    return Numbers(parsed, words)


def _list_numbers(array: pa.Array) -> Numbers:
    """Lists as a matrix whose short rows end in NaN."""
    if not is_number(array.type.value_type):
        rows = plain_values(pa.chunked_array([array]))
        return Numbers(np.full(len(rows), np.nan), {i: r for i, r in enumerate(rows) if r})
    counts = np.maximum(list_lengths(pa.chunked_array([array])), 0)
    width = int(counts.max()) if len(counts) else 0
    matrix = np.full((len(counts), width), np.nan)
    filled = pc.list_flatten(array)
    matrix[np.arange(width) < counts[:, None]] = _floats(filled)
    return Numbers(matrix, {})
