"""Everything that the results section of a search needs, written into one folder."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import pandas as pd

from surrobench.errors import UserError, did_you_mean
from surrobench.report.exhibit import FORMATS, Exhibit
from surrobench.report.search.curves import against_expense
from surrobench.report.search.front_panels import draw_fronts, fronts_of
from surrobench.report.search.index import index_page
from surrobench.report.search.looks import Cast
from surrobench.report.search.profiles import draw_profile, profile
from surrobench.report.search.records import REGRET
from surrobench.report.search.results import SearchResults
from surrobench.report.search.tables import (
    comparison_table,
    identified,
    pairs_tables,
    prefix,
    ranks_table,
    summary_table,
)
from surrobench.report.style import ONE_COLUMN, TWO_COLUMNS
from surrobench.report.writer import DEFAULT_FORMATS

PANELS = 12
"""A figure of more tasks is continued in further files."""


def write_search_report(
    frame: pd.DataFrame | SearchResults,
    folder: Path,
    formats: Collection[str] = DEFAULT_FORMATS,
    fronts: pd.DataFrame | None = None,
) -> list[Path]:
    """Write every exhibit that the evaluations support, and ``report.md``, which lists them.

    Args:
        frame: evaluations of a search, one a row.
        folder: made if it does not exist; files of the same names are replaced.
        formats: any of ``csv`` (always written), ``md``, ``tex``, ``pdf``, ``png``, ``svg``.
        fronts: the true fronts of tasks with several objectives, a row per architecture.

    Returns:
        The files written, ``report.md`` first.

    Raises:
        UserError: for evaluations that cannot be read, an unknown format, or a folder that cannot
            be written to.
    """
    for kind in formats:
        if kind not in FORMATS:
            raise UserError(f"unknown report format {kind!r}. " + did_you_mean(kind, FORMATS))
    results, folder = SearchResults.of(frame, fronts), Path(folder)
    drawn = bool({"pdf", "png", "svg"} & set(formats))
    written = [
        (exhibit, exhibit.save(folder, formats))
        for part in results.by_measure()
        if part.traces
        for exhibit in exhibits(part, drawn=drawn)
    ]
    index = folder / "report.md"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        index.write_text(index_page(results, written), encoding="utf-8", newline="")
    except OSError as error:
        raise UserError(f"cannot write the report to {folder}: {error}.") from error
    return [index, *(path for _, paths in written for path in paths)]


def exhibits(results: SearchResults) -> Iterator[Exhibit]:
    """All exhibits that tasks of one measure support, one at a time."""
    cast = Cast.of(results)
    yield summary_table(results)
    for budget in results.budgets:
        yield comparison_table(results, budget)
    yield ranks_table(results)
    if len(results.order) > 1:
        yield from pairs_tables(results)
    for page in range(len(cast.pages)):
        yield from _curves(results, cast, "mean", "spent", page)
    yield from _curves(results, cast, "iqm", "spent")
    timed = results.select([t for t, trace in results.traces.items() if trace.seconds_known])
    if timed.traces:
        yield from _curves(timed, cast, "mean", "simulated_seconds")
    if any(bool((trace.found < float("inf")).any()) for trace in results.traces.values()):
        yield from _curves(results, cast, "at_optimum", "spent")
    if len(results.traces) > 1:
        yield _profile(results, cast)
    if results.measure != REGRET:
        yield from _fronts(results, cast)
