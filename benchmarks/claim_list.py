"""What a list of claims may say: the sentences and tables of one page, and what they rest on.

A list is a TOML file. Sentences are written with ``{name}`` in the place of every number, so that
the page can be checked, and written again, from the data. All conditions are pandas queries.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from surrobench.errors import UserError

Take = Literal[
    "mean", "median", "min", "max", "sum", "std", "half", "size", "count", "nunique", "only",
    "quantile", "above", "rank", "leading", "methods",
]  # fmt: skip
Verdict = Literal["ahead", "behind", "undecided"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(_Strict):
    """A file of results: ``view`` says what is made of its rows (see ``claim_data``)."""

    file: str
    command: str
    view: Literal["rows", "prediction", "search", "choices", "smaller", "costs"] = "rows"


class Number(_Strict):
    """One number: rows that match ``where``, their ``value``, means ``per`` group, then ``take``.

    ``above`` counts values (means, if ``per``) of at least ``q``.
    ``formula`` computes with other numbers of the claim instead. ``by`` names the column of methods
    for ``rank`` (mean rank over ``per`` of the method ``of``), ``leading`` (how many of the first
    places by mean rank match the regular expression ``of``) and ``methods`` (how many are ranked,
    of those that match ``of``); ``weigh`` is a column whose values weigh equally in mean ranks.
    """

    data: str = ""
    where: str = ""
    value: str = ""
    per: list[str] = []
    take: Take = "mean"
    q: float = 0.5
    by: str = ""
    of: str = ""
    weigh: str = ""
    larger: bool = True
    formula: str = ""


class Test(_Strict):
    """Methods compared with each other, pair by pair, over independent units.

    ``first`` and ``second`` are values of the column ``method``; after ``~``
    all values that match a regular expression. ``pairs`` are pairs of single values instead.
    ``each`` are columns whose values are tested one by one. Scores are averaged within a ``unit``
    (a seed, a table), and paired over units: the signs of a unit's differences flip together, and
    p-values are adjusted for all comparisons of the ``family``, by default those of the claim
    (step-down maxima: ``surrobench.report.statistics.sign_flips``). ``all_pairs`` adjusts for all
    pairs of methods in the data, as the reports do.
    """

    data: str
    value: str
    method: str
    first: str | list[str] = []
    second: str | list[str] = []
    pairs: list[tuple[str, str]] = []
    where: str = ""
    each: dict[str, list[Any]] = {}
    unit: list[str] = ["seed"]
    larger: bool = True
    family: str = ""
    all_pairs: bool = False
    verdict: Verdict


class Claim(_Strict):
    """A sentence, or a part of one, with its numbers, its tests and what must hold of them."""

    sentence: str
    numbers: dict[str, Number] = {}
    tests: list[Test] = []
    holds: list[str] = []
    note: str = ""


class Part(_Strict):
    """What a row or a column adds to the cells of a table."""

    heading: str = ""
    where: str = ""
    cell: str = ""
    numbers: dict[str, Number] = {}
    unchecked: str = ""


class Table(_Strict):
    """A table of a page, found by its header. A cell is a template; rows and columns add to it.

    ``copy_of`` names a Markdown file that holds the table. Otherwise rows are those of ``rows``, or
    the values of the column ``by`` under their ``labels``, in the order of the number ``sort``
    (of a ``rank``: of the method) or, without it, of the labels or the page.
    ``where`` of a row and of a column are added to every number of the cell. A part that is
    ``unchecked`` says why.
    """

    header: str
    copy_of: str = ""
    by: str = ""
    labels: dict[str, str] = {}
    sort: Number | None = None
    descending: bool = False
    rows: list[Part] = []
    columns: list[Part] = []
    numbers: dict[str, Number] = {}
    cell: str = ""
    unchecked: str = ""


class Exemption(_Strict):
    """Words that compare nothing, or rest on what no file here holds, and why."""

    text: str
    reason: str


class ClaimList(_Strict):
    """All claims of one page. Numbers and tests without ``data`` have those of ``default``."""

    page: str
    default: dict[str, Any] = {}
    data: dict[str, Data] = {}
    claim: list[Claim] = []
    table: list[Table] = []
    exempt: list[Exemption] = Field(default_factory=list)


def read_list(path: Path) -> ClaimList:
    """Read a list of claims.

    Raises:
        UserError: if it is no valid TOML, or says what no list may say.
    """
    try:
        listed = tomllib.loads(path.read_text(encoding="utf-8"))
        return ClaimList.model_validate(_completed(listed, listed.get("default", {})))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise UserError(f"{path}: {error}") from error


def _completed(part: Any, default: dict[str, Any]) -> Any:
    """The same with ``default`` in numbers and tests that name no data."""
    if isinstance(part, list):
        return [_completed(item, default) for item in part]
    if not isinstance(part, dict):
        return part
    done = {key: _completed(value, default) for key, value in part.items() if key != "default"}
    for number in (*done.get("numbers", {}).values(), *done.get("tests", ()), done.get("sort", {})):
        if "data" not in number and "formula" not in number:
            number.update({key: value for key, value in default.items() if key not in number})
    return done
