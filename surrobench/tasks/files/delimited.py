"""Text files of separated fields: encoding, separator and the forms of numbers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from surrobench.base.decoding import marked_encoding
from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.tasks.files.faults import Faults
from surrobench.tasks.files.number_forms import Dialect, numbers_in

SEPARATORS = {".csv": ",", ".tsv": "\t"}
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_OTHERS = (",", ";", "\t", "|")
_EXACT_FLOATS = 2.0**53


def read_delimited(
    path: Path, wanted: Collection[str], dialect: Dialect, lists: Collection[str] = ()
) -> pa.Table:
    """Read a CSV or TSV file, perhaps compressed.

    Args:
        path: of the file.
        wanted: columns that are looked for; they help to find the separator.
        dialect: what the card states.
        lists: columns whose texts hold several values, in which commas separate.

    Raises:
        UserError: if its characters cannot be read.
        ValueError: if its rows differ in length, or it is otherwise no table.
    """
    content, separator = _text(path, wanted, dialect)
    _check_quotes(content, separator)
    options = pacsv.ConvertOptions(strings_can_be_null=True, decimal_point=dialect.decimal or ".")
    table = _arrow(content, separator, options)
    options.column_types = _exact_types(table)
    if options.column_types:
        with suppress(ValueError):  # beyond any integer it stays with floats
            table = _arrow(content, separator, options)
    return _with_numbers(table, [name for name in wanted if name not in lists], dialect, separator)


def words_for_missing(
    path: Path, wanted: Collection[str], dialect: Dialect, column: str
) -> dict[int, str]:
    """Rows (from 0) of a column that hold a word such as ``NA`` or ``nan``, which is read as null.

    Args:
        path: of a file that :func:`read_delimited` has read with these arguments.
        wanted: likewise.
        dialect: likewise.
        column: one of the file.
    """
    content, separator = _text(path, wanted, dialect)
    options = pacsv.ConvertOptions(include_columns=[column], column_types={column: pa.string()})
    texts = _arrow(content, separator, options)[column].to_pylist()
    known = set(options.null_values)
    return {row: text for row, text in enumerate(texts) if text and text in known}


def _text(path: Path, wanted: Collection[str], dialect: Dialect) -> tuple[bytes, str]:
    """The content as UTF-8, and the separator."""
    content = _as_utf8(_content(path), path, dialect)
    head = content[: content.find(b"\n") if b"\n" in content else len(content)].decode()
    return content, dialect.separator or _separator(head, _default(path), wanted)


def _arrow(content: bytes, separator: str, options: pacsv.ConvertOptions) -> pa.Table:
    try:
        return pacsv.read_csv(
            pa.BufferReader(content),
            read_options=pacsv.ReadOptions(use_threads=False),
            parse_options=pacsv.ParseOptions(delimiter=separator, newlines_in_values=True),
            convert_options=options,
        )
    except pa.ArrowInvalid as error:
        raise ValueError(_explained(str(error), separator)) from error


def _check_quotes(content: bytes, separator: str) -> None:
    """Refuse a text that is opened and never closed: Arrow would take the other rows for its end.

    Raises:
        ValueError: if there is one, with its row.
    """
    if content.count(b'"') % 2 == 0:
        return
    reader = csv.reader(io.StringIO(content.decode()), delimiter=separator, strict=True)
    row = 0
    try:
        for _ in reader:
            row += 1
    except csv.Error as error:
        # The text may also become longer than the library lets a field be.
        if "end of data" in str(error) or "field limit" in str(error):
            raise ValueError(
                f"the text that a quotation mark opens in row {row:,} is never closed, so that all "
                "rows that follow would be part of it; close it, or double a mark within a text."
            ) from error


def _explained(message: str, separator: str) -> str:
    """What Arrow says of a file that is no table, with data rows counted as everywhere else."""
    if "Empty CSV file" in message:
        return "it has no rows; a table has a header and a row for each architecture."
    found = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", message)
    if found is None:
        return message.splitlines()[0]
    row, expected, got = map(int, found.groups())
    return (
        f"row {row - 1:,} has {counted(got, 'field')} and the header {expected:,}: a field is "
        f"{'missing' if got < expected else 'one too many'}; was the file cut, or does a text hold "
        f"the separator {separator!r} without quotation marks?"
    )


def _exact_types(table: pa.Table) -> dict[str, pa.DataType]:
    """Whole numbers beyond 64 bits were read as floats, which merges neighbours: read anew."""
    found: dict[str, pa.DataType] = {}
    for name in table.schema.names:
        if table.schema.names.count(name) > 1 or not pa.types.is_float64(table[name].type):
            continue
        known = table[name].drop_null().to_numpy()
        if (
            len(known)
            and (known == known.round()).all()
            and _EXACT_FLOATS < abs(known).max() < np.inf
        ):
            found[name] = pa.decimal128(38, 0)
    return found


def _content(path: Path) -> bytes:
    compression = COMPRESSIONS.get(path.suffix.lower())
    with pa.input_stream(str(path), compression=compression) as stream:
        return bytes(stream.read())


def _default(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return next(SEPARATORS[suffix] for suffix in reversed(suffixes) if suffix in SEPARATORS)


def _as_utf8(raw: bytes, path: Path, dialect: Dialect) -> bytes:
    encoding = dialect.encoding or marked_encoding(raw)
    if encoding is not None:
        try:
            return raw.decode(encoding).removeprefix("\ufeff").encode()
        except (LookupError, UnicodeError) as error:
            raise UserError(f"{path} cannot be read as {encoding}: {error}.") from error
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(
            f"{path} is not UTF-8 ({_undecodable(raw, path)}); save it as UTF-8, or say how its "
            'characters are encoded with encoding = "cp1252" (Western European Windows), for '
            "example, in the card."
        ) from None
    return raw


def _undecodable(raw: bytes, path: Path) -> str:
    """Where the bytes are that are no UTF-8: columns with their rows."""
    text = raw.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
    separator = _separator(text.partition("\n")[0], _default(path), ())
    rows = _rows(io.StringIO(text), separator)
    header = next(rows, [])
    found: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        for name, field in zip(header, row, strict=False):
            if not _is_utf8(field):
                found.setdefault(name, []).append(number)
    places = [f"column {name!r}, {Faults().rows(where)}" for name, where in found.items()]
    return "; ".join(places) or "in its header"


def _rows(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    """Lines split into fields, up to one that Python's reader refuses (such as a huge field)."""
    with suppress(csv.Error):
        yield from csv.reader(lines, delimiter=separator)


