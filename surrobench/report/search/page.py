"""The page of a search study."""

from __future__ import annotations

from collections.abc import Sequence

from surrobench.report.common.provenance import Provenance
from surrobench.report.facts import search_facts
from surrobench.report.page.charts import ChartStyles
from surrobench.report.page.contents import Saved, sections
from surrobench.report.page.study import seeds_line, span, study_page
from surrobench.report.search.method_styles import SearchStyles
from surrobench.report.search.results import SearchResults

_STARTS = "All strategies start from the same architectures for the same task and seed."


def search_page(
    results: SearchResults,
    saved: Sequence[Saved],
    origin: Provenance,
    omitted: Sequence[str] = (),
) -> str:
    """The page of a search study as HTML.

    Arguments as of :func:`~surrobench.report.prediction.page.prediction_page`.
    """
    styled = [SearchStyles.of(part) for part in results.by_measure() if part.traces]
    everyone = {method: shown for paged in styled for method, shown in paged.styles.items()}
    chosen = [method for paged in styled for method in (paged.pages[0] if paged.pages else [])]
    budgets = sorted({round(trace.budget, 2) for trace in results.traces.values()})
    runs = sum(len(trace.runs) for trace in results.traces.values())
    seeds = results.rows.groupby(["task", "method"])["seed"].nunique()
    facts = [
        ("tasks", f"{len(results.tasks):,}"),
        ("strategies", f"{len(results.methods):,}"),
        ("budget in full trainings", span(budgets)),
        ("seeds behind each mean", span(seeds.tolist())),
        ("finished searches", f"{runs:,}"),
        ("evaluations", f"{len(results.rows):,}"),
    ]
    return study_page(
        "Search study",
        "Which strategy finds a good architecture first, at equal expense.",
        facts,
        sections(saved, ChartStyles(everyone, chosen)),
        results.failures,
        "searches",
        origin,
        seeds_line(results.rows, _STARTS),
        search_facts(results),
        omitted,
    )
