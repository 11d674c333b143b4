"""Reading a card from its file, and explaining every mistake in it at once."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from surrobench.base.strict_toml import read_toml
from surrobench.errors import UserError, did_you_mean
from surrobench.tasks.files.source_file import SourceFile
from surrobench.tasks.tables.card import Card, Decision, TaskCard


def read_card(path: Path) -> Card:
    """Read and check a card.

    Raises:
        UserError: listing everything that is wrong with it, with line numbers where possible.
    """
    try:
        stamp = path.stat().st_mtime_ns
    except OSError as error:
        raise UserError(f"cannot read the card {path}: {error.strerror}.") from error
    return _read_card(path, stamp)


@lru_cache(maxsize=64)
def _read_card(path: Path, stamp: int) -> Card:
    content, text = read_toml(path)
    try:
        return Card.model_validate(content)
    except ValidationError as error:
        lines = [f"  {_explain(item, text)}" for item in _distinct(error)]
        raise UserError(f"the card {path} is wrong:\n" + "\n".join(lines)) from error


def _distinct(error: ValidationError) -> list[Any]:
    """Errors without the repetitions that union types cause (one per member)."""
    kept: dict[tuple[Any, ...], Any] = {}
    for item in error.errors(include_url=False):
        where = tuple(part for part in item["loc"] if str(part) in _known_words(part))
        kept.setdefault(where, {**item, "loc": where})
    # Of a table where a text would do as well, what is wrong inside it is the mistake.
    deeper = {where[:end] for where in kept for end in range(len(where))}
    return [
        item
        for where, item in kept.items()
        if not (where in deeper and item["type"].endswith("_type"))
    ]


def _known_words(part: object) -> set[str]:
    """Drop the union tags that pydantic puts into locations ("str", "list[str]", "Decision")."""
    tags = {"str", "int", "float", "bool", "Decision", "list[str]", "dict[str,str]"}
    text = str(part)
    return set() if text in tags or text.startswith(("literal[", "list[", "dict[")) else {text}


def _explain(item: Any, text: str) -> str:
    path = [str(part) for part in item["loc"]]
    key = ".".join(path) or "card"
    line = _line_of(path, text)
    place = f"{key!r} (line {line})" if line else f"{key!r}"
    if item["type"] == "extra_forbidden":
        if elsewhere := _elsewhere(path):
            return f"{place} stands in the wrong place: {elsewhere}."
        fields = _fields_at(path)
        return f"{place} is not a key of a card. {did_you_mean(path[-1], fields)}"
    if item["type"] == "missing":
        return f"{place} is required."
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "string_type" and len(path) > 1 and path[-2] == "decisions":
        message = 'Write the name of a column, or a table such as { column = "lr", scale = "log" }'
    given = f" (found {item['input']!r})" if isinstance(item["input"], str | int | float) else ""
    colon = "" if message.startswith("names ") else ":"
    return f"{place}{colon} {message}{given}."


def _fields_at(path: list[str]) -> list[str]:
    """The valid keys beside the unknown key at ``path``."""
    if "decisions" in path[:-1] and path[0] in ("decisions", "tasks"):
        return list(Decision.model_fields)
    if path[0] == "tasks" and len(path) > 2:
        return list(TaskCard.model_fields)
    if path[0] == "sources" and len(path) > 2:
        return list(SourceFile.model_fields)
    return list(Card.model_fields)


def _elsewhere(path: list[str]) -> str:
    """Where an unknown key belongs if it is one of a task, or of the card itself; else ""."""
    in_task = path[0] == "tasks" and len(path) == 3
    if in_task and path[-1] in Card.model_fields:
        return f"it is a key of the card, so write it above the first [tasks.…], not in {path[1]!r}"
    if len(path) == 1 and path[0] in TaskCard.model_fields:
        return "it is a key of a task, so write it below its [tasks.…]"
    return ""


def _line_of(path: list[str], text: str) -> int | None:
    """The line (from 1) that sets the key at ``path``, or the nearest table that holds it."""
    section: list[str] = []
    found = None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[+([^\]]+)\]+", line):
            section = [part.strip().strip("\"'") for part in header[1].split(".")]
            if section == path[: len(section)]:
                found = number
        elif match := re.match(r"\s*([\w.\"'-]+)\s*=", line):
            here = [*section, *(part.strip("\"'") for part in match[1].split("."))]
            if here == path[: len(here)]:
                found = number
    return found
