"""The page of a prediction study."""

from __future__ import annotations

from collections.abc import Sequence

from surrobench.report.common.escaping import one_line
from surrobench.report.common.measures import Measure
from surrobench.report.common.provenance import Provenance
from surrobench.report.facts import prediction_facts
from surrobench.report.figures.panels import highlights, styles
from surrobench.report.page.charts import ChartStyles
from surrobench.report.page.contents import Saved, sections
from surrobench.report.page.document import Section
from surrobench.report.page.explorer import explorer
from surrobench.report.page.study import seeds_line, span, study_page
from surrobench.report.results import Results

_PAIRED = (
    "All methods saw the same training and test architectures for the same task, size and seed."
)


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
        ("training examples", span(results.sizes)),
        ("seeds behind each mean", span(seeds.tolist())),
        ("cells with a result", f"{len(results.ok):,} of {len(results.records):,}"),
    ]
    constant = results.constant_methods()
    lead = "How well performance predictors rank architectures that they have not seen."
    if constant:
        names = ", ".join(one_line(name, 60) for name in constant)
        lead += f" Constant predictions, whose correlations count as 0, came from {names}."
    return study_page(
        "Prediction study", lead, facts, parts, results.failures, "cells", origin,
        seeds_line(results.records, _PAIRED), prediction_facts(results), omitted,
    )  # fmt: skip
