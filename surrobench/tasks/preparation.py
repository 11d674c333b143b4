"""Published tables: from raw files to one Parquet file in the user's cache."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import filelock
import pyarrow as pa
import pyarrow.parquet as pq

from surrobench.base.paths import is_file
from surrobench.base.registry import import_attribute
from surrobench.base.sealed import fits_beside, write_beside
from surrobench.errors import UserError, did_you_mean
from surrobench.tasks.files.reading import check_kind, shape
from surrobench.tasks.files.sources import Progress, cache_folder, fetch, locate
from surrobench.tasks.recipes import RECIPES, Recipe
from surrobench.tasks.tables.card import Card

STAMP = b"surrobench"
ROWS_TOGETHER = 2**15
"""Rows in one part of a converted file; a task of many pools reads the parts that it needs."""
LOCK_SECONDS = 600


@dataclass(frozen=True)
class Prepared:
    """A published table that is ready for use.

    Attributes:
        name: of its card.
        path: the converted Parquet file, or the published one if it is a table as it is.
        rows: number of rows.
        columns: number of columns.
        licences: repository, package or host -> licence of its files.
        citation: what to cite.
        bibtex: the same, for LaTeX.
    """

    name: str
    path: Path
    rows: int
    columns: int
    licences: Mapping[str, str]
    citation: str
    bibtex: str


def prepare_card(card: Card, progress: Progress | None = None) -> Prepared:
    """Fetch, verify and convert the raw files of a published table, unless that was done before.

    Raises:
        UserError: if a file cannot be had or is not the published one.
    """
    path = table_file(card, download=True, progress=progress)
    rows, columns = shape(path, card.columns, card.dialect, card.list_columns)
    return Prepared(
        name=card.name,
        path=path,
        rows=rows,
        columns=columns,
        licences={source.origin: source.licence for source in card.sources.values()},
        citation=card.citation,
        bibtex=card.bibtex,
    )


def table_file(card: Card, *, download: bool = False, progress: Progress | None = None) -> Path:
    """The file with the rows of a published table: converted, or as it was published.

    Raises:
        UserError: if raw files are missing and ``download`` is off, or are of no use.
    """
    if (source := card.published) is None:
        return converted(card, download=download, progress=progress)
    check_kind(source.label, Path(source.name))
    path = fetch(source, progress) if download else locate(source)
    if path is None:
        raise _absent(card)
    return path


def _absent(card: Card) -> UserError:
    bundled = card.recipe is not None and card.recipe == card.name
    named = card.name if bundled else "path/to/its-card.toml"
    return UserError(
        f"the table {card.name!r} is not on this machine yet; run: surrobench prepare {named}"
    )


def converted(card: Card, *, download: bool = False, progress: Progress | None = None) -> Path:
    """The converted table of a card; converts it if its raw files are at hand.

    Raises:
        UserError: if raw files are missing and ``download`` is off, saying which command helps.
    """
    stamp = _stamp(card)
    folder = cache_folder() / "converted"
    key = hashlib.sha256(stamp.encode()).hexdigest()[:12]
    target = folder / f"{card.name}-{key}.parquet"
    if _is_current(target, stamp):
        return target
    files = {
        name: fetch(source, progress) if download else locate(source)
        for name, source in card.sources.items()
    }
    if None in files.values():
        raise _absent(card)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / f"{card.name}.lock", timeout=LOCK_SECONDS):
            if not _is_current(target, stamp):
                found = {name: path for name, path in files.items() if path is not None}
                _write(import_attribute(_recipe(card).target)(found), target, stamp)
    except filelock.Timeout as error:
        raise UserError(
            f"another process has been converting {card.name!r} for {LOCK_SECONDS} s; try later."
        ) from error
    except OSError as error:
        raise UserError(
            f"cannot write to the cache {folder}: {error.strerror}. Name another folder in "
            "SURROBENCH_CACHE."
        ) from error
    return target


def _stamp(card: Card) -> str:
    """What the converted file depends on: the recipe, its version and the raw files."""
    checksums = {name: source.sha256 for name, source in sorted(card.sources.items())}
    content = {"recipe": card.recipe, "version": _recipe(card).version, "sources": checksums}
    return json.dumps(content, sort_keys=True)


def _recipe(card: Card) -> Recipe:
    if card.recipe is None:
        raise UserError(f"the card {card.name!r} names its own data file; nothing to prepare.")
    if card.recipe not in RECIPES:
        known = did_you_mean(card.recipe, RECIPES)
        raise UserError(f"the card {card.name!r}: unknown recipe {card.recipe!r}. {known}")
    return RECIPES[card.recipe]


def _is_current(path: Path, stamp: str) -> bool:
    """Whether the file is there, undamaged and made by this recipe from these raw files."""
    try:
        if not is_file(path) or not fits_beside(path):
            return False
        metadata = pq.read_schema(path).metadata or {}
    except (pa.ArrowException, OSError):
        return False
    return metadata.get(STAMP, b"").decode() == stamp


def _write(table: pa.Table, target: Path, stamp: str) -> None:
    """Write the table, and its checksum beside it."""
    metadata = {**(table.schema.metadata or {}), STAMP: stamp.encode()}
    content = io.BytesIO()
    stamped = table.replace_schema_metadata(metadata)
    pq.write_table(stamped, content, compression="zstd", row_group_size=ROWS_TOGETHER)
    write_beside(target, content.getvalue())
