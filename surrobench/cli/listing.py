"""``surrobench list`` and ``surrobench info``: names from the registries, without imports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from surrobench.cli.console import say
from surrobench.errors import UserError
from surrobench.registry import Registry

Rows = list[tuple[str, str]]


def list_command(
    what: str, table: str | None = None, *, every: bool = False, as_json: bool = False
) -> None:
    """Print the names of one kind of part, or of all.

    Args:
        what: the kind, or ``"all"``.
        table: with ``"tasks"``: only the tasks of this table.
        every: every task on a line of its own, not one line a table.
        as_json: for programs.
    """
    kinds: dict[str, Callable[[], Rows]] = {
        "studies": _studies,
        "tasks": lambda: _tasks(every),
        "collections": _collections,
        "predictors": _predictors,
        "encodings": _encodings,
        "strategies": _strategies,
        "one-shot": _one_shot,
        "proxies": _proxies,
        "acquisitions": _acquisitions,
        "spaces": _spaces,
    }
    if what != "all" and what not in kinds:
        raise UserError(f"list: there is no list of {what!r}. There is one of: {', '.join(kinds)}.")
    if table is not None:
        if what != "tasks":
            raise UserError(f"list {what}: only the list of tasks is narrowed to one table.")
        kinds = {"tasks": lambda: _tasks_of(table)}
    chosen = {kind: names() for kind, names in kinds.items() if what in ("all", kind)}
    if as_json:
        _print_json(chosen)
        return
    for kind, rows in chosen.items():
        if what == "all":
            say(kind, style="bold")
        _print(rows, indent="  " if what == "all" else "")
    if what == "tasks" and table is None and not every:
        say(
            "surrobench list tasks TABLE (or @COLLECTION: surrobench list collections) names its "
            "tasks, --all those of every table."
        )


def _print(rows: Rows, indent: str) -> None:
    width = max((len(name) for name, _ in rows), default=0)
    for name, summary in rows:
        say(f"{indent}{name:<{width}}  {summary}".rstrip())


def _print_json(chosen: dict[str, Rows]) -> None:
    """Names and what is said of them; tasks always with their table, one by one."""
    import json

    content: dict[str, list[dict[str, str]]] = {
        kind: [{"name": name, "summary": summary} for name, summary in rows]
        for kind, rows in chosen.items()
    }
    say(json.dumps(content, indent=2, ensure_ascii=False))


def _studies() -> Rows:
    import tomllib
    from importlib.resources import files

    from surrobench.studies import study_names

    suites = files("surrobench.studies").joinpath("suites")
    rows = []
    for name in study_names():
        content = tomllib.loads(suites.joinpath(f"{name}.toml").read_text("utf-8"))
        rows.append((name, str(content.get("description", ""))))
    return rows


def _tasks(every: bool) -> Rows:
    """One line a table with its number of tasks, or one a task."""
    from surrobench.tasks.catalogue import table_lines

    lines = table_lines()
    if every:
        return [(f"{line.name}/{task}", "") for line in lines for task in line.tasks]
    width = max(len(str(len(line.tasks))) for line in lines)
    return [(line.name, f"{_count(len(line.tasks), width)}  {line.description}") for line in lines]


def _collections() -> Rows:
    """Tasks that are asked for together, and how many they are."""
    from surrobench.tasks.catalogue import expand_tasks
    from surrobench.tasks.collections import COLLECTIONS, MARK
    from surrobench.wording import counted

    return [
        (
            f"{MARK}{name}",
            f"{counted(len(expand_tasks(MARK + name)), 'task'):>9}  {collection.summary}",
        )
        for name, collection in COLLECTIONS.items()
    ]


def _count(tasks: int, width: int) -> str:
    return f"{tasks:>{width}} {'task ' if tasks == 1 else 'tasks'}"


def _tasks_of(table: str) -> Rows:
    """The tasks of one table, each with what is measured."""
    from surrobench.tasks import catalogue
    from surrobench.tasks.card_file import read_card
    from surrobench.tasks.collections import is_collection

    if is_collection(table):
        return [row for spec in catalogue.expand_tasks(table) for row in _tasks_of(spec)]
    path, task = catalogue.split(table)
    card = read_card(path)
    names = [task] if task is not None else list(card.tasks)
    known = {name: card.tasks[name] for name in names if name in card.tasks}
    separator = ":" if catalogue.is_card_path(table) else "/"
    head = table.partition(".toml")[0] + ".toml" if separator == ":" else card.name
    return [
        (f"{head}{separator}{name}", f"{task.description} [{task.unit or task.target}]")
        for name, task in known.items()
    ]


def _predictors() -> Rows:
    from surrobench.predictors import PREDICTORS

    return _registered(PREDICTORS)


def _encodings() -> Rows:
    from surrobench.encodings import ENCODINGS

    return _registered(ENCODINGS)


def _strategies() -> Rows:
    from surrobench.strategies import STRATEGIES

    return _registered(STRATEGIES)


def _one_shot() -> Rows:
    from surrobench.strategies.one_shot import ONE_SHOT

    return _registered(ONE_SHOT)


def _proxies() -> Rows:
    from surrobench.training.zero_cost import PROXIES

    return _registered(PROXIES)


def _acquisitions() -> Rows:
    from surrobench.acquisition import ACQUISITIONS

    return _registered(ACQUISITIONS)


def _spaces() -> Rows:
    from surrobench.spaces import SPACES

    return _registered(SPACES)


def _registered(registry: Registry[Any]) -> Rows:
    return [(name, registry.entry(name).summary) for name in registry.names()]
