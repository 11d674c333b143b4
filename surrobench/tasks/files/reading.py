"""Reading the rows of a table from a file, without ever running code from it."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

from surrobench.base.paths import expanded, is_file
from surrobench.errors import UserError, did_you_mean
from surrobench.tasks.files.arrow_types import simplified
from surrobench.tasks.files.delimited import (
    COMPRESSIONS,
    SEPARATORS,
    read_delimited,
    words_for_missing,
)
from surrobench.tasks.files.number_forms import Dialect

TABLES_VARIABLE = "SURROBENCH_TABLES"
_ARROW = (".feather", ".arrow")
_JSON = (".json", ".jsonl", ".ndjson")
READABLE = (".parquet", *SEPARATORS, *_JSON, *_ARROW)
RUNS_CODE = {".pkl", ".pickle", ".pt", ".pth", ".pd", ".npy", ".npz", ".joblib", ".bench"}
PICKLE_STARTS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_STARTS = {
    b"PAR1": ("a Parquet table", (".parquet",)),
    b"ARROW1": ("a Feather table", _ARROW),
    b"\x1f\x8b": ("text compressed with gzip", (".gz",)),
    b"BZh": ("text compressed with bz2", (".bz2",)),
    b"\x28\xb5\x2f\xfd": ("text compressed with zstd", (".zst",)),
    b"PK\x03\x04": ("a zip archive or a spreadsheet", (".zip",)),
    b"\x89HDF": ("an HDF5 file", (".h5",)),
    b"SQLite f": ("an SQLite database", (".sqlite",)),
}
"""First bytes of kinds of files -> what they are, and the suffixes that say so."""
_CONVERTED_BY = {
    ".xlsx": "pandas.read_excel",
    ".xls": "pandas.read_excel",
    ".ods": "pandas.read_excel",
    ".h5": "pandas.read_hdf",
    ".hdf5": "pandas.read_hdf",
    ".orc": "pandas.read_orc",
    ".dta": "pandas.read_stata",
    ".sav": "pandas.read_spss",
    ".sas7bdat": "pandas.read_sas",
    ".xml": "pandas.read_xml",
    ".html": "pandas.read_html",
}


def kind_of_file(path: Path) -> str:
    """The suffix that says what a file holds, without that of its compression."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS and suffixes[-2:-1] != []:
        inner = suffixes[-2]
        return inner if inner in SEPARATORS or inner in _JSON else suffixes[-1]
    return suffixes[-1] if suffixes else ""


def find_data(data: str, folder: Path) -> Path:
    """The file of a card: beside the card, else in a folder of SURROBENCH_TABLES.

    Raises:
        UserError: saying where it was looked for, or that its kind of file is not read.
    """
    file = expanded(data)
    _refuse_folder(data, folder / file)
    check_kind(data, file)
    folders = [folder]
    if not file.is_absolute():
        listed = os.environ.get(TABLES_VARIABLE, "")
        folders += [expanded(entry) for entry in listed.split(os.pathsep) if entry]
    for candidate in folders:
        if is_file(candidate / file):
            return candidate / file
    raise UserError(
        f"{data}: no such file; looked in {', '.join(str(entry) for entry in folders)}. "
        f"Put it beside its card or name its folder in {TABLES_VARIABLE}."
    )


def _refuse_folder(data: str, path: Path) -> None:
    if os.path.isdir(path):
        raise UserError(f"{data}: this is a folder; name a file in it.")


def check_kind(data: str, file: Path) -> None:
    """Refuse kinds of files that are not read.

    Raises:
        UserError: saying what to do with it.
    """
    suffix = kind_of_file(file)
    if suffix in RUNS_CODE:
        raise UserError(
            f"{data}: {suffix} files can run code when they are opened, so they are not read; "
            "save the table as Parquet or CSV."
        )
    if suffix in _CONVERTED_BY:
        raise UserError(
            f"{data}: {suffix} files are not read; convert it once, for example with "
            f'{_CONVERTED_BY[suffix]}("{data}").to_parquet("{Path(data).stem}.parquet"), or save '
            "it as CSV."
        )
    if suffix not in READABLE:
        readable = ", ".join(READABLE)
        raise UserError(
            f"{data}: the kind of file is not known; use {readable} (text files may be compressed "
            f"with {', '.join(COMPRESSIONS)})."
        )


def _check_start(path: Path) -> None:
    """Refuse a pickle, and a file whose first bytes are those of another kind than its name."""
    try:
        with path.open("rb") as stream:
            start = stream.read(8)
    except OSError:
        return  # whoever reads it says what is wrong
    if start[:2] in PICKLE_STARTS:
        raise UserError(f"{path} is a pickle, which can run code, so it is not read.")
    suffix = path.suffix.lower()
    kind, suffixes = next(
        (about for magic, about in _STARTS.items() if start.startswith(magic)), ("", (suffix,))
    )
    if suffix not in suffixes:
        name = path.name if suffixes[0] in COMPRESSIONS else path.stem
        known = suffixes[0] in (*READABLE, *COMPRESSIONS)
        remedy = f"rename it to {name}{suffixes[0]}" if known else "save it as Parquet or CSV"
        raise UserError(f"{path} holds {kind}, not what its name says; {remedy}.")
    if start and not kind and suffix in COMPRESSIONS:
        raise UserError(
            f"{path} is not compressed with {COMPRESSIONS[suffix]}, as its name says; rename it to "
            f"{path.stem}."
        )


