"""TOML files read strictly: every mistake is reported with its file, line and remedy.

``tomllib`` refuses bad syntax and duplicate keys but forgets where values stood, so the line of a
key is looked up again in the text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrobench.base.decoding import decoded
from surrobench.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

_DEEPEST = 32


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """The content of a TOML file and its text.

    Raises:
        UserError: if the file cannot be read or parsed, with the line.
    """
    try:
        text = decoded(path.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UserError(f"{path}: cannot be read: {reason}.") from error
    return parse_toml(text, str(path)), text


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """Parse TOML text; ``source`` is what error messages call it.

    Raises:
        UserError: for bad syntax, integers that need more than 64 bits (TOML promises no more) and
            values that are nested deeper than any study is.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{source}{_syntax_message(str(error), text)}") from error
    except RecursionError as error:
        raise _too_deep(text, source) from error
    except ValueError as error:  # more digits than Python converts
        raise _too_long(text, source) from error
    _check_size(content, text, source)
    return content


def _check_size(value: Any, text: str, source: str, depth: int = 0) -> None:
    if depth > _DEEPEST:
        raise _too_deep(text, source)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise _too_long(text, source)
    if isinstance(value, dict | list):
        for element in value.values() if isinstance(value, dict) else value:
            _check_size(element, text, source, depth + 1)


def _too_long(text: str, source: str) -> UserError:
    digits = re.search(r"0[xob][\dA-Fa-f_]{16,}|\d[\d_]{18,}", text)
    return UserError(f"{_where(digits, text, source)} an integer has more than 64 bits.")


def _too_deep(text: str, source: str) -> UserError:
    run = re.search(r"(?:[\[{](?:\s|[\w-]+\s*=)*){8,}|(?:[\w-]+\s*\.\s*){8,}", text)
    return UserError(
        f"{_where(run, text, source)} lists or tables stand inside each other more than "
        f"{_DEEPEST} deep."
    )


def _where(match: re.Match[str] | None, text: str, source: str) -> str:
    return f"{source}:{text.count(chr(10), 0, match.start()) + 1}:" if match else f"{source}:"


def _syntax_message(message: str, text: str) -> str:
    """``":line: what is wrong"`` from the message of ``tomllib``."""
    place = re.search(r"\(at line (\d+), column \d+\)|\(at end of document\)", message)
    number = int(place.group(1)) if place and place.group(1) else len(text.splitlines())
    what = message[: place.start()].strip() if place else message
    lines = text.splitlines()
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    if "Cannot overwrite a value" in what or "Cannot declare" in what:
        what = "this key is set twice; keep one"
    return f":{number}: {what}: {line}" if line else f":{number}: {what}."


def line_of(text: str, location: Sequence[str | int]) -> int | None:
    """The line on which a key (or an element of its list) stands, counted from 1."""
    names = [part for part in location if isinstance(part, str)]
    for name in reversed(names):
        quoted = re.escape(name)
        key = rf"(?:{quoted}|\"{quoted}\"|'{quoted}')"
        match = re.search(rf"(?m)(?:^\s*|[{{,]\s*|\.){key}\s*(?:=|\.)|^\s*\[+\s*{key}\s*\]", text)
        if match:
            return text.count("\n", 0, match.end()) + 1
    return None


def line_of_text(text: str, value: str) -> int | None:
    """The first line on which a quoted text starts with ``value``."""
    match = re.search(rf"[\"']{re.escape(value)}\b", text) or re.search(re.escape(value), text)
    return text.count("\n", 0, match.start()) + 1 if match else None


def complaints(error: ValidationError, model: type[BaseModel], text: str, source: str) -> list[str]:
    """One sentence per mistake, each with file and line."""
    sentences = []
    for detail in error.errors(include_url=False):
        location = [part for part in detail["loc"] if isinstance(part, str | int)]
        number = line_of(text, location)
        where = f"{source}:{number}: " if number else f"{source}: "
        sentences.append(where + _sentence(detail, location, model))
    return sentences


def _sentence(detail: Any, location: Sequence[str | int], model: type[BaseModel]) -> str:
    name = ".".join(str(part) for part in location)
    kind = detail["type"]
    if kind == "extra_forbidden":
        return f"unknown key {name!r}. " + did_you_mean(str(location[-1]), model.model_fields)
    if kind == "missing":
        return f"the key {name!r} is missing."
    if kind == "literal_error":
        valid = re.findall(r"'([^']*)'", detail["ctx"]["expected"])
        near = did_you_mean(str(detail["input"]), valid)
        hint = f" {near}" if near.startswith("Did") and len(valid) > 1 else ""
        return f"{name} is {detail['input']!r}; it must be {detail['ctx']['expected']}.{hint}"
    if kind == "value_error":
        return f"{name}: {detail['ctx']['error']}"
    return f"{name} is {detail['input']!r}: {_lower(detail['msg'])}."


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:].rstrip(".")


def refuse(source: str, sentences: Iterable[str]) -> UserError:
    """One error that lists all mistakes of a file."""
    found = list(sentences)
    if len(found) == 1:
        return UserError(found[0])
    return UserError("\n".join([f"{source} has {len(found)} mistakes:", *found]))
