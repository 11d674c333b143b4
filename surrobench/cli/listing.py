"""``surrobench list`` and ``surrobench info``: names from the registries, without imports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from surrobench.cli.console import say
from surrobench.errors import UserError
from surrobench.registry import Registry


def list_command(what: str) -> None:
    """Print the names of one kind of part, or of all."""
    kinds: dict[str, Callable[[], list[tuple[str, str]]]] = {
        "studies": _studies,
        "tasks": _tasks,
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
    for kind, names in kinds.items():
        if what not in ("all", kind):
            continue
        if what == "all":
            say(kind, style="bold")
        _print(names(), indent="  " if what == "all" else "")


def _print(rows: list[tuple[str, str]], indent: str) -> None:
    width = max((len(name) for name, _ in rows), default=0)
    for name, summary in rows:
        say(f"{indent}{name:<{width}}  {summary}".rstrip())


def _studies() -> list[tuple[str, str]]:
    import tomllib
    from importlib.resources import files

    from surrobench.studies import study_names

    suites = files("surrobench.studies").joinpath("suites")
    rows = []
    for name in study_names():
        content = tomllib.loads(suites.joinpath(f"{name}.toml").read_text("utf-8"))
        rows.append((name, str(content.get("description", ""))))
    return rows


def _tasks() -> list[tuple[str, str]]:
    from surrobench.tasks import task_names

    return [(name, "") for name in task_names()]


def _predictors() -> list[tuple[str, str]]:
    from surrobench.predictors import PREDICTORS

    return _registered(PREDICTORS)


def _encodings() -> list[tuple[str, str]]:
    from surrobench.encodings import ENCODINGS

    return _registered(ENCODINGS)


def _strategies() -> list[tuple[str, str]]:
    from surrobench.strategies import STRATEGIES

    return _registered(STRATEGIES)


def _one_shot() -> list[tuple[str, str]]:
    from surrobench.strategies.one_shot import ONE_SHOT

    return _registered(ONE_SHOT)


def _proxies() -> list[tuple[str, str]]:
    from surrobench.training.zero_cost import PROXIES

    return _registered(PROXIES)


def _acquisitions() -> list[tuple[str, str]]:
    from surrobench.acquisition import ACQUISITIONS

    return _registered(ACQUISITIONS)


def _spaces() -> list[tuple[str, str]]:
    from surrobench.spaces import SPACES

    return _registered(SPACES)


def _registered(registry: Registry[Any]) -> list[tuple[str, str]]:
    return [(name, registry.entry(name).summary) for name in registry.names()]
