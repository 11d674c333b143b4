"""``surrobench list``: names from the registries; only parts of other packages are imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from surrobench.base.registry import Listed, Registry
from surrobench.cli.console import say
from surrobench.cli.formats import print_json
from surrobench.errors import UserError, did_you_mean


@dataclass(frozen=True)
class _Several(Listed):
    """A line that stands for several tasks.

    Attributes:
        tasks: how many they are.
    """

    tasks: int = 0


Rows = list[Listed] | list[_Several]


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
        kind: (lambda: _tasks(every)) if kind == "tasks" else names
        for kind, names in LISTED.items()
    }
    if what != "all" and what not in kinds:
        near = did_you_mean(what, kinds)
        hint = f"{near} " if near.startswith("Did") else ""
        raise UserError(
            f"list: there is no list of {what!r}. {hint}There is one of: {', '.join(kinds)}."
        )
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
    width = max((len(row.name) for row in rows), default=0)
    digits = max((len(str(row.tasks)) for row in rows if isinstance(row, _Several)), default=0)
    for row in rows:
        told = f"BROKEN  {row.broken}" if row.broken else row.summary
        if isinstance(row, _Several) and not row.broken:
            told = f"{row.tasks:>{digits}} {'task ' if row.tasks == 1 else 'tasks'}  {told}"
        origin = f"  [{row.package}]" if row.package and not row.broken else ""
        style = "red" if row.broken else ""
        say(f"{indent}{row.name:<{width}}  {told}{origin}".rstrip(), style=style)


def _print_json(chosen: dict[str, Rows]) -> None:
    """Names and what is said of them."""
    print_json({kind: [_content(row) for row in rows] for kind, rows in chosen.items()})


def _content(row: Listed) -> dict[str, Any]:
    """What programs are told: package and fault only where there is one."""
    more = {"package": row.package, "broken": row.broken}
    told = {key: value for key, value in more.items() if value}
    count = {"tasks": row.tasks} if isinstance(row, _Several) else {}
    return {"name": row.name, **count, "summary": row.summary, **told}


def _studies() -> Rows:
    import tomllib
    from importlib.resources import files

    from surrobench.studies import study_names

    suites = files("surrobench.studies").joinpath("suites")
    rows = []
    for name in study_names():
        content = tomllib.loads(suites.joinpath(f"{name}.toml").read_text("utf-8"))
        rows.append(Listed(name, str(content.get("description", ""))))
    return rows


def _tasks(every: bool) -> Rows:
    """One line a table with its number of tasks, or one a task."""
    from surrobench.tasks.catalogue import table_lines

    lines = table_lines()
    if every:
        return [Listed(f"{line.name}/{task}", "") for line in lines for task in line.tasks]
    return [
        _Several(line.name, line.description, line.package, line.broken, len(line.tasks))
        for line in lines
    ]


def _collections() -> Rows:
    """Tasks that are asked for together, and how many they are."""
    from surrobench.tasks.catalogue import expand_tasks
    from surrobench.tasks.collections import COLLECTIONS, MARK

    return [
        _Several(MARK + name, collection.summary, tasks=len(expand_tasks(MARK + name)))
        for name, collection in COLLECTIONS.items()
    ]


def _tasks_of(table: str) -> Rows:
    """The tasks of one table, each with what is measured."""
    from surrobench.tasks import catalogue
    from surrobench.tasks.collections import is_collection
    from surrobench.tasks.tables.card_file import read_card

    if is_collection(table):
        return [row for spec in catalogue.expand_tasks(table) for row in _tasks_of(spec)]
    path, task = catalogue.split(table)
    card = read_card(path)
    names = [task] if task is not None else list(card.tasks)
    known = {name: card.tasks[name] for name in names if name in card.tasks}
    separator = ":" if catalogue.is_card_path(table) else "/"
    head = table.partition(".toml")[0] + ".toml" if separator == ":" else card.name
    return [
        Listed(f"{head}{separator}{name}", f"{task.description} [{task.unit or task.target}]")
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


def _figures() -> Rows:
    from surrobench.report.common.figure_names import figures
    from surrobench.report.own_figures import FIGURES

    return [*(Listed(*row) for row in figures()), *_registered(FIGURES)]


def _registered(registry: Registry[Any]) -> Rows:
    return registry.listed()


LISTED: dict[str, Callable[[], Rows]] = {
    "studies": _studies,
    "tasks": lambda: _tasks(every=False),
    "collections": _collections,
    "predictors": _predictors,
    "encodings": _encodings,
    "strategies": _strategies,
    "one-shot": _one_shot,
    "proxies": _proxies,
    "acquisitions": _acquisitions,
    "spaces": _spaces,
    "figures": _figures,
}
"""What can be listed, in this order."""
