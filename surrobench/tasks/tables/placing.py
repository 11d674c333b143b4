"""Rows as architectures of a registered search space."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np
import pyarrow as pa

from surrobench.arrays import IntArray
from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.spaces.architecture import SearchSpace, Variable
from surrobench.tasks.files.arrow_types import plain_values
from surrobench.tasks.files.faults import Faults
from surrobench.tasks.tables.card import Card
from surrobench.tasks.tables.coding import NULL
from surrobench.tasks.tables.columns import is_list, numbers
from surrobench.tasks.tables.genotypes import parse_text


def codes_in_space(card: Card, frame: pa.Table, space: SearchSpace, faults: Faults) -> IntArray:
    """Choice indices ``N x d`` of rows in a known space; wrong rows are :data:`NULL` throughout.

    Whole numbers are choice indices, words are choice labels, and the ``architecture`` column is
    read with the space's own ``parse``.
    """
    if card.architecture is not None:
        codes = _parsed(card.architecture, frame.column(card.architecture), space, faults)
    else:
        names = [decision.column for decision in card.decision_list]
        columns = {name: frame.column(name) for name in names}
        codes = _by_column(names, columns, space, faults)
    if len(space) == prod(space.cardinalities):
        return codes  # every combination of choices is an architecture
    whole = np.flatnonzero((codes != NULL).all(axis=1))
    outside = [row for row in whole.tolist() if tuple(codes[row].tolist()) not in space]
    if outside:
        shown = faults.rows(outside, (tuple(codes[row].tolist()) for row in outside))
        faults.add(f"not an architecture of the space {space.name!r}: {shown}.")
        codes[outside] = NULL
    return codes


def _parsed(name: str, column: pa.ChunkedArray, space: SearchSpace, faults: Faults) -> IntArray:
    if is_list(column.type):
        return _by_column([name], {name: column}, space, faults)
    codes = np.full((len(column), len(space.variables)), NULL, dtype=np.int64)
    wrong: dict[int, str] = {}
    for row, text in enumerate(plain_values(column)):
        try:
            codes[row] = space.parse("" if text is None else str(text))
        except UserError as error:
            wrong[row] = str(error)
    if wrong:
        first = next(iter(wrong.values()))
        faults.add(
            f"column {name!r} holds {counted(len(wrong), 'architecture')} that the space "
            f"{space.name!r} "
            f"cannot read, in {faults.rows(list(wrong))}; the first: {first}"
        )
    return codes


def _by_column(
    names: list[str],
    columns: Mapping[str, pa.ChunkedArray],
    space: SearchSpace,
    faults: Faults,
) -> IntArray:
    """One column per variable, or fewer whose lists hold them all."""
    parts = [part for name in names for part in _spread(name, columns[name])]
    if len(parts) != len(space.variables):
        expected = ", ".join(variable.name for variable in space.variables)
        held = len(parts)
        faults.add(
            f"the space {space.name!r} has {counted(len(space.variables), 'variable')} "
            f"({expected}), but "
            f"'decisions' names {counted(len(names), 'column')}"
            + ("." if held == len(names) else f", which hold {counted(held, 'value')}.")
        )
        faults.raise_if_any(f"the table for the space {space.name!r}")
    chosen = [
        _choices(name, part, variable, faults)
        for (name, part), variable in zip(parts, space.variables, strict=True)
    ]
    return np.stack(chosen, axis=1)


def _spread(name: str, column: pa.ChunkedArray) -> list[tuple[str, pa.ChunkedArray]]:
    """A column of lists, or of texts that hold lists, element by element; others as they are."""
    kind = column.type
    rows = plain_values(column) if is_list(kind) or pa.types.is_string(kind) else []
    first = next((row for row in rows if row is not None), None)
    if isinstance(first, str):
        if first.lstrip()[:1] not in ("[", "("):
            return [(name, column)]
        rows = [_parsed_list(row) for row in rows]
    elif not is_list(kind):
        return [(name, column)]
    width = max((len(row) for row in rows if isinstance(row, list)), default=0)
    spread = [
        [row[i] if isinstance(row, list) and i < len(row) else None for row in rows]
        for i in range(width)
    ]
    return [(f"{name}[{i}]", _column(elements)) for i, elements in enumerate(spread)]


def _parsed_list(text: object) -> object:
    try:
        return None if text is None else parse_text(str(text))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None


def _column(elements: list[object]) -> pa.ChunkedArray:
    """Whole numbers are choice indices; anything else is a label."""
    if all(e is None or (isinstance(e, int) and not isinstance(e, bool)) for e in elements):
        return pa.chunked_array([pa.array(elements, type=pa.int64())])
    texts = [None if element is None else str(element) for element in elements]
    return pa.chunked_array([pa.array(texts, type=pa.string())])


def _choices(name: str, column: pa.ChunkedArray, variable: Variable, faults: Faults) -> IntArray:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_integer(kind):
        values = numbers(column).values
        codes = np.where(np.isfinite(values), np.nan_to_num(values, nan=NULL), NULL)
        codes[(codes < 0) | (codes >= len(variable.choices))] = NULL
    else:
        labels = [None if value is None else str(value) for value in plain_values(column)]
        index: dict[str | None, int] = {label: i for i, label in enumerate(variable.choices)}
        codes = np.array([index.get(label, NULL) for label in labels], dtype=np.float64)
    wrong = np.flatnonzero(codes == NULL).tolist()
    if wrong:
        shown = faults.rows(wrong, (column[row].as_py() for row in wrong))
        faults.add(
            f"column {name!r} has values that are not choices of {variable.name!r} "
            f"({', '.join(variable.choices)}): {shown}."
        )
    return np.asarray(codes, dtype=np.int64)
