"""Checks every comparing sentence and every table of the pages against the results.

    python benchmarks/claims.py            # recompute all, print what is no longer so
    python benchmarks/claims.py --write    # write the numbers of today into the pages as well
    python benchmarks/claims.py --page nb201-search --write    # of pages with this in their path

``results/claims/*.toml`` lists, for one page each, sentences with the data, the command that makes
it, numbers, tests and verdicts (``claim_list.py`` says how). Fails if a number or a verdict is no
longer so, a sentence or table is not in its page, or a page has a comparing word or a table of
numbers that nothing lists. ``results/claims.md`` shows all sentences beside their evidence.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd
from claim_data import Frames
from claim_list import Claim, ClaimList, Data, Table, read_list
from claim_numbers import evaluate, holds
from claim_pages import (
    comparing,
    filled,
    names,
    pattern,
    replace_spans,
    sentence_at,
    tables,
)
from claim_tables import computed
from claim_tests import outcomes

from surrobench.errors import UserError

ROOT = Path(__file__).parents[1]
PAGES = (
    *("README.md", "CHANGELOG.md", "results/*/README.md", "examples/**/README.md"),
    *("docs/*.md", "docs/how-to/*.md", "docs/concepts/*.md"),
)
HEAD = """# Sentences that compare, and what they rest on

Made by `python benchmarks/claims.py --write` from the lists in `results/claims/`; the same command
without `--write` fails if one is no longer so. Tests flip the signs of whole units (seeds, tables);
p-values are adjusted for all comparisons of a sentence. *Ahead* and *behind* are decided at 5 %,
*undecided* cannot be told apart. Tables of the pages are recomputed cell by cell.
"""
_LINK = re.compile(r"\[([^\]]*)\]\([^)\s]*\)")


def unlinked(text: str) -> str:
    """Markdown without its links, which lead from another page elsewhere than from its own."""
    return _LINK.sub(r"\1", text)


@dataclass
class Checked:
    """A page after its check: what is wrong, its text with today's numbers, the evidence."""

    page: str
    text: str
    problems: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    listed: list[tuple[int, int]] = field(default_factory=list)
    spans: list[tuple[int, int, str]] = field(default_factory=list)

    @property
    def rewritten(self) -> str:
        """The page with today's numbers."""
        return replace_spans(self.text, self.spans)


def check_page(listed: ClaimList, root: Path, cache: dict[Data, pd.DataFrame]) -> Checked:
    """Check one page against its list."""
    path = root / listed.page
    if not path.is_file():
        raise UserError(f"{listed.page} is not there")
    checked = Checked(listed.page, path.read_text(encoding="utf-8"))
    frames = Frames(root, listed.data, cache)
    for claim in listed.claim:
        _guarded(checked, claim.sentence, partial(_check_claim, claim, checked, frames))
    known = [_table_start(table, checked) for table in listed.table]
    for table, start in zip(listed.table, known, strict=True):
        if start is not None:
            check = partial(_check_table, table, start, checked, frames, root)
            _guarded(checked, table.header, check)
    for page_table in tables(checked.text):
        if page_table.start not in known and page_table.has_numbers:
            checked.problems.append(f"a table of numbers is not listed: {page_table.header}")
    _check_words(listed, checked)
    return checked


def _guarded(checked: Checked, what: str, check: Callable[[], None]) -> None:
    """Errors of one claim are problems of the page; the others are checked all the same."""
    try:
        check()
    except (
        UserError,
        KeyError,
        ValueError,
        SyntaxError,
        pd.errors.UndefinedVariableError,
    ) as error:
        checked.problems.append(f"cannot be computed: {what}\n    {type(error).__name__}: {error}")


def _check_claim(claim: Claim, checked: Checked, frames: Frames) -> None:
    places = list(pattern(claim.sentence).finditer(checked.text))
    if not places:
        checked.problems.append(f"not in the page: {claim.sentence}")
    checked.listed += [place.span() for place in places]
    values = evaluate(claim.numbers, frames)
    missing = sorted(set(names(claim.sentence)) - set(values))
    if missing:
        raise UserError(f"no number named {', '.join(missing)}")
    now = filled(claim.sentence, values)
    for place in places:
        if place[0].lower() != now.lower():
            checked.problems.append(f"no longer so: {place[0]}\n    now: {now}")
        text = now if place[0].lower() != now.lower() else place[0]
        checked.spans.append((place.start(), place.end(), text))
    tested = outcomes(claim.tests, frames)
    for outcome in tested:
        if outcome.verdict != outcome.expected:
            checked.problems.append(
                f"verdict is no longer '{outcome.expected}': {now}\n    {outcome.text()}"
            )
    for condition in claim.holds:
        if not holds(condition, values):
            checked.problems.append(f"does not hold: {condition}, for: {now}")
    checked.evidence.append(_evidence(claim, now, values, [o.text() for o in tested], frames))


