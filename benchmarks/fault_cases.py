"""Faults that surrobench survives: of each the mechanism, the tests, and the guard that they need.

A guard is a piece of the code that the mechanism consists of: the file, the text, and what it is
replaced by to remove it. A test that still passes without the guard of its case tests nothing;
``guards.py`` tries that.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Guard:
    """A piece of code, and what takes its place when it is removed."""

    file: str
    text: str
    instead: str


@dataclass(frozen=True)
class Case:
    """One fault: its name, what happens instead of harm, how, and which tests show it."""

    name: str
    case: str
    mechanism: str
    tests: tuple[str, ...]
    guard: Guard | None = None


FILE = Path(__file__).with_suffix(".toml")


def read() -> tuple[Case, ...]:
    """The cases of ``fault_cases.toml``; of a cluster's faults and of absent packages none."""
    with FILE.open("rb") as file:
        content = tomllib.load(file)["case"]
    return tuple(
        Case(
            one["name"],
            one["case"],
            one["mechanism"],
            tuple(one["tests"]),
            Guard(**one["guard"]) if "guard" in one else None,
        )
        for one in content
    )


CASES = read()
