"""The page of a pipeline study."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from surrobench.report.common.provenance import Provenance
from surrobench.report.facts import pipeline_facts
from surrobench.report.page.charts import ChartStyles
from surrobench.report.page.contents import Saved, sections
from surrobench.report.page.study import seeds_line, span, study_page
from surrobench.report.pipeline.figures import styles as pipeline_styles
from surrobench.report.pipeline.results import PipelineResults
from surrobench.report.pipeline.tables import noise_text

_POOLS = "All predictors learned from the same short trainings for the same task and seed."


def pipeline_page(
    results: PipelineResults,
    saved: Sequence[Saved],
    origin: Provenance,
    omitted: Sequence[str] = (),
) -> str:
    """The page of a pipeline study as HTML.

    Arguments as of :func:`~surrobench.report.prediction.page.prediction_page`.
    """
    cells = results.rows.drop_duplicates(["task", "method", "seed"])
    seeds = cells.groupby(["task", "method"])["seed"].nunique()
    facts = [
        ("tasks", f"{len(results.tasks):,}"),
        ("candidates", span(cells["pool"].tolist())),
        ("short trainings", span(cells["train"].tolist())),
        ("picks of each method", span(cells["picks"].tolist())),
        ("full trainings of a pick", span(results.rows.groupby("task")["runs"].max().tolist())),
        ("seeds behind each mean", span(seeds.tolist())),
    ]
    lead = "Train a few architectures briefly, predict the others, train the best picks fully."
    told = " ".join(filter(None, (noise_text(results, task) for task in results.tasks)))
    return study_page(
        "Pipeline study",
        f"{lead} {told}".strip(),
        facts,
        sections(saved, ChartStyles(pipeline_styles(results))),
        results.failures,
        "cells",
        origin,
        seeds_line(pd.DataFrame({"seed": results.seeds}), _POOLS),
        pipeline_facts(results),
        omitted,
    )
