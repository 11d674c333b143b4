"""From the columns that describe an architecture to its variables.

A column of plain values is one variable. A column of lists (or of texts that hold lists, JSON
objects or genotypes) is one variable per element or field; where lengths differ, missing elements
are the choice ``"absent"``, which is choice 0 and, for numbers, worth 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from surrobench.tasks.files.arrow_types import is_opaque, is_temporal, plain_values
from surrobench.tasks.files.faults import Faults
from surrobench.tasks.tables.card import Decision
from surrobench.tasks.tables.coding import GAP, Coded, code_numbers, code_values
from surrobench.tasks.tables.columns import exactly, is_list, is_number, list_lengths, numbers
from surrobench.tasks.tables.durations import clock_seconds
from surrobench.tasks.tables.genotypes import CONCATENATION, is_call, parse_text

_PLAIN = (str, bool, int, float, Decimal)


def coded_decisions(table: pa.Table, decisions: Sequence[Decision], faults: Faults) -> list[Coded]:
    """Variables and choices of all decision columns, in the order of the card.

    What is wrong with a column goes to ``faults``; rows with missing or unreadable values are
    :data:`~surrobench.tasks.tables.coding.NULL`.
    """
    return [
        coded
        for decision in decisions
        for coded in _coded(table.column(decision.column), decision, faults)
    ]


def _coded(column: pa.ChunkedArray, decision: Decision, faults: Faults) -> Iterator[Coded]:
    kind, name = column.type, decision.column
    if pa.types.is_dictionary(kind):
        column, decision = _categories(column, decision)
        kind = column.type
    inner = kind.value_type if is_list(kind) else kind
    if is_opaque(inner):
        faults.add(
            f"decision {name!r} holds values of the type {kind}, which cannot be read as choices; "
            "write numbers or words."
        )
        yield Coded(code_values(name, [], decision, Faults()).variable, _nothing(len(column)))
        return
    if pa.types.is_duration(kind):
        yield _alone(name, clock_seconds(column), decision, faults)
        return
    if is_number(inner) and not pa.types.is_boolean(inner) and (is_list(kind) or exactly(column)):
        yield from _coded_numbers(column, decision, faults)
        return
    if is_list(kind) and (pa.types.is_string(inner) or pa.types.is_boolean(inner)):
        yield from _coded_words(column, decision, faults)
        return
    values = plain_values(column)
    parse = _parser(values, kind, decision)
    if parse is None:
        ordered = is_temporal(kind)
        yield code_values(name, values, decision, faults, alone=True, ordered=ordered)
        return
    yield from _coded_parts(values, parse, decision, faults)


def _nothing(rows: int) -> np.ndarray:
    return np.full(rows, -1, dtype=np.int64)


def _categories(column: pa.ChunkedArray, decision: Decision) -> tuple[pa.ChunkedArray, Decision]:
    """A categorical column written out; the order of an ordered one is the order of the choices."""
    kind = column.type
    plain = column.cast(kind.value_type)
    stated = decision.order is not None or decision.kind == "categorical"
    if not kind.ordered or stated or not len(column):
        return plain, decision
    categories = plain_values(pa.chunked_array([column.unify_dictionaries().chunk(0).dictionary]))
    used = set(plain_values(plain.unique()))
    order: list[Any] = [category for category in categories if category in used]
    if not all(isinstance(category, str) for category in order) and order == sorted(order):
        return plain, decision  # numbers in their own order
    return plain, decision.model_copy(update={"order": order})


def _alone(name: str, values: Any, decision: Decision, faults: Faults) -> Coded:
    return code_numbers(name, values, np.ones(len(values), dtype=bool), decision, faults)


def _coded_numbers(column: pa.ChunkedArray, decision: Decision, faults: Faults) -> Iterator[Coded]:
    """Columns of numbers and of lists of numbers, without a detour through Python objects."""
    values, name = numbers(column).values, decision.column
    if values.ndim == 1:
        yield _alone(name, values, decision, faults)
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


def _coded_parts(
    values: list[Any], parse: Callable[[Any], Any], decision: Decision, faults: Faults
) -> Iterator[Coded]:
    """Columns whose values have parts, part by part."""
    rows = parsed_rows(values, parse, decision, faults)
    for part in _natural_order(rows):
        elements = [None if row is None else row.get(part, GAP) for row in rows]
        if CONCATENATION in part and len({*elements} - {None}) == 1:
            continue  # which nodes a cell gives out is hardly ever a decision
        yield code_values(part, elements, decision, faults)


def parsed_rows(
    values: list[Any], parse: Callable[[Any], Any], decision: Decision, faults: Faults
) -> list[dict[str, Any] | None]:
    """Each row as ``{name of a part: plain value}``; None where there is nothing to read."""
    rows: list[dict[str, Any] | None] = []
    unreadable: list[int] = []
    nothing: dict[str, Any] | None = {} if decision.empty_is_absent else None
    for row, value in enumerate(values):
        try:
            rows.append(nothing if value is None else _flatten(decision.column, parse(value)))
        except (ValueError, SyntaxError, TypeError, AttributeError, RecursionError, MemoryError):
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
    if pa.types.is_map(kind):
        return dict
    if is_list(kind) or pa.types.is_struct(kind):
        return lambda value: value
    if decision.format == "text":
        return None
    if decision.format == "delimited":
        return lambda value: [_number_or_word(part) for part in value.split(decision.separator)]
    if decision.format == "characters":
        return list
    first = next((value for value in values if value is not None), None)
    if not isinstance(first, str):
        return None
    brackets = first.lstrip()[:1] in ("[", "(", "{")
    if is_call(first):
        return _genotype
    return parse_text if decision.format == "literal" or brackets else None


def _genotype(text: str) -> Any:
    """A genotype, in which a number is the name of a node and not a quantity."""
    return _named(parse_text(text))


def _named(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _named(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_named(part) for part in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


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
    elif value is None or isinstance(value, _PLAIN):
        return {name: value}
    elif hasattr(value, "isoformat"):
        return {name: value.isoformat()}
    else:
        raise ValueError(f"{type(value).__name__} is no plain value")
    return {key: leaf for path, part in parts for key, leaf in _flatten(path, part).items()}