def read_columns(
    path: Path,
    columns: list[str],
    dialect: Dialect | None = None,
    lists: Collection[str] = (),
    groups: list[int] | None = None,
) -> tuple[pa.Table, list[str]]:
    """Read the columns that exist; also return the ones that do not, each with near names.

    Args:
        path: of the file.
        columns: what is looked for.
        dialect: what is known of a text file.
        lists: columns whose texts hold several values.
        groups: read only these row groups of a Parquet file.

    Raises:
        UserError: if the file is not what its name says.
    """
    _check_start(path)
    wanted = list(dict.fromkeys(columns))
    try:
        table, every = _read(path, wanted, dialect or Dialect(), lists, groups)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UserError(
            f"cannot read {path}: {(str(error) or repr(error)).splitlines()[0]}"
        ) from error
    names = table.schema.names
    twice = sorted({name for name in wanted if names.count(name) > 1})
    if twice:
        raise UserError(f"{path} has more than one column named {', '.join(map(repr, twice))}.")
    missing = [
        f"there is no column {name!r}. {did_you_mean(name, every)}"
        for name in wanted
        if name not in names
    ]
    present = {name: simplified(table[name]) for name in wanted if name in names}
    return pa.table(present) if present else table.select([]), missing


def missing_words(
    path: Path, wanted: Collection[str], dialect: Dialect, column: str
) -> dict[int, str]:
    """Rows (from 0) of a column that hold a word which is read as missing, with it."""
    if kind_of_file(path) not in SEPARATORS:
        return {}
    return words_for_missing(path, wanted, dialect, column)


def column_names(path: Path, dialect: Dialect | None = None) -> list[str]:
    """Names of all columns of a file.

    Raises:
        UserError: if the file is not what its name says.
    """
    _refuse_folder(str(path), path)
    check_kind(path.name, path)
    _check_start(path)
    try:
        return _read(path, [], dialect or Dialect(), ())[1]
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UserError(
            f"cannot read {path}: {(str(error) or repr(error)).splitlines()[0]}"
        ) from error


def shape(
    path: Path, wanted: list[str], dialect: Dialect, lists: Collection[str] = ()
) -> tuple[int, int]:
    """Number of rows and of columns of a table; the arguments are those of :func:`read_columns`.

    Raises:
        UserError: if the file is not what its name says.
    """
    if kind_of_file(path) == ".parquet":
        try:
            footer = pq.read_metadata(path)
            return footer.num_rows, len(pq.read_schema(path).names)
        except (pa.ArrowException, OSError) as error:
            raise UserError(f"cannot read {path}: {error}.") from error
    table, _ = read_columns(path, wanted, dialect, lists)
    return len(table), len(_read(path, wanted, dialect, lists)[1])


def _read(
    path: Path,
    wanted: list[str],
    dialect: Dialect,
    lists: Collection[str],
    groups: list[int] | None = None,
) -> tuple[pa.Table, list[str]]:
    """The table, and the names of all columns of the file."""
    suffix = kind_of_file(path)
    if suffix == ".parquet":
        file = pq.ParquetFile(path)
        every = list(file.schema_arrow.names)
        found = [name for name in wanted if name in every]
        if groups is not None:
            return file.read_row_groups(groups, columns=found, use_threads=False), every
        return file.read(columns=found, use_threads=False), every
    if suffix in _ARROW:
        table = feather.read_table(path, memory_map=False)
    elif suffix in _JSON:
        table = _read_json(path)
    else:
        table = read_delimited(path, wanted, dialect, lists)
    return table, list(table.schema.names)


def _read_json(path: Path) -> pa.Table:
    """A list of objects, an object of columns, or one object a line."""
    compression = COMPRESSIONS.get(path.suffix.lower())
    with pa.input_stream(str(path), compression=compression) as stream:
        text = bytes(stream.read()).decode("utf-8-sig")
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        content = [json.loads(line) for line in text.splitlines() if line.strip()]
    if isinstance(content, dict):
        lengths = {len(value) for value in content.values() if isinstance(value, list | dict)}
        if len(lengths) == 1 and all(isinstance(v, list | dict) for v in content.values()):
            columns = {name: _cells(values) for name, values in content.items()}
            return pa.table({name: _array(values) for name, values in columns.items()})
        content = [content]
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise ValueError("a JSON table is a list of objects, one a row, or one object a line")
    names = dict.fromkeys(name for row in content for name in row)
    return pa.table({name: _array([row.get(name) for row in content]) for name in names})


def _cells(values: Any) -> list[Any]:
    return list(values.values()) if isinstance(values, dict) else list(values)


def _array(values: list[Any]) -> pa.Array:
    """A column; one that mixes kinds becomes text, so that its reader can name the rows."""
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError, TypeError):
        texts = [v if v is None or isinstance(v, str) else json.dumps(v) for v in values]
        return pa.array(texts, type=pa.string())
