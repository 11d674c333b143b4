"""The rows of a card: architectures, groups of equal networks and every numeric column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from surrobench.arrays import BoolArray, FloatArray, IntArray
from surrobench.base.page_facts import facts_html
from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.spaces import SPACES
from surrobench.spaces.architecture import Arch, SearchSpace
from surrobench.spaces.choices import Choices
from surrobench.spaces.edge_cells import EdgeCells
from surrobench.tasks.files.arrow_types import is_opaque, is_temporal, plain_values
from surrobench.tasks.files.faults import Faults
from surrobench.tasks.files.reading import missing_words, read_columns
from surrobench.tasks.tables.card import Card, Condition, TaskCard, named
from surrobench.tasks.tables.coding import NULL, report_missing
from surrobench.tasks.tables.columns import Numbers, numbers
from surrobench.tasks.tables.decisions import coded_decisions
from surrobench.tasks.tables.durations import durations
from surrobench.tasks.tables.graph_decisions import graph_space
from surrobench.tasks.tables.placing import codes_in_space
from surrobench.tasks.tables.row_groups import row_groups_with

CodeArray = npt.NDArray[np.signedinteger[Any]]
"""Choice indices: 16 bits as long as they suffice."""


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Architectures x metrics; list-valued columns keep their second axis (seeds or epochs).

    Attributes:
        card: where the rows come from and what they mean.
        space: the search space that the rows belong to.
        archs: choice indices, ``N x d``.
        groups: class of equal networks of each row, ``N``, numbered from 0.
        published_groups: the same by a key that others published, or None.
        columns: column name -> ``N`` or ``N x k`` numbers; missing values are NaN.
        words: column name -> row -> what stands there instead of a number.
        subsets: name -> ``N`` truth values.
        rows: position of each row in the file, from 0.
        dropped: number of rows that were left out because they were wrong.
    """

    card: Card
    space: SearchSpace
    archs: CodeArray
    groups: IntArray
    published_groups: IntArray | None
    columns: Mapping[str, FloatArray]
    words: Mapping[str, Mapping[int, object]]
    subsets: Mapping[str, BoolArray]
    rows: IntArray
    dropped: int

    def __len__(self) -> int:
        return len(self.archs)

    def __repr__(self) -> str:
        """Name of the card and size."""
        return f"Table({self.card.name!r}, {counted(len(self), 'row')})"

    def _repr_html_(self) -> str:
        return facts_html(
            self.card.name,
            [
                ("rows", f"{len(self):,}"),
                ("left out as wrong", self.dropped or ""),
                ("different networks", f"{len(np.unique(self.groups)):,}"),
                ("space", self.space.name),
                ("decisions", ", ".join(variable.name for variable in self.space.variables)),
                ("columns", ", ".join(self.columns)),
                ("tasks", ", ".join(self.card.tasks)),
                ("subsets", ", ".join(self.subsets)),
            ],
        )

    @cached_property
    def index(self) -> dict[Arch, int]:
        """Architecture -> its first row."""
        found: dict[Arch, int] = {}
        for row, arch in enumerate(map(tuple, self.archs.tolist())):
            found.setdefault(arch, row)
        return found

    def row(self, arch: Arch) -> int:
        """The first row of an architecture.

        Raises:
            UserError: if the table has no such architecture.
        """
        found = self.index.get(arch)
        if found is None:
            self.space.check(arch)
            raise UserError(f"the table {self.card.name!r} has no row for {arch!r}.")
        return found


@dataclass(frozen=True)
class Rows:
    """The rows of a file that a card and its filters pick, before they are understood.

    Attributes:
        path: the file.
        frame: the columns that exist.
        positions: place of each row in the file, from 0.
        complete: whether all columns of the card were found.
    """

    path: Path
    frame: pa.Table
    positions: IntArray
    complete: bool


def read_rows(
    card: Card,
    path: Path,
    tasks: Sequence[TaskCard],
    where: Mapping[str, Condition],
    faults: Faults,
) -> Rows:
    """Read the columns of ``tasks`` and the rows that agree with the card and ``where``."""
    wanted = [*card.columns, *(column for task in tasks for column in task.columns)]
    picked = {**card.where, **where}
    part = row_groups_with(path, picked)
    groups = None if part is None else part.numbers
    frame, missing = read_columns(path, wanted, card.dialect, card.list_columns, groups)
    for message in missing:
        faults.add(message)
    selected = _selected(frame, picked, faults)
    positions = selected if part is None else part.positions[selected]
    faults.positions = positions.tolist()
    faults.missing_words = partial(missing_words, path, wanted, card.dialect)
    return Rows(path, frame.take(pa.array(selected)), positions, not missing)


