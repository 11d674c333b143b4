"""Reading the rows of a table from Parquet, CSV or TSV, without ever running code from them."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from surrobench.errors import UserError, did_you_mean

TABLES_VARIABLE = "SURROBENCH_TABLES"
SEPARATORS = {".csv": ",", ".tsv": "\t"}
READABLE = (".parquet", *SEPARATORS)
RUNS_CODE = {".pkl", ".pickle", ".pt", ".pth", ".pd", ".npy", ".npz", ".joblib", ".bench"}
PICKLE_STARTS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def find_data(data: str, folder: Path) -> Path:
    """The file of a card: beside the card, else in a folder of SURROBENCH_TABLES.

    Raises:
        UserError: saying where it was looked for, or that its kind of file is not read.
    """
    suffix = Path(data).suffix.lower()
    if suffix in RUNS_CODE:
        raise UserError(
            f"{data}: {suffix} files can run code when they are opened, so they are not read; "
            "save the table as Parquet or CSV."
        )
    if suffix not in READABLE:
        raise UserError(f"{data}: the kind of file is not known; use {', '.join(READABLE)}.")
    folders = [folder]
    if not Path(data).is_absolute():
        listed = os.environ.get(TABLES_VARIABLE, "")
        folders += [Path(entry) for entry in listed.split(os.pathsep) if entry]
    for candidate in folders:
        if (candidate / data).is_file():
            return candidate / data
    raise UserError(
        f"{data}: no such file; looked in {', '.join(str(entry) for entry in folders)}. "
        f"Put it beside its card or name its folder in {TABLES_VARIABLE}."
    )


def read_columns(path: Path, columns: list[str]) -> tuple[pa.Table, list[str]]:
    """Read the columns that exist; also return the ones that do not, each with near names.

    Raises:
        UserError: if the file is not what its name says.
    """
    with path.open("rb") as stream:
        if stream.read(2) in PICKLE_STARTS:
            raise UserError(f"{path} is a pickle, which can run code, so it is not read.")
    wanted = list(dict.fromkeys(columns))
    try:
        table = _read_parquet(path, wanted) if path.suffix.lower() == ".parquet" else _read(path)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"cannot read {path}: {str(error).splitlines()[0]}") from error
    names = table.schema.names
    twice = sorted({name for name in wanted if names.count(name) > 1})
    if twice:
        raise UserError(f"{path} has more than one column named {', '.join(map(repr, twice))}.")
    present = [name for name in wanted if name in names]
    every = _all_names(path, names)
    missing = [
        f"there is no column {name!r}. {did_you_mean(name, every)}"
        for name in wanted
        if name not in names
    ]
    return table.select(present), missing


def _read_parquet(path: Path, wanted: list[str]) -> pa.Table:
    file = pq.ParquetFile(path)
    names = set(file.schema_arrow.names)
    return file.read(columns=[name for name in wanted if name in names], use_threads=False)


def _all_names(path: Path, read: list[str]) -> list[str]:
    if path.suffix.lower() == ".parquet":
        return list(pq.read_schema(path).names)
    return read


def _read(path: Path) -> pa.Table:
    return pacsv.read_csv(
        path,
        read_options=pacsv.ReadOptions(use_threads=False),
        parse_options=pacsv.ParseOptions(
            delimiter=SEPARATORS[path.suffix.lower()], newlines_in_values=True
        ),
        convert_options=pacsv.ConvertOptions(strings_can_be_null=True),
    )
