"""From the columns that describe an architecture to its variables.

A column of plain values is one variable. A column of lists (or of texts that hold lists or JSON
objects) is one variable per element or field; where lengths differ, missing elements are the
choice ``"absent"``, which is choice 0 and, for ordinal variables, worth 0.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from surrobench.tasks.card import Decision
from surrobench.tasks.coding import GAP, Coded, code_numbers, code_values
from surrobench.tasks.columns import is_list, is_number, list_lengths, numbers
from surrobench.tasks.faults import Faults


def coded_decisions(table: pa.Table, decisions: Sequence[Decision], faults: Faults) -> list[Coded]:
    """Variables and choices of all decision columns, in the order of the card.

    What is wrong with a column goes to ``faults``; rows with missing or unreadable values are
    :data:`~surrobench.tasks.coding.NULL`.
    """
    return [
        coded
        for decision in decisions
        for coded in _coded(table.column(decision.column), decision, faults)
    ]


def _coded(column: pa.ChunkedArray, decision: Decision, faults: Faults) -> Iterator[Coded]:
    kind, name = column.type, decision.column
    inner = kind.value_type if is_list(kind) else kind
    if len(column) and is_number(inner) and not pa.types.is_boolean(inner):
        yield from _coded_numbers(column, decision, faults)
        return
    if is_list(kind) and not (is_list(inner) or pa.types.is_struct(inner)):
        yield from _coded_words(column, decision, faults)
        return
    values = column.to_pylist() if len(column) else []
    parse = _parser(values, kind, decision)
    if parse is None:
        yield code_values(name, values, decision, faults)
        return
    rows = _parsed_rows(values, parse, decision, faults)
    for part in _natural_order(rows):
        elements = [None if row is None else row.get(part, GAP) for row in rows]
        yield code_values(part, elements, decision, faults)


def _coded_numbers(column: pa.ChunkedArray, decision: Decision, faults: Faults) -> Iterator[Coded]:
    """Columns of numbers and of lists of numbers, without a detour through Python objects."""
    values, name = numbers(column).values, decision.column
    if values.ndim == 1:
        yield code_numbers(name, values, np.ones(len(values), dtype=bool), decision, faults)
        return
    lengths = list_lengths(column)
    given = lengths >= 0
    for i in range(values.shape[1]):
        present = (lengths > i) | ~given
        yield code_numbers(f"{name}[{i}]", values[:, i], present, decision, faults)


def _coded_words(column: pa.ChunkedArray, decision: Decision, faults: Faults) -> Iterator[Coded]:
    """Columns of lists of words, element by element."""
    lengths = list_lengths(column)
    places = np.arange(max(0, int(lengths.max(initial=0))))
    elements = np.full((len(lengths), len(places)), GAP, dtype=object)
    elements[places < lengths[:, None]] = pc.list_flatten(column).to_pylist()
    elements[lengths < 0] = None
    for i in places:
        name = f"{decision.column}[{i}]"
        yield code_values(name, elements[:, i].tolist(), decision, faults)


def _parsed_rows(
    values: list[Any], parse: Callable[[Any], Any], decision: Decision, faults: Faults
) -> list[dict[str, Any] | None]:
    """Each row as ``{name of a part: plain value}``; None where there is nothing to read."""
    rows: list[dict[str, Any] | None] = []
    unreadable: list[int] = []
    for row, value in enumerate(values):
        try:
            rows.append(None if value is None else _flatten(decision.column, parse(value)))
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            rows.append(None)
            unreadable.append(row)
    if unreadable:
        shown = faults.rows(unreadable, (values[row] for row in unreadable))
        faults.add(f"column {decision.column!r} cannot be read as a list or object in {shown}.")
    return rows


def _natural_order(rows: Sequence[Mapping[str, Any] | None]) -> list[str]:
    """Names of all parts, in the order of the longest row, then of the others."""
    order: dict[str, None] = {}
    for row in sorted((row for row in rows if row is not None), key=len, reverse=True):
        order.update(dict.fromkeys(row))
    return list(order)


def _parser(
    values: list[Any], kind: pa.DataType, decision: Decision
) -> Callable[[Any], Any] | None:
    """How to split the values of a column into parts, or None if they are plain."""
    if is_list(kind) or pa.types.is_struct(kind):
        return lambda value: value
    if decision.format == "text":
        return None
    if decision.format == "delimited":
        return lambda value: [_number_or_word(part) for part in value.split(decision.separator)]
    if decision.format == "characters":
        return list
    first = next((value for value in values if value is not None), None)
    brackets = isinstance(first, str) and first.lstrip()[:1] in ("[", "(", "{")
    return _literal if decision.format == "literal" or brackets else None


def _literal(text: str) -> Any:
    """JSON, or a Python literal such as ``(1, 'a')``; never evaluated."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return ast.literal_eval(text.strip())


def _number_or_word(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text.strip()


def _flatten(name: str, value: Any) -> dict[str, Any]:
    """Nested lists and objects as ``name[0][1]`` and ``name.field`` -> plain value."""
    if isinstance(value, Mapping):
        parts = [(f"{name}.{key}", part) for key, part in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(f"{name}[{i}]", part) for i, part in enumerate(value)]
    else:
        return {name: value}
    return {key: leaf for path, part in parts for key, leaf in _flatten(path, part).items()}