def load_table(card: Card, path: Path, where: Mapping[str, Condition] | None = None) -> Table:
    """Everything that a card describes: all columns of all its tasks.

    The decisions are those of the card, whatever single tasks have of their own.

    Args:
        card: the card.
        path: its data file.
        where: read only rows whose columns hold these values.

    Raises:
        UserError: listing everything that is wrong.
    """
    faults = Faults()
    tasks = list(card.tasks.values())
    table = understand(card, read_rows(card, path, tasks, where or {}, faults), tasks, faults)
    faults.raise_if_any(f"the table {path}")
    return table


def understand(card: Card, rows: Rows, tasks: Sequence[TaskCard], faults: Faults) -> Table:
    """Turn rows into architectures, groups and numbers.

    Rows with wrong decisions are left out; they are faults unless the card drops invalid rows.

    Raises:
        UserError: listing all faults so far, if they make it impossible to go on.
    """
    subject = f"the table {rows.path}"
    frame, positions = rows.frame, rows.positions
    if not rows.complete or len(frame) == 0:
        faults.raise_if_any(subject)
    space, codes = _architectures(card, frame, faults)
    good = (codes != NULL).all(axis=1)
    dropped = int((~good).sum()) if card.drop_invalid else 0
    if space is None or not good.any():
        if card.drop_invalid:
            _architectures(card.model_copy(update={"drop_invalid": False}), frame, faults)
        faults.add("no row describes an architecture completely.")
        faults.raise_if_any(subject)
    if not good.all():
        frame, positions = frame.take(pa.array(np.flatnonzero(good))), positions[good]
        faults.positions = positions.tolist()
        space, codes = _architectures(card, frame, Faults())
    assert space is not None
    archs: CodeArray = codes.astype(np.int16 if codes.max() <= np.iinfo(np.int16).max else np.int32)
    costs = {name: task.cost_unit for task in tasks for name in task.cost_columns}
    read = {
        name: durations(frame.column(name), costs[name])
        if name in costs
        else numbers(frame.column(name))
        for name in _numeric_names(card, tasks)
    }
    return Table(
        card=card,
        space=space,
        archs=archs,
        groups=_groups(card, frame, space, archs, faults),
        published_groups=_published_groups(card, frame, space, archs, faults),
        columns={name: column.values for name, column in read.items()},
        words={name: column.words for name, column in read.items() if column.words},
        subsets=_subsets(card, frame, space, archs, faults),
        rows=positions,
        dropped=dropped,
    )


def _numeric_names(card: Card, tasks: Sequence[TaskCard]) -> list[str]:
    """Columns that are read as numbers: everything but decisions, groups and filters."""
    names = dict.fromkeys(named(card.measured).values())
    for task in tasks:
        others = [name for name in task.columns if name not in task.where]
        names.update(dict.fromkeys([*others, *task.targets]))
    return list(names)


def _selected(frame: pa.Table, where: Mapping[str, Condition], faults: Faults) -> IntArray:
    """Positions of the rows that agree with every condition."""
    if len(frame) == 0:
        faults.add("the file has no rows.")
    mask = np.ones(len(frame), dtype=bool)
    for name, value in where.items():
        if name not in frame.schema.names:
            continue
        column = frame.column(name)
        mask &= _equal(column, value)
        if len(frame) and not mask.any():
            seen = ", ".join(list(dict.fromkeys(map(str, plain_values(column))))[:12])
            faults.add(f"no row has {name} = {value!r}; its values are {seen}.")
            break
    return np.flatnonzero(mask)


