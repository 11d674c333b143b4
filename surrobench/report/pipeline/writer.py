"""Everything that the results of a pipeline need, written into one folder."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import pandas as pd

from surrobench.base.wording import counted
from surrobench.report.common.escaping import markdown, one_line
from surrobench.report.common.exhibit import Exhibit
from surrobench.report.common.folder import (
    DEFAULT_FORMATS,
    NOT_MADE,
    Saved,
    check_formats,
    write_folder,
)
from surrobench.report.common.latex import latex_pages
from surrobench.report.common.provenance import Provenance
from surrobench.report.facts import pipeline_facts
from surrobench.report.page.views import view_of
from surrobench.report.pipeline.figures import comparable, picks_of_all, predicted_against_full
from surrobench.report.pipeline.judging import SHORT
from surrobench.report.pipeline.page import pipeline_page
from surrobench.report.pipeline.results import PipelineResults
from surrobench.report.pipeline.smaller import smaller_table
from surrobench.report.pipeline.tables import (
    costs_table,
    judge_text,
    noise_text,
    picks_table,
    summary_table,
)
from surrobench.report.prediction.index import page as markdown_page
from surrobench.report.tables import markdown_table


def write_pipeline_report(
    frame: pd.DataFrame | PipelineResults,
    folder: Path,
    formats: Collection[str] = DEFAULT_FORMATS,
    provenance: Provenance | None = None,
    *,
    extras: Iterable[Exhibit] = (),
    omitted: Sequence[str] = (),
    complete: bool = True,
) -> list[Path]:
    """Write every exhibit that the rows support, and ``report.md``, which lists them.

    Args:
        frame: rows of a pipeline study, one for each architecture that a cell looked at.
        folder: made if it does not exist; files of the same names are replaced.
        formats: any of ``csv`` (always written), ``md``, ``tex``, ``html``, ``pdf``, ``png``,
            ``svg``.
        provenance: what is known of the runs, for the appendix and the citations.
        extras: further exhibits, which come last.
        omitted: sentences that say what is not shown and why.
        complete: with everything; otherwise the essentials, tables of the means and the figure
            that one looks at first.

    Returns:
        The files written, ``report.md`` first.

    Raises:
        UserError: for rows that cannot be read, an unknown format, or a folder that cannot be
            written to.
    """
    check_formats(formats)
    results, origin = PipelineResults.of(frame), provenance or Provenance()
    made = exhibits if complete else essentials
    missing = [*omitted, *([] if complete else [NOT_MADE])]

    def overview(saved: Sequence[Saved]) -> str:
        lead = ["# Report", _overview(results), *_failures(results)]
        return markdown_page(lead, saved, missing)

    def page(saved: Sequence[Saved]) -> str:
        return pipeline_page(results, saved, origin, missing)

    pages = [
        ("report.md", overview),
        ("report.html", page),
        *latex_pages(origin, lambda: pipeline_facts(results)),
    ]
    return write_folder(chain(made(results), extras), Path(folder), formats, pages, view_of)


def mean_tables(results: PipelineResults) -> Iterator[Exhibit]:
    """All tables; only the failures if nothing succeeded."""
    if results.rows.empty:
        yield Exhibit("pipeline-failures", "No cell has a result.", results.failures)
        return
    yield summary_table(results)
    yield picks_table(results)
    if small := smaller_table(results):
        yield small
    yield costs_table(results)


def essentials(results: PipelineResults) -> Iterator[Exhibit]:
    """All tables, and the picks of all methods."""
    yield from mean_tables(results)
    for task, suffix in _suffixes(results):
        yield from _picks(results, task, suffix)


def exhibits(results: PipelineResults) -> Iterator[Exhibit]:
    """All exhibits, one at a time; only the failures if nothing succeeded."""
    yield from mean_tables(results)
    for task, suffix in _suffixes(results):
        yield from _picks(results, task, suffix)
        yield from _predicted(results, task, suffix)


def _suffixes(results: PipelineResults) -> Iterator[tuple[str, str]]:
    """The tasks, each with what ends the names of its files."""
    tasks = list(dict.fromkeys(results.rows["task"])) if len(results.rows) else []
    for number, task in enumerate(tasks, start=1):
        yield task, f"-{number}" if len(tasks) > 1 else ""


def _picks(results: PipelineResults, task: str, suffix: str) -> Iterator[Exhibit]:
    picks = results.rows[(results.rows["task"] == task) & (results.rows["pick"] > 0)]
    best = "best candidate" if results.complete(task) else "best that anybody found"
    judged = SHORT.get(results.judge(task))
    if picks["judged"].notna().any():
        caption = (
            f"Values of all picks on {task} after full training"
            f"{f' ({judged})' if judged else ''}, over all seeds. The large marker "
            "is the best pick of a seed (without an interval, for it was chosen by these "
            f"trainings), the short line the mean of the picks, grey lines the {best} (one for "
            "each seed)."
        )
        columns = ["task", "method", "seed", "pick", "arch", "value", "value_std", "runs", "judged"]
        yield Exhibit(
            f"pipeline-picks-of-all{suffix}", caption, picks[columns], picks_of_all(results, task)
        )


def _predicted(results: PipelineResults, task: str, suffix: str) -> Iterator[Exhibit]:
    seed = min(results.rows.loc[results.rows["task"] == task, "seed"])
    rows = comparable(results, task, seed)
    if len(rows):
        caption = (
            f"Predicted against full values on {task}, seed {seed}. Predictors learn from short "
            "trainings, so what they predict is lower; the order counts. In grey architectures "
            "that were not chosen for their value; in colour the picks, with central 95 % "
            "predictive intervals where the predictor has them. τ is that of the reference: of "
            "grey ones, and of those among the picks that belong to it."
        )
        columns = ["task", "method", "seed", "arch", "pick", "reference", "predicted"]
        columns += ["predicted_std", "brief_value", "value", "judged"]
        figure = predicted_against_full(results, task, seed)
        yield Exhibit(f"pipeline-predicted{suffix}", caption, rows[columns], figure)


def _overview(results: PipelineResults) -> str:
    cells = results.rows.drop_duplicates(["task", "method", "seed"])
    seeds = cells.groupby(["task", "method"])["seed"].nunique()
    lines = [
        f"- Tasks: {', '.join(markdown(task) for task in results.tasks)}",
        f"- Methods: {len(results.methods)}",
        f"- Cells: {len(cells) + len(results.failures):,}, of which "
        f"{counted(len(cells), 'has', 'have')} results",
    ]
    if len(seeds):
        lines.append(f"- Seeds behind each mean: {seeds.min()} to {seeds.max()}")
        if seeds.max() == 1:
            lines.append("- One seed says nothing about chance: there are no intervals over seeds.")
    if told := judge_text(results):
        lines.append(f"- {markdown(told)}")
    lines += [
        f"- {markdown(text)}" for task in results.tasks if (text := noise_text(results, task))
    ]
    return "\n".join(lines)


def _failures(results: PipelineResults) -> list[str]:
    if results.failures.empty:
        return []
    counts = results.failures.groupby(["method", "task", "status", "reason"], sort=False).size()
    table = counts.rename("cells").reset_index()
    text = pd.DataFrame(
        {
            "task": table["task"].map(markdown),
            "cells": table["cells"].astype(str),
            "status": table["status"].map(markdown),
            "reason": table["reason"].map(lambda reason: markdown(one_line(reason, 300))),
        }
    ).set_index(pd.Index(table["method"].map(markdown), name="method"))
    heading = f"## Cells without a result: {len(results.failures):,}"
    return [heading, "They are left out of all means.", markdown_table(text, ":--")]