def _is_utf8(text: str) -> bool:
    try:
        text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _separator(head: str, default: str, wanted: Collection[str]) -> str:
    """What splits the header into the names that are looked for, else into most names."""
    candidates = [default, *(other for other in _OTHERS if other != default)]
    names = {one: _fields(head, one) for one in candidates}
    found = {one: sum(name in names[one] for name in wanted) for one in candidates}
    if any(found.values()):
        return max(candidates, key=found.__getitem__)
    return max(candidates, key=lambda one: len(names[one]))


def _fields(head: str, separator: str) -> list[str]:
    return next(_rows([head.replace("\r", "\n").rstrip("\n")], separator), [])


def _with_numbers(
    table: pa.Table, wanted: Sequence[str], dialect: Dialect, separator: str
) -> pa.Table:
    """The table with columns of numbers as numbers; one decimal comma speaks for the whole file."""
    texts = [
        name
        for name in dict.fromkeys(wanted)
        if table.schema.names.count(name) == 1 and pa.types.is_string(table[name].type)
    ]
    commas = separator != ","
    for name in texts:
        table = _replaced(table, name, numbers_in(table[name], dialect, commas))
    found = [name for name in texts if pa.types.is_float64(table[name].type)]
    points = any(
        pa.types.is_float64(table[name].type)
        for name in table.schema.names
        if table.schema.names.count(name) == 1 and name not in texts
    )
    if commas and found and not points and dialect.decimal is None and dialect.thousands is None:
        stated = replace(dialect, decimal=",")
        for name in texts:
            if pa.types.is_string(table[name].type):
                table = _replaced(table, name, numbers_in(table[name], stated, commas))
    return table


def _replaced(table: pa.Table, name: str, column: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, column)
