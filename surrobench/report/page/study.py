"""What the pages of all kinds of studies share."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from surrobench.report.common.escaping import one_line
from surrobench.report.common.provenance import Provenance
from surrobench.report.page.document import Page, Section, render
from surrobench.report.page.origin import failures_section, omitted_section, origin_sections


def study_page(
    kicker: str,
    lead: str,
    facts: Sequence[tuple[str, str]],
    parts: Sequence[Section],
    failures: pd.DataFrame,
    unit: str,
    origin: Provenance,
    seeds: str,
    cost: Sequence[tuple[str, str]],
    omitted: Sequence[str],
) -> str:
    """A page as HTML, for whatever kind of study.

    Args:
        kicker: what kind of study it is.
        lead: a sentence about the question.
        facts: labels and texts on top.
        parts: sections in their order.
        failures: rows of what failed, each a ``unit``.
        unit: what fails: cells or searches.
        origin: what is known of the runs.
        seeds: a sentence about them.
        cost: labels and texts of what it took.
        omitted: sentences that say what is not shown and why.
    """
    names = ", ".join(dict.fromkeys(one_line(run.name) for run in origin.runs))
    told = [failures_section(failures, unit), omitted_section(omitted)]
    everything = [*parts, *filter(None, told), *origin_sections(origin, seeds, cost)]
    return render(Page(names or kicker, kicker if names else "surrobench", lead, facts, everything))


def span(values: Sequence[float]) -> str:
    """Least and greatest value, or the only one."""
    if not len(values):
        return "–"
    low, high = min(values), max(values)
    return f"{low:,.6g}" if low == high else f"{low:,.6g} to {high:,.6g}"


def seeds_line(rows: pd.DataFrame, sentence: str) -> str:
    """The seeds of some rows before a sentence about them."""
    numbers = sorted({int(seed) for seed in rows["seed"]})
    if not numbers:
        return sentence
    whole = numbers == list(range(numbers[0], numbers[-1] + 1))
    named = f"{numbers[0]} to {numbers[-1]}" if whole else ", ".join(map(str, numbers))
    return f"Seed {numbers[0]}. {sentence}" if len(numbers) == 1 else f"Seeds {named}. {sentence}"
