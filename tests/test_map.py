"""The ways through the code that CONTRIBUTING draws are there, and can be walked by name."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "surrobench"
MOST_JUMPS = 12


def ways() -> dict[str, list[str]]:
    """Places of each way, by its title."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    part = text.partition("## Ways through the code")[2].partition("\n## ")[0]
    found: dict[str, list[str]] = {}
    for title, places in re.findall(r"\*\*(.+?)\*\*(.*?)(?=\n\n\*\*|\Z)", part, re.DOTALL):
        for number, chain in enumerate(re.split(r";", places)):
            dotted = re.findall(r"`([a-z_]+(?:\.\w+)+)`", chain)
            if dotted:
                found[f"{title} {number}"] = dotted
    return found


def source(place: str) -> str:
    """The text of a function or class ``package.module.Class.method``."""
    parts = place.split(".")
    cut = next(i for i in range(len(parts), 0, -1) if module_of(parts[:i]).is_file())
    text = module_of(parts[:cut]).read_text(encoding="utf-8")
    body: list[ast.stmt] = ast.parse(text).body
    node: ast.stmt | None = None
    for name in parts[cut:]:
        named = [
            n for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == name
        ]
        assert named, f"CONTRIBUTING names {place}, but there is no {name}"
        node = named[0]
        body = node.body  # type: ignore[attr-defined]
    assert node is not None, f"{place} is a module"
    return ast.get_source_segment(text, node) or ""


def module_of(parts: list[str]) -> Path:
    return PACKAGE.joinpath(*parts).with_suffix(".py")


def test_there_are_ways() -> None:
    assert len(ways()) == 7


@pytest.mark.parametrize("title", ways())
def test_each_place_names_the_next(title: str) -> None:
    places = ways()[title]
    assert 2 <= len(places) <= MOST_JUMPS
    for place, following in pairwise(places):
        wanted = following.split(".")[-1]
        assert re.search(rf"\b{wanted}\b", source(place)), f"{place} does not name {wanted}"
    source(places[-1])
