"""Tables of pages, computed again cell by cell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from claim_data import Frames
from claim_list import Number, Part, Table
from claim_numbers import NoRowsError, both, evaluate
from claim_pages import PageTable, filled, split_row, tables

from surrobench.errors import UserError


def computed(table: Table, old: PageTable, frames: Frames, root: Path) -> list[list[str]]:
    """The rows that a table should have; what is not checked stays as it is."""
    if table.copy_of:
        text = (root / table.copy_of).read_text(encoding="utf-8")
        copies = [t for t in tables(text + "\n") if t.header == old.header]
        if len(copies) != 1:
            raise UserError(f"{table.copy_of} has {len(copies)} tables with this header")
        return copies[0].cells[1:]
    headings = split_row(old.header)[1:]
    if [part.heading for part in table.columns] != headings:
        raise UserError(f"columns are computed or unchecked one by one: {', '.join(headings)}")
    columns = table.columns
    rows = table.rows or _rows(table, old, frames)
    kept = {row[0]: row[1:] for row in old.cells[1:]}
    return [[part.heading, *_cells(table, part, columns, kept, frames)] for part in rows]


def _rows(table: Table, old: PageTable, frames: Frames) -> list[Part]:
    """A row for every method of the data, or for those that have labels."""
    numbers = [*table.numbers.values(), *(n for c in table.columns for n in c.numbers.values())]
    known = sorted(frames[numbers[0].data][table.by].unique().tolist())
    labels = table.labels or {name: f"`{name}`" for name in known}
    methods = list(labels)
    if table.sort:
        keys = {name: _key(table, name, frames) for name in methods}
        methods.sort(key=lambda name: keys[name], reverse=table.descending)
    elif not table.labels:
        places = [row[0] for row in old.cells[1:]]
        methods.sort(key=lambda m: places.index(labels[m]) if labels[m] in places else len(places))
    return [Part(heading=labels[name], where=f"{table.by} == {name!r}") for name in methods]


def _key(table: Table, name: str, frames: Frames) -> float:
    number = table.sort
    assert number is not None
    if number.take == "rank":
        return evaluate({"key": number.model_copy(update={"of": name})}, frames)["key"]
    return evaluate({"key": number}, frames, f"{table.by} == {name!r}")["key"]


def _cells(
    table: Table, row: Part, columns: list[Part], kept: Mapping[str, list[str]], frames: Frames
) -> list[str]:
    cells = []
    for place, column in enumerate(columns):
        if row.unchecked or column.unchecked:
            cells.append(kept[row.heading][place] if row.heading in kept else "")
            continue
        template = row.cell or column.cell or table.cell
        numbers: dict[str, Number] = {**table.numbers, **column.numbers, **row.numbers}
        try:
            values = evaluate(numbers, frames, both(row.where, column.where))
        except NoRowsError:
            if not table.by or not _elsewhere(numbers, column, frames):
                raise
            values = {}
        known = not all(math.isnan(value) for value in values.values())
        cells.append(filled(template, values) if known else "–")
    return cells


def _elsewhere(numbers: Mapping[str, Number], column: Part, frames: Frames) -> bool:
    """Whether other rows have what a method lacks: the column is right, the method not in it."""
    try:
        evaluate(numbers, frames, column.where)
    except NoRowsError:
        return False
    return True
