"""Tables of pages, computed again cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from claim_data import Frames
from claim_list import Number, Part, Table
from claim_numbers import both, evaluate
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
    columns = [_column(table, heading) for heading in headings]
    rows = table.rows or _rows(table, frames)
    kept = {row[0]: row[1:] for row in old.cells[1:]}
    return [[part.heading, *_cells(table, part, columns, kept, frames)] for part in rows]


def _column(table: Table, heading: str) -> Part:
    for part in table.columns:
        if part.heading == heading:
            return part
    raise UserError(f"the column '{heading}' is neither computed nor unchecked")


def _rows(table: Table, frames: Frames) -> list[Part]:
    number = table.sort or next(iter(table.numbers.values()), None)
    number = number or next(iter(table.columns[0].numbers.values()))
    methods = list(table.labels) or sorted(frames[number.data][table.by].unique().tolist())
    if table.sort:
        where = {name: f"{table.by} == {name!r}" for name in methods}
        keys = {m: evaluate({"key": table.sort}, frames, where[m])["key"] for m in methods}
        methods = sorted(methods, key=lambda name: keys[name], reverse=table.descending)
    return [
        Part(heading=table.labels.get(name, f"`{name}`"), where=f"{table.by} == {name!r}")
        for name in methods
    ]


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
        values = evaluate(numbers, frames, both(row.where, column.where))
        cells.append(filled(template, values))
    return cells
