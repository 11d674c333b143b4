"""Columns in a handful of Arrow types, however a file stores them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def simplified(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The same values in a plain type.

    Extension types become their storage, run-length encodings are written out, every kind of text
    is ``string``, bytes that are UTF-8 as well, and every kind of list is ``list``. Dictionaries
    stay, because their order may mean something. Types that have no plain form stay as they are.
    """
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        storage = [chunk.storage for chunk in column.chunks]
        return simplified(pa.chunked_array(storage, type=kind.storage_type))
    if pa.types.is_run_end_encoded(kind):
        decoded = [pc.run_end_decode(chunk) for chunk in column.chunks]
        return simplified(pa.chunked_array(decoded, type=kind.value_type))
    if pa.types.is_dictionary(kind):
        plain = _plain(kind.value_type)
        return column if plain == kind.value_type else simplified(column.cast(kind.value_type))
    wanted = _plain(kind)
    if wanted == kind:
        return column
    try:
        return column.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return column  # bytes that are no text, for example


def is_temporal(kind: pa.DataType) -> bool:
    """Whether values of this type are dates, times of day or moments."""
    checks = (pa.types.is_date, pa.types.is_time, pa.types.is_timestamp)
    return any(check(kind) for check in checks)


def is_opaque(kind: pa.DataType) -> bool:
    """Whether values of this type have no plain meaning: bytes, unions, calendar intervals."""
    checks = (
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_fixed_size_binary,
        pa.types.is_binary_view,
        pa.types.is_union,
        pa.types.is_interval,
    )
    return any(check(kind) for check in checks)


def plain_values(column: pa.ChunkedArray) -> list[object]:
    """Python objects; moments and times of day as ISO texts, which no precision is lost in."""
    if is_temporal(column.type):
        column = column.cast(pa.string())
    return list(column.to_pylist())


def _plain(kind: pa.DataType) -> pa.DataType:
    """The simplest type that holds the same values, element types included."""
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(kind.storage_type)
    texts = (pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary)
    more = (pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary)
    if any(check(kind) for check in (*texts, *more)):
        return pa.string()
    lists = (
        pa.types.is_list,
        pa.types.is_large_list,
        pa.types.is_list_view,
        pa.types.is_large_list_view,
        pa.types.is_fixed_size_list,
    )
    if any(check(kind) for check in lists):
        return pa.list_(_element(kind.value_type))
    return kind


def _element(kind: pa.DataType) -> pa.DataType:
    """The type of list elements: also dictionaries are written out, and moments are texts."""
    if pa.types.is_dictionary(kind):
        return _element(kind.value_type)
    return pa.string() if is_temporal(kind) else _plain(kind)
