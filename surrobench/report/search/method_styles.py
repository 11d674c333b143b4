"""How the methods of a search look, and which of them share a page.

A search compares dozens of methods, and no palette has dozens of colours that stay apart. So
methods are put on pages of at most :data:`PER_PAGE`: the best of every family and then the best of
the rest on the first. On one page all colours and all markers differ; the dash tells the pages
apart. Random search is on every page and always looks the same. A method has one look in all
figures of a report.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from surrobench.report.common.style import (
    DASH_DOT,
    DASHED,
    DOTTED,
    SOLID,
    Dash,
    MethodStyle,
    method_style,
)
from surrobench.report.search.results import SearchResults

PER_PAGE = 8
BASELINE = "random"

_BASELINE_STYLE = MethodStyle("baseline", "#3d434a", "p", DOTTED)
_PALETTE = (
    ("#0072b2", "o"),
    ("#e69f00", "P"),
    ("#009e73", "s"),
    ("#d55e00", "X"),
    ("#cc79a7", "<"),
    ("#332288", "^"),
    ("#56b4e9", "D"),
    ("#882255", "v"),
    ("#8a7f1e", ">"),
    ("#000000", "d"),
)
_DASHES: tuple[Dash, ...] = (SOLID, DASHED, DASH_DOT, DOTTED)
_FAMILIES = {
    "random": "baseline",
    "local-search": "local search",
    "regularised-evolution": "evolution",
    "genetic": "evolution",
    "estimation-of-distribution": "evolution",
    "nsga2": "evolution",
    "npenas": "screened evolution",
    "progressive": "progressive",
    "reinforce": "reinforcement learning",
    "ppo": "reinforcement learning",
    "reinforce-transformer": "reinforcement learning",
    "q-learning": "reinforcement learning",
    "successive-halving": "multi-fidelity",
    "hyperband": "multi-fidelity",
    "bohb": "multi-fidelity",
    "optuna-tpe": "library",
    "optuna-gp": "library",
    "smac": "library",
}
_PREFERRED = {
    "Gaussian process": 0,
    "trees": 1,
    "evolution": 2,
    "neural": 3,
    "reinforcement learning": 4,
    "multi-fidelity": 5,
    "library": 6,
    "local search": 7,
    "screened evolution": 8,
    "progressive": 9,
}


@dataclass(frozen=True)
class SearchStyles:
    """Who appears where: ``pages`` of methods, best first, and the look of every method."""

    pages: list[list[str]]
    styles: dict[str, MethodStyle]

    @classmethod
    def of(cls, results: SearchResults) -> SearchStyles:
        """The pages and looks of a study."""
        order = results.order
        families = {method: _family(results, method) for method in order}
        pages = _paged([m for m in order if m != BASELINE], families)
        styles = {BASELINE: _BASELINE_STYLE}
        for number, page in enumerate(pages):
            styles |= _styled(page, families, number)
        present = [BASELINE] if BASELINE in order else []
        shown = [sorted([*page, *present], key=order.index) for page in pages]
        return cls(shown or [present], styles)


def _family(results: SearchResults, method: str) -> str:
    """By the name that the label begins with, or by the predictor."""
    identity = results.identities.loc[method]
    known = re.match(r"[a-z0-9-]*", str(identity["strategy"]))
    name = known[0] if known else ""
    if name in _FAMILIES:
        return _FAMILIES[name]
    return method_style(str(identity["predictor"])).family if identity["predictor"] else "other"


def _paged(order: list[str], families: dict[str, str]) -> list[list[str]]:
    """The best of every family and then of the rest first; one page if it hardly overflows."""
    if len(order) <= PER_PAGE + 2:
        return [order] if order else []
    leaders = {families[method]: method for method in reversed(order)}
    first = [method for method in order if leaders[families[method]] == method][:PER_PAGE]
    rest = [method for method in order if method not in first]
    filled = PER_PAGE - len(first)
    queue = rest[filled:]
    pages = [queue[i : i + PER_PAGE] for i in range(0, len(queue), PER_PAGE)]
    return [sorted([*first, *rest[:filled]], key=order.index), *pages]


def _styled(page: list[str], families: dict[str, str], number: int) -> dict[str, MethodStyle]:
    """Distinct colours and markers; a family has its own colour where that is still free."""
    places: dict[str, int] = {}
    for method in page:
        wanted = _PREFERRED.get(families[method])
        if wanted is not None and wanted not in places.values():
            places[method] = wanted
    free = [place for place in range(len(_PALETTE)) if place not in places.values()]
    places |= zip([method for method in page if method not in places], free, strict=False)
    styles = {}
    for method in page:
        colour, marker = _PALETTE[places[method]]
        dash, hollow = _DASHES[number % 4], number // 4 % 2 == 1
        styles[method] = MethodStyle(families[method], colour, marker, dash, hollow)
    return styles
