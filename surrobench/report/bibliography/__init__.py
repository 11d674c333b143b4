"""BibTeX for every part that a study used."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from surrobench.report.common.provenance import Citation

_ENTRY = re.compile(r"^@\w+\{\s*([^,\s{}]+)\s*,.*?(?=^@|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Bibliography:
    """Citations, and the names of parts that have none."""

    citations: tuple[Citation, ...]
    without: tuple[str, ...]


def entries(bibtex: str) -> dict[str, str]:
    """The entries of some BibTeX by key; what is no entry is left out."""
    return {found[1]: found[0].strip() for found in _ENTRY.finditer(bibtex)}


@cache
def references() -> dict[str, str]:
    """The entries that come with the package."""
    return entries((files(__name__) / "references.bib").read_text(encoding="utf-8"))


@cache
def parts() -> dict[str, dict[str, list[str]]]:
    """Keys to cite, by kind of part and name."""
    return tomllib.loads((files(__name__) / "parts.toml").read_text(encoding="utf-8"))


def cite(used: Mapping[str, Iterable[str]], tasks: Mapping[str, str]) -> Bibliography:
    """What to cite for parts and tasks.

    Args:
        used: names of the parts used by kind (``predictors``, ``encodings``, ``strategies``,
            ``acquisitions``, ``statistics``, ``study``); they may carry options and transforms
            (``path:40``, ``gp-rbf-ard+quantile-normal``).
        tasks: BibTeX of each task, empty if there is none.

    Returns:
        Citations sorted by key.
    """
    found: dict[str, str] = {}
    reasons: dict[str, dict[str, None]] = {}
    without: dict[str, None] = {}
    for kind, names in used.items():
        for name in dict.fromkeys(part for text in names for part in _parts(kind, text)):
            keys = parts()[kind].get(name)
            if keys is None:
                without[name] = None
            for key in keys or ():
                found[key] = references()[key]
                reasons.setdefault(key, {})[name] = None
    for task, text in tasks.items():
        own = entries(text)
        if not own:
            without[task] = None
        for key, entry in own.items():
            found.setdefault(key, entry)
            reasons.setdefault(key, {})[task] = None
    citations = [Citation(key, found[key], tuple(reasons[key])) for key in sorted(found)]
    return Bibliography(tuple(citations), tuple(without))


def _parts(kind: str, text: str) -> list[str]:
    """The names in the text of a part: encodings are sums, predictors carry transforms."""
    pieces = [piece.split(":")[0].strip() for piece in text.split("+")]
    if kind == "encodings":
        return [piece for piece in pieces if piece]
    return [pieces[0].removesuffix("-tuned").removesuffix("-ard")] if pieces[0] else []
