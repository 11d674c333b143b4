"""Rows as architectures of a registered search space."""

from __future__ import annotations

from math import prod

import numpy as np
import pyarrow as pa

from surrobench.errors import UserError
from surrobench.spaces.architecture import SearchSpace, Variable
from surrobench.tasks.card import Card
from surrobench.tasks.coding import NULL
from surrobench.tasks.columns import IntArray, numbers
from surrobench.tasks.faults import Faults


def codes_in_space(card: Card, frame: pa.Table, space: SearchSpace, faults: Faults) -> IntArray:
    """Choice indices ``N x d`` of rows in a known space; wrong rows are :data:`NULL` throughout.

    Whole numbers are choice indices, words are choice labels, and the ``architecture`` column is
    read with the space's own ``parse``.
    """
    if card.architecture is not None:
        codes = _parsed(card.architecture, frame.column(card.architecture), space, faults)
    else:
        codes = _by_column(card, frame, space, faults)
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
    codes = np.full((len(column), len(space.variables)), NULL, dtype=np.int64)
    wrong: dict[int, str] = {}
    for row, text in enumerate(column.to_pylist()):
        try:
            codes[row] = space.parse("" if text is None else str(text))
        except UserError as error:
            wrong[row] = str(error)
    if wrong:
        first = next(iter(wrong.values()))
        faults.add(
            f"column {name!r} holds {len(wrong)} architectures that the space {space.name!r} "
            f"cannot read, in {faults.rows(list(wrong))}; the first: {first}"
        )
    return codes


def _by_column(card: Card, frame: pa.Table, space: SearchSpace, faults: Faults) -> IntArray:
    names = [decision.column for decision in card.decision_list]
    if len(names) != len(space.variables):
        expected = ", ".join(variable.name for variable in space.variables)
        faults.add(
            f"the space {space.name!r} has {len(space.variables)} variables ({expected}), but "
            f"'decisions' names {len(names)} columns."
        )
        faults.raise_if_any(f"the card {card.name!r}")
    columns = [
        _choices(name, frame.column(name), variable, faults)
        for name, variable in zip(names, space.variables, strict=True)
    ]
    return np.stack(columns, axis=1)


def _choices(name: str, column: pa.ChunkedArray, variable: Variable, faults: Faults) -> IntArray:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_integer(kind):
        values = numbers(column).values
        codes = np.where(np.isfinite(values), np.nan_to_num(values, nan=NULL), NULL)
        codes[(codes < 0) | (codes >= len(variable.choices))] = NULL
    else:
        labels = column.cast(pa.string()).to_pylist()
        index = {label: i for i, label in enumerate(variable.choices)}
        codes = np.array([index.get(label, NULL) for label in labels], dtype=np.float64)
    wrong = np.flatnonzero(codes == NULL).tolist()
    if wrong:
        shown = faults.rows(wrong, (column[row].as_py() for row in wrong))
        faults.add(
            f"column {name!r} has values that are not choices of {variable.name!r} "
            f"({', '.join(variable.choices)}): {shown}."
        )
    return np.asarray(codes, dtype=np.int64)
