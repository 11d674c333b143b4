"""The TOML card of a table: which columns are decisions, which are targets and what they mean.

Bundled published tables and a user's own table are described by the same card::

    name = "mine"
    data = "mine.parquet"
    decisions = ["kernel", "depth", {column = "ops", kind = "categorical"}]
    measured = ["params"]

    [tasks.accuracy]
    target = "val_acc"
    direction = "maximize"
    unit = "%"
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, time
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from surrobench.tasks.files.number_forms import Dialect
from surrobench.tasks.files.source_file import SourceFile
from surrobench.tasks.tables.resolution import step_of

Scalar = str | int | float | bool
Condition = Scalar | date | time
"""What a column may be compared with: also TOML's own dates and times."""
Absent = Literal["error", "not-there"]
Columns = str | list[Any] | dict[str, str] | None
"""What keys that name columns hold; elements of a list are names or :class:`Decision`."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SPELLINGS = {"maximise": "maximize", "minimise": "minimize"}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Decision(_Strict):
    """One column that describes the architecture; list-like columns become several decisions.

    Attributes:
        column: name of the column.
        kind: ``"ordinal"`` if the order of the choices means something; by default numbers, dates
            and ordered categories are ordinal and everything else is categorical.
        order: all choices in their order, which makes a column of words ordinal.
        format: how a column of text holds several decisions: a list or an object written as JSON
            or as a Python literal, parts between separators, or one character each. By default
            texts that start with a bracket are read as ``"literal"``.
        separator: what stands between the parts of ``format = "delimited"``.
        scale: of numbers: ``"log"`` if their ratios matter, not their differences. By default
            positive numbers over more than two decades have a log scale.
        absent: ``"not-there"`` if an empty cell says that the network has no such part, which is
            then the choice ``"absent"``; by default that of the card.
    """

    column: str
    kind: Literal["auto", "categorical", "ordinal"] = "auto"
    order: list[Scalar] | None = None
    format: Literal["auto", "text", "literal", "delimited", "characters"] = "auto"
    separator: str = ","
    scale: Literal["auto", "linear", "log"] = "auto"
    absent: Absent | None = None

    @property
    def empty_is_absent(self) -> bool:
        """Whether an empty cell is a choice."""
        return self.absent == "not-there"


class GraphForm(_Strict):
    """How decisions describe a graph with operations on its nodes.

    Attributes:
        operations: column with a list of the operations of the nodes, each behind those that feed
            it.
        matrix: column with the adjacency matrix as one list, row by row: 1 where the first node
            feeds the second. The first and the last operation are then the input and the output.
        sources: column with a list that says for each operation what feeds it: 0 the input, 1 the
            first operation, and so on. An operation that feeds no other feeds the output.
    """

    operations: str
    matrix: str | None = None
    sources: str | None = None

    @model_validator(mode="after")
    def _one(self) -> GraphForm:
        if (self.matrix is None) == (self.sources is None):
            raise ValueError("name one of 'matrix' and 'sources'")
        return self


class TaskCard(_Strict):
    """One quantity to predict.

    Attributes:
        target: the column, or several columns with one training run (seed) each.
        direction: which way is better; values of ``"minimize"`` are negated once, here.
        unit: of the target as it stands in the table.
        where: keep only the rows whose columns hold these values.
        layout: what the elements of a list-valued target are.
        seeds: number of seeds in a ``"seeds-epochs"`` list, which is ordered seed by seed.
        final: whether the value of a learning curve is its last or its best point.
        epochs: the number of epochs behind the target.
        fidelities: columns with the same quantity after fewer epochs.
        cost: column with the seconds of one training run; a list holds seconds per epoch (or per
            seed if the target has no curve).
        costs: columns with the seconds of a run of so many epochs. The cost of other lengths is
            scaled from the nearest one.
        runs: number of training runs that the target averages already: one number for all rows,
            or the column that holds it.
        resolution: step of the numbers in the target columns, in the unit of the table: ``0.01``
            or, as text, a fraction such as ``"1/600"``; by default that of the card.
        ranks_as: an earlier task of the card that ranks all architectures alike: the two are one
            question to a predictor of ranks.
        cost_unit: of costs that are plain numbers: ``"s"``, ``"min"`` or ``"h"``. Durations and
            texts such as ``"1:02:03"`` or ``"0 days 01:02:03"`` say it themselves.
        noise: standard deviation of a single run, or where to estimate it from.
        measured: label-free columns of this task, beside those of the card.
        curves: what else was recorded in every epoch, laid out as the target is: names such as
            ``train_loss``, ``validation_mae`` or ``accuracy`` -> columns. For learning curves
            only.
        decisions: of this task, instead of those of the card: for tables of several spaces.
        useful: from which value on a network is of any use, in the unit of the table. Searches for
            several objectives count what they attain from there.
        protocol: how the numbers were obtained, for ``surrobench info``.
    """

    target: str | list[str]
    direction: Literal["maximize", "minimize"]
    unit: str = ""
    description: str = ""
    protocol: str = ""
    where: dict[str, Condition] = {}
    layout: Literal["seeds", "epochs", "seeds-epochs"] = "seeds"
    seeds: int = Field(default=1, ge=1)
    final: Literal["last", "best"] = "last"
    epochs: int | None = Field(default=None, ge=1)
    fidelities: dict[str, str] = {}
    cost: str | None = None
    costs: dict[str, str] = {}
    runs: Annotated[int, Field(ge=1)] | str = 1
    resolution: float | str | None = None
    cost_unit: Literal["s", "min", "h"] = "s"
    noise: float | Literal["seeds", "groups", "duplicates"] | None = None
    measured: list[str] | dict[str, str] = {}
    curves: dict[str, str] = {}
    ranks_as: str | None = None
    decisions: list[str | Decision] = []
    useful: float | None = Field(default=None, allow_inf_nan=False)

    @field_validator("direction", mode="before")
    @classmethod
    def _british(cls, value: object) -> object:
        return _SPELLINGS.get(value, value) if isinstance(value, str) else value

    @field_validator("target", "measured", "decisions")
    @classmethod
    def _once(cls, value: Columns) -> Columns:
        return _each_once(value)

    @field_validator("fidelities", "costs")
    @classmethod
    def _epoch_keys(cls, value: dict[str, str]) -> dict[str, str]:
        for key in value:
            if not key.isdecimal() or int(key) == 0:
                raise ValueError(f"{key!r} is not a number of epochs")
        return value

    @field_validator("resolution")
    @classmethod
    def _step(cls, value: float | str | None) -> float | str | None:
        return _checked_step(value)

    @model_validator(mode="after")
    def _consistent(self) -> TaskCard:
        if self.fidelities and self.epochs is None:
            raise ValueError("'fidelities' needs 'epochs', the number of epochs of the target")
        if self.cost is not None and self.costs:
            raise ValueError("'cost' and 'costs' exclude each other")
        if self.layout != "seeds" and isinstance(self.target, list):
            raise ValueError("a learning curve ('layout') needs a single target column")
        if self.layout == "seeds" and self.curves:
            raise ValueError('\'curves\' needs layout = "epochs" or "seeds-epochs"')
        return self

    @property
    def targets(self) -> list[str]:
        """The target columns, one or more."""
        return [self.target] if isinstance(self.target, str) else self.target

    @property
    def cost_columns(self) -> list[str]:
        """The columns that hold times of training."""
        return [*([] if self.cost is None else [self.cost]), *self.costs.values()]

    @property
    def results(self) -> dict[str, str]:
        """Columns that nobody knows before training -> what they are of the task."""
        return {
            **dict.fromkeys(self.curves.values(), "a curve"),
            **dict.fromkeys(self.cost_columns, "a cost"),
            **dict.fromkeys(self.fidelities.values(), "a fidelity"),
            **dict.fromkeys(self.targets, "the target"),
        }

    @property
    def columns(self) -> list[str]:
        """Every column that this task reads."""
        extra = [self.cost] if self.cost is not None else []
        extra += [self.runs] if isinstance(self.runs, str) else []
        return [
            *self.targets,
            *self.where,
            *self.fidelities.values(),
            *extra,
            *self.costs.values(),
            *named(self.measured).values(),
            *self.curves.values(),
        ]


class Card(_Strict):
    """A table and its tasks; see the module for an example.

    Attributes:
        data: Parquet, CSV, TSV, JSON or Feather file, looked for beside the card and in
            SURROBENCH_TABLES.
        separator: between the fields of a text file; found in its header by default.
        decimal: mark of decimals in a text file, ``"."`` or ``","``; by default a column is read
            with decimal commas if its own values leave no doubt.
        thousands: what stands between groups of three digits in a text file, likewise.
        encoding: of the characters of a text file; UTF-8, or what a byte-order mark says.
        sources: instead of ``data``, where the rows are published: one file that is such a table
            itself, or those that ``recipe`` converts.
        recipe: a built-in one, from the raw files to the rows.
        space: a registered search space; its choices are in ``decisions`` (one column per
            variable) or written out in the column ``architecture``. Without it the decisions
            themselves span the space and the rows are its architectures.
        graph: which decisions are the operations of nodes and which are edges, so that encodings
            and predictors of graphs can read the architectures.
        measured: label-free columns (parameters, FLOPs, proxies) by their standard name.
        groups: columns that say which rows are the same network. By default the space decides,
            or equal decisions.
        published_groups: columns with a coarser notion of it that others publish, for the protocol
            ``grouped-published``.
        subsets: named boolean columns.
        missing: ``"allow"`` leaves out rows without a target and counts them.
        duplicates: ``"mean"`` averages the values of rows with equal decisions.
        drop_invalid: leave out rows that are wrong in any way, and count them.
        resolution: step of the targets of all tasks that state none of their own; see there.
            Without it values stay as they are.
        default_encoding: what studies use that name none; by default it follows the kinds of the
            decisions: words one-hot, numbers as numbers, a mixture as both.
        absent: ``"not-there"`` if empty cells of decisions say that the network has no such part.
    """

    name: str
    data: str | None = None
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    decimal: Literal[".", ","] | None = None
    thousands: Literal[",", ".", " ", "'", "\u00a0", "\u202f"] | None = None
    encoding: str | None = None
    recipe: str | None = None
    sources: dict[str, SourceFile] = {}
    description: str = ""
    licence: str = "not stated"
    citation: str = ""
    bibtex: str = ""
    url: str = ""
    space: str | None = None
    architecture: str | None = None
    decisions: list[str | Decision] = []
    graph: GraphForm | None = None
    measured: list[str] | dict[str, str] = {}
    groups: str | list[str] | None = None
    published_groups: str | list[str] | None = None
    subsets: dict[str, str] = {}
    where: dict[str, Condition] = {}
    missing: Literal["error", "allow"] = "error"
    duplicates: Literal["error", "mean"] = "error"
    drop_invalid: bool = False
    resolution: float | str | None = None
    default_encoding: str | None = None
    absent: Absent = "error"
    tasks: dict[str, TaskCard] = Field(min_length=1)

    @field_validator("resolution")
    @classmethod
    def _step(cls, value: float | str | None) -> float | str | None:
        return _checked_step(value)

    @field_validator("decisions", "measured", "groups", "published_groups")
    @classmethod
    def _once(cls, value: Columns) -> Columns:
        return _each_once(value)

    @field_validator("name")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError("use letters, digits, '.', '_' and '-' only")
        return value

    @field_validator("tasks")
    @classmethod
    def _plain_task_names(cls, value: dict[str, TaskCard]) -> dict[str, TaskCard]:
        for name in value:
            if not _NAME.fullmatch(name):
                raise ValueError(f"task name {name!r}: letters, digits, '.', '_' and '-' only")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Card:
        if self.data is not None and (self.sources or self.recipe):
            raise ValueError("'data' names a file of your own; leave out 'sources' and 'recipe'")
        if self.recipe is not None and not self.sources:
            raise ValueError("'recipe' needs 'sources'")
        if self.data is None and not self.sources:
            raise ValueError(
                "say where the rows are with 'data = \"my-table.parquet\"', or where they are "
                "published in a table [sources.table]"
            )
        if self.recipe is None and len(self.sources) > 1:
            raise ValueError("without a 'recipe' one file in 'sources' holds all rows")
        own = [name for name, task in self.tasks.items() if task.decisions]
        if self.architecture is not None and (self.space is None or self.decisions or own):
            raise ValueError("'architecture' needs 'space' and excludes 'decisions'")
        if not self.decisions and self.architecture is None and len(own) < len(self.tasks):
            raise ValueError("name the columns that describe an architecture in 'decisions'")
        if self.graph is not None and (self.space is not None or own):
            raise ValueError("'graph' is for the 'decisions' of a card without 'space'")
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError("'decimal' and 'thousands' are the same character")
        for name, task in self.tasks.items():
            if task.ranks_as is not None and task.ranks_as not in set(self.tasks) - {name}:
                raise ValueError(
                    f"task {name!r} ranks_as {task.ranks_as!r}, which is no other task"
                )
        if leaks := list(self._leaks()):
            raise ValueError("; ".join(leaks))
        return self

    def step(self, task: TaskCard) -> Fraction | None:
        """Resolution of the target columns of one of the tasks; None if it is not stated."""
        stated = self.resolution if task.resolution is None else task.resolution
        return None if stated is None else step_of(stated)

    def _leaks(self) -> Iterator[str]:
        """Results of a task that are given to predictors as if they were known before."""
        for name, task in self.tasks.items():
            known = {
                "decisions": [decision.column for decision in self.of(name).decision_list],
                "measured": [*named(self.measured).values(), *named(task.measured).values()],
            }
            why = {
                "decisions": "what a training gives does not describe an architecture",
                "measured": "measured columns must be known without training",
            }
            for key, columns in known.items():
                for column in dict.fromkeys(columns):
                    if column in task.results:
                        what = task.results[column]
                        yield f"{key!r} names {column!r}, {what} of the task {name!r}; {why[key]}"

    def of(self, task_name: str) -> Card:
        """The card as one of its tasks has it: with the decisions of that task."""
        own = self.tasks[task_name].decisions
        return self.model_copy(update={"decisions": own}) if own else self

    @property
    def published(self) -> SourceFile | None:
        """The published file that is the table itself, if there is one."""
        if self.recipe is not None or not self.sources:
            return None
        return next(iter(self.sources.values()))

    @property
    def decision_list(self) -> list[Decision]:
        """The decisions with their defaults filled in."""
        listed = [
            Decision(column=decision) if isinstance(decision, str) else decision
            for decision in self.decisions
        ]
        return [
            decision.model_copy(update={"absent": self.absent})
            if decision.absent is None
            else decision
            for decision in listed
        ]

    @property
    def dialect(self) -> Dialect:
        """What is stated of a text file."""
        return Dialect(self.separator, self.decimal, self.thousands, self.encoding)

    @property
    def list_columns(self) -> list[str]:
        """Columns whose texts hold several decisions, in which commas are no decimal marks."""
        return [d.column for d in self.decision_list if d.format != "auto"]

    @property
    def group_columns(self) -> list[str]:
        """The group columns, possibly none."""
        return _listed(self.groups)

    @property
    def published_group_columns(self) -> list[str]:
        """The columns of the published groups, possibly none."""
        return _listed(self.published_groups)

    @property
    def columns(self) -> list[str]:
        """Every column that all tasks of the card need."""
        architecture = [self.architecture] if self.architecture is not None else []
        return [
            *architecture,
            *(decision.column for decision in self.decision_list),
            *named(self.measured).values(),
            *self.group_columns,
            *self.published_group_columns,
            *self.subsets.values(),
            *self.where,
        ]


def named(columns: list[str] | dict[str, str]) -> dict[str, str]:
    """Standard name -> column; a plain list keeps the column names."""
    return columns if isinstance(columns, dict) else {column: column for column in columns}


def _listed(columns: str | list[str] | None) -> list[str]:
    if columns is None:
        return []
    return [columns] if isinstance(columns, str) else columns


def _each_once(columns: Columns) -> Columns:
    """A list of columns as it is; one that is named again would count double."""
    if isinstance(columns, list):
        names = [one if isinstance(one, str) else one.column for one in columns]
        if again := [name for name, count in Counter(names).items() if count > 1]:
            told = ", ".join(
                f"{name!r} {'twice' if names.count(name) == 2 else f'{names.count(name)} times'}"
                for name in again
            )
            raise ValueError(f"names {told}; name every column once")
    return columns


def _checked_step(value: float | str | None) -> float | str | None:
    if value is not None:
        step_of(value)
    return value
