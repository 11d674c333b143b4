"""``report.md``: what a report holds, how many seeds stand behind it and what failed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from surrobench.base.wording import counted
from surrobench.report.common.escaping import markdown, one_line
from surrobench.report.common.exhibit import Exhibit
from surrobench.report.results import Results
from surrobench.report.tables import markdown_table

MOST_REASONS = 50
MOST_WORDS = 400
"""Characters of a sentence that says what is not shown."""
_LATEX = (
    "`report.tex` inputs all tables and figures, `appendix.tex` is the reproducibility appendix, "
    "`references.bib` (if present) holds what to cite."
)


def index_page(
    results: Results,
    exhibits: Sequence[tuple[Exhibit, Sequence[Path]]],
    omitted: Sequence[str] = (),
) -> str:
    """The page in Markdown: overview, failures, exhibits with captions and files, what is left."""
    lead = ["# Report", _overview(results), *_failures(results), *_constant(results)]
    return page(lead, exhibits, omitted)


def page(
    lead: Sequence[str],
    exhibits: Sequence[tuple[Exhibit, Sequence[Path]]],
    omitted: Sequence[str] = (),
) -> str:
    """A page that begins with ``lead`` and lists tables and figures with their files.

    What is ``omitted``, and why, is said at the end.
    """
    parts = list(lead)
    tables = [item for item in exhibits if item[0].figure is None]
    parts += ["## Tables", _tables(tables), "## Figures"]
    parts += [_figure(exhibit, paths) for exhibit, paths in exhibits if exhibit.figure is not None]
    if len(tables) == len(exhibits):
        parts[-1] = "There are no figures."
    if omitted:
        lines = [f"- {markdown(one_line(sentence, MOST_WORDS))}" for sentence in omitted]
        parts += ["## Not shown", "\n".join(lines)]
    if any(path.suffix == ".tex" for _, paths in exhibits for path in paths):
        parts += ["## For a paper", _LATEX]
    return "\n\n".join(parts) + "\n"


def _overview(results: Results) -> str:
    seeds = results.ok.groupby(["task", "train_size", "method"])["seed"].nunique()
    sizes = ", ".join(f"{size:,}" for size in results.sizes)
    lines = [
        f"- Tasks: {', '.join(markdown(task) for task in results.tasks)}",
        f"- Methods: {len(results.methods)}",
        f"- Training examples: {sizes}",
        f"- Cells: {len(results.records):,}, of which "
        f"{counted(len(results.ok), 'has', 'have')} results",
    ]
    if len(seeds):
        low, high = int(seeds.min()), int(seeds.max())
        text = f"{low}" if low == high else f"{low} to {high}"
        lines.append(f"- Seeds behind each mean: {text}")
        if high == 1:
            lines.append("- One seed says nothing about chance: there are no intervals or tests.")
    return "\n".join(lines)


def _failures(results: Results) -> list[str]:
    """Cells without a result, by method, task and reason."""
    if results.failures.empty:
        return []
    keys = ["method", "task", "status", "reason"]
    groups = results.failures.groupby(keys, sort=False)
    table = groups.agg(
        cells=("seed", "size"),
        sizes=("train_size", lambda s: ", ".join(map(str, sorted(set(s))))),
    )
    table = table.sort_values("cells", ascending=False, kind="stable").reset_index()
    more = len(table) - MOST_REASONS
    table = table.head(MOST_REASONS)
    text = pd.DataFrame(
        {
            "task": table["task"].map(markdown),
            "train size": table["sizes"],
            "cells": table["cells"].astype(str),
            "status": table["status"].map(markdown),
            "reason": table["reason"].map(lambda reason: markdown(one_line(reason, 300))),
        }
    ).set_index(pd.Index(table["method"].map(markdown), name="predictor"))
    ending = f"\nand {counted(more, 'more kind')} of failure.\n" if more > 0 else ""
    heading = f"## Cells without a result: {len(results.failures):,}"
    return [heading, "They are left out of all means.", markdown_table(text, ":--") + ending]


def _constant(results: Results) -> list[str]:
    methods = results.constant_methods()
    if not methods:
        return []
    names = ", ".join(markdown(method) for method in methods)
    return [f"Constant predictions, whose correlations count as 0, came from: {names}."]


def _links(paths: Sequence[Path]) -> str:
    return ", ".join(f"[{path.name}]({path.as_posix()})" for path in paths)


def _tables(tables: Sequence[tuple[Exhibit, Sequence[Path]]]) -> str:
    lines = [f"- {markdown(exhibit.caption)} {_links(paths)}" for exhibit, paths in tables]
    return "\n".join(lines) + "\n\nEach table says what its marks mean."


def _figure(exhibit: Exhibit, paths: Sequence[Path]) -> str:
    image = [f"![{exhibit.name}]({path.as_posix()})" for path in paths if path.suffix == ".png"]
    return "\n\n".join(["### " + exhibit.name, *image, markdown(exhibit.caption), _links(paths)])
