"""Names of tasks: which cards exist and which tasks they describe. Imports nothing heavy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any

from surrobench.base.paths import expanded, is_file
from surrobench.base.plug_ins import claimed
from surrobench.base.registry import Listed, Registry, built
from surrobench.base.strict_toml import read_toml
from surrobench.errors import UserError, did_you_mean
from surrobench.tasks.collections import is_collection, members

TASKS: Registry[Any] = Registry("task")
"""Tables of other packages: each name stands for the path of a card, or a function that gives it.

The name is the one that the card gives itself.
"""

CARDS = Path(__file__).parent / "cards"
_TASK_TABLE = re.compile(r"^\s*\[\s*tasks\s*\.\s*(\"[^\"]+\"|'[^']+'|[\w-]+)\s*[\].]", re.MULTILINE)
_DESCRIPTION = re.compile(r"^description\s*=\s*\"([^\"]+)\"", re.MULTILINE)
_NAME = re.compile(r"^name\s*=\s*\"([^\"]+)\"", re.MULTILINE)


@dataclass(frozen=True)
class TableLine:
    """What a list of tables says of one.

    Attributes:
        name: of the table.
        description: what it holds.
        tasks: names of its tasks, without that of the table.
        package: the distribution that it comes from; "" for this one.
        broken: why it cannot be used; "" if it can.
    """

    name: str
    description: str
    tasks: tuple[str, ...]
    package: str = ""
    broken: str = ""


def table_lines() -> list[TableLine]:
    """Every bundled table, embedded ones first, and then those of other packages."""
    found = []
    for name, (path, tasks) in bundled().items():
        said = _DESCRIPTION.search(path.read_text(encoding="utf-8"))
        found.append(TableLine(name, said[1] if said else "", tasks))
    return found + [_plug_in_line(listed) for listed in TASKS.listed()]


def _plug_in_line(listed: Listed) -> TableLine:
    if not listed.broken:
        try:
            path, tasks = plug_in_table(listed.name)
        except UserError as error:
            return TableLine(listed.name, "", (), listed.package, str(error))
        said = str(read_toml(path)[0].get("description", ""))
        return TableLine(listed.name, said, tasks, listed.package)
    return TableLine(listed.name, "", (), listed.package, listed.broken)


def plug_in_table(name: str) -> tuple[Path, tuple[str, ...]]:
    """The card that another package announces under a name, and the names of its tasks.

    Raises:
        UserError: if two packages announce it, it has the name of a table of ours, cannot be
            imported, or leads to no card of that name.
    """
    owner = TASKS.entry(name).owners
    if name in bundled():
        raise UserError(f"{claimed('task', name, owner)} A table of surrobench has it already.")
    value = TASKS.load(name)
    if callable(value):
        value = built("task", name, owner[0].target, value, {})
    where = f"the task {name!r} of {owner[0].origin} is broken:"
    if not isinstance(value, str | PathLike):
        raise UserError(f"{where} {owner[0].target} is {value!r}, not the path of a card.")
    path = Path(value).resolve()
    if not path.is_file():
        raise UserError(f"{where} there is no card {path}.")
    content = read_toml(path)[0]
    if content.get("name") != name:
        raise UserError(
            f"{where} the card {path} calls itself {content.get('name')!r}; the two must agree."
        )
    return path, tuple(_names_in(path))


def _tables() -> list[str]:
    """Names of all tables, those of other packages too."""
    return list(dict.fromkeys([*bundled(), *TASKS.names()]))


@lru_cache(maxsize=1)
def bundled() -> dict[str, tuple[Path, tuple[str, ...]]]:
    """Name of each bundled card -> its file and its task names, embedded ones first.

    The cards are our own, so their task headers are read as plain text: that is quick enough for
    the command line, and a test compares it with the full reading.
    """
    found = {}
    for path in sorted(CARDS.glob("*.toml")):
        text = path.read_text(encoding="utf-8")
        name = _NAME.search(text)
        tasks = dict.fromkeys(match.strip("\"'") for match in _TASK_TABLE.findall(text))
        if name is not None:
            found[name[1]] = (path, tuple(tasks))
    return dict(sorted(found.items(), key=lambda item: not item[0].startswith("live")))


@lru_cache(maxsize=1)
def _contents() -> dict[str, dict[str, Any]]:
    """What is in the bundled cards, by name."""
    return {name: read_toml(path)[0] for name, (path, _) in bundled().items()}


def task_names() -> list[str]:
    """Every bundled task, for example ``"nb201/cifar10-val"``."""
    return [f"{card}/{task}" for card, (_, tasks) in bundled().items() for task in tasks]


def is_card_path(spec: str) -> bool:
    """Whether a task is named by the path of a card, with or without ``:task`` behind it."""
    return spec.endswith(".toml") or ".toml:" in spec


def is_live(spec: str) -> bool:
    """Whether a task trains what it is asked for (``"live:cells"``) instead of looking it up."""
    return spec.startswith("live:")


def split(spec: str, base: Path | None = None) -> tuple[Path, str | None]:
    """The card's file and the task's name, if ``spec`` names one.

    Args:
        spec: ``"nb201/cifar10-val"``, ``"nb201"``, ``"my/card.toml:accuracy"`` or
            ``"my/card.toml"``.
        base: folder that relative paths start from, by default the current one.

    Raises:
        UserError: if there is no such card or bundled task, with near names.
    """
    if is_card_path(spec):
        head, _, tail = spec.rpartition(".toml")
        path = (base or Path()) / expanded(f"{head}.toml")
        if not is_file(path):
            path = _once_an_example(path) or path
        if not is_file(path):
            raise UserError(f"there is no card {path} (named by the task {spec!r}).")
        return path, tail.removeprefix(":") or None
    if is_collection(spec):
        raise UserError(
            f"{spec!r} stands for several tasks; name one of them: surrobench list tasks {spec}"
        )
    card, _, task = spec.partition("/")
    if card not in _tables():
        raise UserError(
            f"unknown task {spec!r}. {did_you_mean(spec, [*task_names(), *_tables()])} A table of "
            "your own is named by its card: 'path/to/card.toml:task'."
        )
    path, tasks = bundled()[card] if card in bundled() else plug_in_table(card)
    if task and task not in tasks:
        names = [f"{card}/{name}" for name in tasks]
        raise UserError(f"unknown task {spec!r}. {did_you_mean(spec, names)}")
    return path, task or None


def _once_an_example(path: Path) -> Path | None:
    """The bundled card that stood in ``examples/cards`` before, for studies that name it there."""
    known = bundled().get(path.stem)
    return known[0] if known is not None and path.parent.name == "cards" else None


def expand_tasks(spec: str, base: Path | None = None) -> list[str]:
    """The single tasks that ``spec`` stands for.

    Itself, all tasks of the card that it names, or those of a collection of published tasks
    (``"@accuracy"``; see :mod:`surrobench.tasks.collections`). Live tasks stand for themselves;
    whether there is such a one is found out when it is made.

    Raises:
        UserError: if it names nothing.
    """
    if is_live(spec):
        return [spec]
    if is_collection(spec):
        return members(spec, _contents())
    path, task = split(spec, base)
    names = _names_in(path)
    if task is not None:
        _check_task(spec, task, names)
        return [spec]
    separator = ":" if is_card_path(spec) else "/"
    return [f"{spec.rstrip(separator)}{separator}{name}" for name in names]


def single(spec: str, base: Path | None = None) -> tuple[Path, str]:
    """The card's file and the name of the one task that ``spec`` names.

    Raises:
        UserError: if it names no task, or a card with several.
    """
    path, task = split(spec, base)
    names = _names_in(path)
    if task is None:
        if len(names) != 1:
            separator = ":" if is_card_path(spec) else "/"
            choices = ", ".join(f"{spec}{separator}{name}" for name in names)
            raise UserError(f"{spec!r} holds several tasks; name one of: {choices}.")
        return path, names[0]
    _check_task(spec, task, names)
    return path, task


def display_name(spec: str, base: Path | None = None) -> str:
    """A short name for tables and figures: ``card/task`` with the name that the card gives itself.

    Raises:
        UserError: if ``spec`` names no single task.
    """
    path, task = single(spec, base)
    return f"{read_toml(path)[0].get('name', path.stem)}/{task}"


def _check_task(spec: str, task: str, names: list[str]) -> None:
    if task not in names:
        raise UserError(f"unknown task {spec!r}: no such task. {did_you_mean(task, names)}")


def _names_in(path: Path) -> list[str]:
    if path.parent == CARDS:
        return next(list(tasks) for file, tasks in bundled().values() if file == path)
    content = read_toml(path)[0]
    tasks = content.get("tasks")
    if isinstance(tasks, list) and "kind" in content:
        raise UserError(f"{path} is a study, not the card of a table; it runs with: surrobench run")
    if not isinstance(tasks, dict) or not tasks:
        raise UserError(f"the card {path} describes no task; add a table [tasks.NAME].")
    return list(tasks)
