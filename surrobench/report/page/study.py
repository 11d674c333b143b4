"""The page of a study of each kind."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from surrobench.report.common.escaping import one_line
from surrobench.report.common.measures import Measure
from surrobench.report.common.provenance import Provenance
from surrobench.report.facts import pipeline_facts, prediction_facts, search_facts
from surrobench.report.figures.panels import highlights, styles
from surrobench.report.page.charts import ChartStyles
from surrobench.report.page.contents import Saved, sections
from surrobench.report.page.document import Page, Section, render
from surrobench.report.page.explorer import explorer
from surrobench.report.page.origin import failures_section, omitted_section, origin_sections
from surrobench.report.pipeline.figures import styles as pipeline_styles
from surrobench.report.pipeline.results import PipelineResults
from surrobench.report.pipeline.tables import noise_text
from surrobench.report.results import Results
from surrobench.report.search.method_styles import SearchStyles
from surrobench.report.search.results import SearchResults

_PAIRED = (
    "All methods saw the same training and test architectures for the same task, size and seed."
)
_POOLS = "All predictors learned from the same short trainings for the same task and seed."
_STARTS = "All strategies start from the same architectures for the same task and seed."


def prediction_page(
    results: Results,
    measure: Measure | None,
    saved: Sequence[Saved],
    origin: Provenance,
    omitted: Sequence[str] = (),
) -> str:
    """The page of a prediction study as HTML.

    Args:
        results: of the study.
        measure: that methods are ranked by; None if nothing succeeded.
        saved: exhibits with the files that they were saved as.
        origin: what is known of the runs.
        omitted: sentences that say what is not shown and why.
    """
    chosen = highlights(results, measure) if measure is not None else []
    palette = ChartStyles(styles(results), chosen)
    parts = list(sections(saved, palette))
    if measure is not None and len(results.sizes) > 1:
        parts.insert(1, Section("explore", "Any measure", items=(explorer(results, palette),)))
    seeds = results.ok.groupby(["task", "train_size", "method"])["seed"].nunique()
    facts = [
        ("tasks", f"{len(results.tasks):,}"),
        ("methods", f"{len(results.methods):,}"),
        ("training examples", _span(results.sizes)),
        ("seeds behind each mean", _span(seeds.tolist())),
        ("cells with a result", f"{len(results.ok):,} of {len(results.records):,}"),
    ]
    constant = results.constant_methods()
    lead = "How well performance predictors rank architectures that they have not seen."
    if constant:
        names = ", ".join(one_line(name, 60) for name in constant)
        lead += f" Constant predictions, whose correlations count as 0, came from {names}."
    return _page(
        "Prediction study", lead, facts, parts, results.failures, "cells", origin,
        _seeds(results.records, _PAIRED), prediction_facts(results), omitted,
    )  # fmt: skip


def search_page(
    results: SearchResults,
    saved: Sequence[Saved],
    origin: Provenance,
    omitted: Sequence[str] = (),
) -> str:
    """The page of a search study as HTML; see :func:`prediction_page`."""
    styled = [SearchStyles.of(part) for part in results.by_measure() if part.traces]
    everyone = {method: shown for paged in styled for method, shown in paged.styles.items()}
    chosen = [method for paged in styled for method in (paged.pages[0] if paged.pages else [])]
    budgets = sorted({round(trace.budget, 2) for trace in results.traces.values()})
    runs = sum(len(trace.runs) for trace in results.traces.values())
    seeds = results.rows.groupby(["task", "method"])["seed"].nunique()
    facts = [
        ("tasks", f"{len(results.tasks):,}"),
        ("strategies", f"{len(results.methods):,}"),
        ("budget in full trainings", _span(budgets)),
        ("seeds behind each mean", _span(seeds.tolist())),
        ("finished searches", f"{runs:,}"),
        ("evaluations", f"{len(results.rows):,}"),
    ]
    return _page(
        "Search study",
        "Which strategy finds a good architecture first, at equal expense.",
        facts,
        sections(saved, ChartStyles(everyone, chosen)),
        results.failures,
        "searches",
        origin,
        _seeds(results.rows, _STARTS),
        search_facts(results),
        omitted,
    )


def pipeline_page(
    results: PipelineResults,
    saved: Sequence[Saved],
    origin: Provenance,
    omitted: Sequence[str] = (),
) -> str:
    """The page of a pipeline study as HTML; see :func:`prediction_page`."""
    cells = results.rows.drop_duplicates(["task", "method", "seed"])
    seeds = cells.groupby(["task", "method"])["seed"].nunique()
    facts = [
        ("tasks", f"{len(results.tasks):,}"),
        ("candidates", _span(cells["pool"].tolist())),
        ("short trainings", _span(cells["train"].tolist())),
        ("picks of each method", _span(cells["picks"].tolist())),
        ("full trainings of a pick", _span(results.rows.groupby("task")["runs"].max().tolist())),
        ("seeds behind each mean", _span(seeds.tolist())),
    ]
    lead = "Train a few architectures briefly, predict the others, train the best picks fully."
    told = " ".join(filter(None, (noise_text(results, task) for task in results.tasks)))
    return _page(
        "Pipeline study",
        f"{lead} {told}".strip(),
        facts,
        sections(saved, ChartStyles(pipeline_styles(results))),
        results.failures,
        "cells",
        origin,
        _seeds(pd.DataFrame({"seed": results.seeds}), _POOLS),
        pipeline_facts(results),
        omitted,
    )


def _page(
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
    names = ", ".join(dict.fromkeys(one_line(run.name) for run in origin.runs))
    told = [failures_section(failures, unit), omitted_section(omitted)]
    everything = [*parts, *filter(None, told), *origin_sections(origin, seeds, cost)]
    return render(Page(names or kicker, kicker if names else "surrobench", lead, facts, everything))


def _span(values: Sequence[float]) -> str:
    if not len(values):
        return "–"
    low, high = min(values), max(values)
    return f"{low:,.6g}" if low == high else f"{low:,.6g} to {high:,.6g}"


def _seeds(rows: pd.DataFrame, sentence: str) -> str:
    numbers = sorted({int(seed) for seed in rows["seed"]})
    if not numbers:
        return sentence
    whole = numbers == list(range(numbers[0], numbers[-1] + 1))
    named = f"{numbers[0]} to {numbers[-1]}" if whole else ", ".join(map(str, numbers))
    return f"Seed {numbers[0]}. {sentence}" if len(numbers) == 1 else f"Seeds {named}. {sentence}"