def _evidence(
    claim: Claim, now: str, values: dict[str, float], tested: list[str], frames: Frames
) -> str:
    lines = [f"- “{unlinked(now)}”"]
    used = dict.fromkeys([n.data for n in claim.numbers.values() if n.data])
    used |= dict.fromkeys(test.data for test in claim.tests)
    lines += [f"  - data: {frames.source(name)}" for name in used]
    if values:
        lines.append("  - numbers: " + ", ".join(f"{k} = {v:.4g}" for k, v in values.items()))
    lines += [f"  - holds: `{condition}`" for condition in claim.holds]
    lines += [f"  - test: {text}" for text in tested]
    lines += [f"  - {claim.note}"] if claim.note else []
    return "\n".join(lines)


def _table_start(table: Table, checked: Checked) -> int | None:
    found = [t.start for t in tables(checked.text) if t.header == table.header]
    if len(found) == 1:
        return found[0]
    checked.problems.append(f"{len(found)} tables in the page have the header {table.header}")
    return None


def _check_table(table: Table, start: int, checked: Checked, frames: Frames, root: Path) -> None:
    old = next(t for t in tables(checked.text) if t.start == start)
    if table.unchecked:
        checked.evidence.append(f"- table {table.header}\n  - not checked: {table.unchecked}")
        return
    now, before = computed(table, old, frames, root), old.cells[1:]
    for line in difflib.ndiff([" | ".join(r) for r in before], [" | ".join(r) for r in now]):
        if line[0] in "-+":
            what = "no longer so" if line[0] == "-" else "now"
            checked.problems.append(f"table row {what}: | {line[2:]} |")
    checked.spans.append((start, start + len(old.text), old.with_rows(now)))
    sources = [frames.source(name) for name in frames.names()]
    from_where = f"`{table.copy_of}`" if table.copy_of else "; ".join(sources)
    checked.evidence.append(f"- table {old.header}, {len(now)} rows\n  - data: {from_where}")


def _check_words(listed: ClaimList, checked: Checked) -> None:
    """Every comparing word must lie in a listed sentence, or in what is exempt."""
    spans = list(checked.listed)
    for exemption in listed.exempt:
        start = checked.text.find(exemption.text)
        if start < 0:
            checked.problems.append(f"exempt, but not in the page: {exemption.text}")
        while start >= 0:
            spans.append((start, start + len(exemption.text)))
            start = checked.text.find(exemption.text, start + 1)
    unlisted: dict[str, list[str]] = {}
    for match in comparing(checked.text):
        if not any(start <= match.start() and match.end() <= end for start, end in spans):
            unlisted.setdefault(sentence_at(checked.text, match.start()), []).append(match[0])
    for sentence, words in unlisted.items():
        checked.problems.append(f"compares ({', '.join(words)}), but is not listed: {sentence}")


def check_all(
    root: Path, cache: dict[Data, pd.DataFrame] | None = None, part: str = ""
) -> list[Checked]:
    """Check every page of a repository, or those with ``part`` in their path.

    ``cache`` keeps the data between two calls.

    Raises:
        UserError: if a list cannot be read or two lists are for one page.
    """
    lists = [read_list(path) for path in sorted((root / "results" / "claims").glob("*.toml"))]
    by_page = {listed.page: listed for listed in lists}
    if len(by_page) < len(lists):
        raise UserError("results/claims/ holds two lists for one page")
    pages = [str(path.relative_to(root)) for glob in PAGES for path in sorted(root.glob(glob))]
    cache = {} if cache is None else cache
    order = [*pages, *(page for page in by_page if page not in pages)]
    chosen = [page for page in order if part in page]
    return [check_page(by_page.get(page, ClaimList(page=page)), root, cache) for page in chosen]


def evidence(pages: list[Checked]) -> str:
    """The text of ``results/claims.md``."""
    parts = [f"## {p.page}\n\n" + "\n".join(p.evidence) + "\n" for p in pages if p.evidence]
    return HEAD + "\n" + "\n".join(parts)


def main(root: Path = ROOT, write: bool = False, part: str = "") -> int:
    """Print what is no longer so; 1 if anything is. ``results/claims.md`` needs all pages."""
    cache: dict[Data, pd.DataFrame] = {}
    pages = check_all(root, cache, part)
    listed = root / "results" / "claims.md"
    if write:
        for page in pages:
            (root / page.page).write_text(page.rewritten, encoding="utf-8")
        pages = check_all(root, cache, part)
        if not part:
            listed.write_text(evidence(pages), encoding="utf-8")
    elif not part and (
        not listed.is_file() or listed.read_text(encoding="utf-8") != evidence(pages)
    ):
        print("results/claims.md: not of today; python benchmarks/claims.py --write\n")
    for page in pages:
        print(f"{page.page}: {len(page.evidence)} listed, {len(page.problems)} wrong")
        for problem in page.problems:
            print(f"  - {problem}")
    return int(any(page.problems for page in pages))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--write", action="store_true", help="write today's numbers into the pages")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository")
    parser.add_argument("--page", default="", help="only pages with this in their path")
    options = parser.parse_args()
    try:
        sys.exit(main(options.root, options.write, options.page))
    except UserError as error:
        sys.exit(str(error))