def _equal(column: pa.ChunkedArray, value: Condition) -> BoolArray:
    """Which rows hold a value; moments are compared as they are written in ISO form."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if is_temporal(kind):
        text = value.isoformat() if isinstance(value, date | time) else str(value)
        wanted = {text, text.replace("T", " ")}
        return np.array([given in wanted for given in plain_values(column)], dtype=bool)
    if pa.types.is_dictionary(column.type):
        column = column.cast(kind)
    try:
        equal = pc.equal(column, pa.scalar(value, type=kind))
        return np.asarray(equal.fill_null(False).to_numpy().astype(bool))
    except (pa.ArrowException, TypeError, ValueError):
        return np.zeros(len(column), dtype=bool)


def _architectures(
    card: Card, frame: pa.Table, faults: Faults
) -> tuple[SearchSpace | None, IntArray]:
    """The space and the ``N x d`` choice indices; :data:`NULL` where a row is wrong.

    There is no space of one's own if no row is complete.
    """
    scratch = Faults(faults.positions) if card.drop_invalid else faults
    if card.space is not None:
        space = SPACES.create(card.space)
        return space, codes_in_space(card, frame, space, scratch)
    coded = coded_decisions(frame, card.decision_list, scratch)
    if not coded:
        faults.add("the decision columns hold no choices.")
        faults.raise_if_any(f"the table of card {card.name!r}")
    codes = np.stack([part.codes for part in coded], axis=1)
    variables = tuple(part.variable for part in coded)
    whole = codes[(codes != NULL).all(axis=1)]
    archs = list(dict.fromkeys(map(tuple, whole.tolist())))
    if not archs:
        return None, codes
    if card.graph is not None:
        return graph_space(card.name, variables, archs, card.graph), codes
    return Choices(card.name, variables, archs=archs), codes


def _groups(
    card: Card, frame: pa.Table, space: SearchSpace, archs: CodeArray, faults: Faults
) -> IntArray:
    """Classes of equal networks: the card's columns, else the space's, else equal decisions."""
    if not card.group_columns:
        return np.asarray(space.groups(list(map(tuple, archs.tolist()))), dtype=np.int64)
    return _stated_groups(card.group_columns, frame, archs, faults)


def _published_groups(
    card: Card, frame: pa.Table, space: SearchSpace, archs: CodeArray, faults: Faults
) -> IntArray | None:
    """Classes by a published key: the card's columns, else the space's if it groups the rows."""
    if card.published_group_columns:
        return _stated_groups(card.published_group_columns, frame, archs, faults)
    if card.group_columns:
        return None
    groups = space.published_groups(list(map(tuple, archs.tolist())))
    return None if groups is None else np.asarray(groups, dtype=np.int64)


def _stated_groups(
    columns: Sequence[str], frame: pa.Table, archs: CodeArray, faults: Faults
) -> IntArray:
    """Classes by columns of the table; equal decisions in different ones are a fault."""
    parts = []
    for name in columns:
        column = frame.column(name)
        if is_opaque(column.type) and not _hashes(column.type):
            faults.add(f"group column {name!r} has the type {column.type}; write numbers or words.")
            column = pa.chunked_array([pa.nulls(len(column))])
        empty = np.flatnonzero(column.is_null().to_numpy()).tolist()
        if empty:
            report_missing(f"group column {name!r}", name, empty, faults)
        parts.append(_codes_of(column))
    groups = first_seen(np.stack(parts, axis=1))
    architectures = first_seen(archs)
    pairs = np.unique(np.stack([architectures, groups], axis=1), axis=0)
    torn = np.flatnonzero(np.bincount(pairs[:, 0]) > 1)
    if len(torn):
        rows = np.flatnonzero(np.isin(architectures, torn)).tolist()
        names = " + ".join(columns)
        faults.add(
            f"{counted(len(torn), 'architecture')} with equal decisions in different groups "
            f"({names}): "
            f"{faults.rows(rows)}; equal networks must share a group."
        )
    return groups


def _hashes(kind: pa.DataType) -> bool:
    """Bytes are as good as words where only their being equal counts."""
    return not (pa.types.is_union(kind) or pa.types.is_interval(kind))


def _codes_of(column: pa.ChunkedArray) -> IntArray:
    """A number for each different value, :data:`NULL` where there is none."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    try:
        encoded = column.dictionary_encode().combine_chunks()
    except pa.ArrowException:  # lists and objects
        keys = [None if value is None else repr(value) for value in column.to_pylist()]
        encoded = pa.array(keys, type=pa.string()).dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0)
    return np.asarray(encoded.indices.fill_null(NULL).to_numpy(zero_copy_only=False), np.int64)


def first_seen(keys: npt.NDArray[np.integer]) -> IntArray:
    """Number the distinct rows of an ``n x k`` matrix from 0 in the order they first appear."""
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.asarray(rank[inverse.ravel()], dtype=np.int64)


def _subsets(
    card: Card, frame: pa.Table, space: SearchSpace, archs: CodeArray, faults: Faults
) -> dict[str, BoolArray]:
    subsets: dict[str, BoolArray] = {}
    if isinstance(space, EdgeCells):
        present = archs != space.none
        unreachable = (present & ~space.used_edges(archs.astype(np.int64))).any(axis=1)
        subsets["without-unreachable"] = ~unreachable
    for name, column in card.subsets.items():
        flags = _truth(numbers(frame.column(column)))
        if flags is None:
            faults.add(f"subset column {column!r} must hold only true and false.")
        else:
            subsets[name] = flags
    return subsets


def _truth(column: Numbers) -> BoolArray | None:
    values = column.values
    if column.words or values.ndim != 1 or not np.isin(values, (0.0, 1.0)).all():
        return None
    return values.astype(bool)
