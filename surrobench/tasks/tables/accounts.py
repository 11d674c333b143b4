"""How the decisions of a task were read, and what in it a user should know before a study."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from surrobench.base.wording import counted, one_or_many
from surrobench.spaces.architecture import Variable
from surrobench.spaces.blocks import ABSENT
from surrobench.tasks.files.number_forms import is_number_text
from surrobench.tasks.task import TableTask

_SHOWN = 6
_FEWEST_ROWS = 10
_NEARLY_ALL = 0.9
"""Share of the rows from which on nearly every row has a choice of its own."""


@dataclass(frozen=True)
class DecisionAccount:
    """How one decision, or several alike, was read.

    Attributes:
        names: of the variables.
        kind: ``"categorical"``, ``"ordinal"`` (choices in an order) or ``"numeric"``.
        scale: of numbers.
        choices: their number, without ``"absent"``.
        shown: range of numbers, or the first choices.
        absent: architectures without the decision, of each variable.
    """

    names: tuple[str, ...]
    kind: str
    scale: str
    choices: int
    shown: str
    absent: tuple[int, ...]

    def sentence(self) -> str:
        """For example ``"numeric (log scale), 12 choices from 0.001 to 1, not there in 3"``."""
        kind = f"{self.kind} (log scale)" if self.scale == "log" else self.kind
        missing = ""
        if any(self.absent):
            counts = sorted(set(self.absent))
            spread = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
            noun = one_or_many(counts[-1], "architecture", "architectures")
            missing = f"; not there in {spread} {noun}"
        return f"{kind}, {counted(self.choices, 'choice')}{self.shown}{missing}"


def decision_accounts(task: TableTask) -> list[DecisionAccount]:
    """How every decision was read; neighbours that are alike are told together."""
    accounts: list[DecisionAccount] = []
    for position, variable in enumerate(task.space.variables):
        absent = int((task.archs[:, position] == 0).sum()) if _optional(variable) else 0
        one = DecisionAccount(
            (variable.name,),
            _kind(variable),
            variable.scale,
            len(variable.choices) - _optional(variable),
            _shown(variable),
            (absent,),
        )
        last = accounts[-1] if accounts else None
        if last is not None and _alike(last, one):
            names, gone = (*last.names, *one.names), (*last.absent, *one.absent)
            accounts[-1] = DecisionAccount(names, one.kind, one.scale, one.choices, one.shown, gone)
        else:
            accounts.append(one)
    return accounts


def remarks(task: TableTask) -> list[str]:
    """What is no fault, but spoils a study of the task if nobody knows it."""
    return [*_constant(task), *_look_alike(task), *_unlearnable(task)]


def _constant(task: TableTask) -> Iterator[str]:
    values = task.truth
    if bool((values == values[0]).all()):
        shown = -values[0] + 0.0 if task.direction == "minimize" else values[0]
        yield f"{task.name}: all {len(values):,} values are {shown:g}, there is nothing to rank."


def _look_alike(task: TableTask) -> Iterator[str]:
    """Choices that differ in spaces around them or in how a letter is composed."""
    for variable in task.space.variables:
        forms: dict[str, list[str]] = {}
        for label in variable.choices:
            forms.setdefault(unicodedata.normalize("NFC", label).strip(), []).append(label)
        alike = [labels for labels in forms.values() if len(labels) > 1]
        if alike:
            told = "; ".join(" and ".join(map(ascii, labels)) for labels in alike[:_SHOWN])
            yield (
                f"{task.name}: decision {variable.name!r} has choices that look alike but differ "
                f"in spaces or in how letters are composed: {told}; write them alike in the file "
                "if they are one."
            )


def _unlearnable(task: TableTask) -> Iterator[str]:
    rows = len(task)
    if rows < _FEWEST_ROWS:
        return
    one_hot = "one-hot" in task.default_encoding.split("+")
    for position, variable in enumerate(task.space.variables):
        column = task.archs[:, position]
        there = column[column > 0] if _optional(variable) else column
        choices = len(np.unique(there))
        if len(there) < _FEWEST_ROWS or choices < _NEARLY_ALL * len(there):
            continue
        what = f"{task.name}: decision {variable.name!r} has {choices:,}"
        if not variable.ordinal:
            yield (
                f"{what} choices in {counted(len(there), 'row')}: a predictor can learn nothing "
                "from it; "
                "is it a genotype, a list or a name? Lists and genotypes are split with the key "
                "'format' of the decision; leave out what only names a row."
            )
        elif one_hot:
            yield (
                f"{what} different numbers in {counted(len(there), 'row')}, and one-hot columns "
                "for each "
                'tell nothing of the others; set default_encoding = "ordinal" in the card.'
            )


def _optional(variable: Variable) -> bool:
    return len(variable.choices) > 1 and variable.choices[0] == ABSENT


def _kind(variable: Variable) -> str:
    if not variable.ordinal:
        return "categorical"
    labels = variable.choices[_optional(variable) :]
    return "numeric" if all(map(is_number_text, labels)) else "ordinal"


def _shown(variable: Variable) -> str:
    labels = variable.choices[_optional(variable) :]
    if _kind(variable) == "numeric" and len(labels) > _SHOWN:
        values = sorted(labels, key=float)
        return f" from {values[0]} to {values[-1]}"
    more = ", …" if len(labels) > _SHOWN else ""
    return ": " + ", ".join(_short(label) for label in labels[:_SHOWN]) + more


def _short(label: str, most: int = 24) -> str:
    return label if len(label) <= most else label[: most - 1] + "…"


def _alike(one: DecisionAccount, other: DecisionAccount) -> bool:
    mine = (one.kind, one.scale, one.choices, one.shown, any(one.absent))
    return mine == (other.kind, other.scale, other.choices, other.shown, any(other.absent))
