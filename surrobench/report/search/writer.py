"""Everything that the results section of a search needs, written into one folder."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import pandas as pd

from surrobench.base.wording import counted
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
from surrobench.report.common.style import ONE_COLUMN, TWO_COLUMNS
from surrobench.report.comparing.comparisons import comparisons
from surrobench.report.comparing.equivalence import missing_library
from surrobench.report.facts import search_facts
from surrobench.report.page.views import view_of
from surrobench.report.search.curves import BANDS, MOST_BANDS, against_expense
from surrobench.report.search.final import final_scores
from surrobench.report.search.front_panels import draw_fronts, fronts_of
from surrobench.report.search.index import index_page
from surrobench.report.search.judging import judge_sentences, lengths_sentence
from surrobench.report.search.method_styles import SearchStyles
from surrobench.report.search.page import search_page
from surrobench.report.search.profiles import draw_profile, profile
from surrobench.report.search.records import REGRET
from surrobench.report.search.resampling import LEAST_MIDDLE
from surrobench.report.search.results import SearchResults
from surrobench.report.search.tables import (
    comparison_table,
    notes_of_fronts,
    pairs_tables,
    prefix,
    ranks_table,
    summary_table,
)
from surrobench.report.statistics.intervals import COVERAGE, LEAST_SKEWED

_BANDS = (
    "bootstrap bands for other seeds on the task, where {} runs or more have enough different "
    f"values for one ({COVERAGE})"
)
PANELS = 12
"""A figure of more tasks is continued in further files."""
_KINDS = {
    ("mean", "spent"): "curves",
    ("iqm", "spent"): "iqm-curves",
    ("median", "spent"): "quantiles",
    ("mean", "simulated_seconds"): "by-time",
    ("found_optimum", "spent"): "success",
}


def write_search_report(
    frame: pd.DataFrame | SearchResults,
    folder: Path,
    formats: Collection[str] = DEFAULT_FORMATS,
    fronts: pd.DataFrame | None = None,
    provenance: Provenance | None = None,
    extras: Iterable[Exhibit] = (),
    omitted: Sequence[str] = (),
    complete: bool = True,
) -> list[Path]:
    """Write every exhibit that the evaluations support, and ``report.md``, which lists them.

    Args:
        frame: evaluations of a search, one a row.
        folder: made if it does not exist; files of the same names are replaced.
        formats: any of ``csv`` (always written), ``md``, ``tex``, ``html``, ``pdf``, ``png``,
            ``svg``.
        fronts: the true fronts of tasks with several objectives, a row per architecture.
        provenance: what is known of the runs, for the appendix and the citations.
        extras: further exhibits, which come last.
        omitted: sentences that say what is not shown and why.
        complete: with everything; otherwise the essentials, tables of the means and the figure
            that one looks at first.

    Returns:
        The files written, ``report.md`` first.

    Raises:
        UserError: for evaluations that cannot be read, an unknown format, or a folder that cannot
            be written to.
    """
    check_formats(formats)
    results, origin = SearchResults.of(frame, fronts), provenance or Provenance()
    missing = [*omitted, *(missing_library() if complete else [NOT_MADE])]

    def overview(saved: Sequence[Saved]) -> str:
        return index_page(results, saved, missing)

    def page(saved: Sequence[Saved]) -> str:
        return search_page(results, saved, origin, missing)

    pages = [
        ("report.md", overview),
        ("report.html", page),
        *latex_pages(origin, lambda: search_facts(results)),
    ]

    shown = chain(all_exhibits(results, complete), extras)
    return write_folder(shown, Path(folder), formats, pages, view_of)


def all_exhibits(results: SearchResults, complete: bool = True) -> Iterator[Exhibit]:
    """The exhibits of every measure, one at a time; the essentials unless ``complete``."""
    for part in results.by_measure():
        if part.traces:
            yield from exhibits(part) if complete else essentials(part)


def mean_tables(results: SearchResults) -> Iterator[Exhibit]:
    """The means over runs, and how they compare, for tasks of one measure."""
    yield summary_table(results)
    for budget in results.budgets:
        yield comparison_table(results, budget)
    yield ranks_table(results)


def essentials(results: SearchResults) -> Iterator[Exhibit]:
    """The means over runs, and their course against what was spent."""
    yield from mean_tables(results)
    paged = SearchStyles.of(results)
    for page in range(len(paged.pages)):
        yield from _curves(results, paged, "mean", "spent", page)


def exhibits(results: SearchResults) -> Iterator[Exhibit]:
    """All exhibits that tasks of one measure support, one at a time."""
    paged = SearchStyles.of(results)
    yield from mean_tables(results)
    if len(results.order) > 1:
        yield from pairs_tables(results)
    for page in range(len(paged.pages)):
        yield from _curves(results, paged, "mean", "spent", page)
    yield from _curves(results, paged, "iqm", "spent")
    yield from _curves(results, paged, "median", "spent")
    timed = results.select([t for t, trace in results.traces.items() if trace.seconds_known])
    if timed.traces:
        yield from _curves(timed, paged, "mean", "simulated_seconds")
    if results.ever_found:
        yield from _curves(results, paged, "found_optimum", "spent")
    if len(results.traces) > 1:
        yield _profile(results, paged)
    if results.measure != REGRET:
        yield from _fronts(results, paged)
    if len(results.order) > 1:
        yield from comparisons(*final_scores(results, paged))


def _parts(results: SearchResults) -> Iterator[tuple[str, SearchResults]]:
    """Parts of at most :data:`PANELS` tasks, each with a suffix for its name."""
    tasks = list(results.traces)
    for start in range(0, len(tasks), PANELS):
        suffix = f"-tasks-{start + 1}" if len(tasks) > PANELS else ""
        yield suffix, results.select(tasks[start : start + PANELS])


def _width(results: SearchResults) -> float:
    return ONE_COLUMN if len(results.traces) == 1 else TWO_COLUMNS


def _curves(
    results: SearchResults, paged: SearchStyles, statistic: str, axis: str, page: int = 0
) -> Iterator[Exhibit]:
    caption = _caption(results, paged, statistic, axis, page)
    name = f"{prefix(results)}-{_KINDS[statistic, axis]}" + (f"-{page + 1}" if page else "")
    columns = ["task", "method", axis, "runs", "with_incumbent", statistic]
    for suffix, part in _parts(results):
        figure = against_expense(
            part, statistic, axis=axis, paged=paged, page=page, width=_width(part)
        )
        data = pd.concat({t: part.curves(t, axis) for t in part.traces}, names=["task"])
        data = data.reset_index("task")[[*columns, *(BANDS[statistic] or ())]]
        if page:
            data = data[data["method"].isin(paged.pages[page])]
        yield Exhibit(name + suffix, caption, data, figure)


def _caption(
    results: SearchResults, paged: SearchStyles, statistic: str, axis: str, page: int
) -> str:
    label = results.common_label
    after = "by full trainings" if axis == "spent" else "by seconds of training"
    what = {
        "mean": f"Mean {label}, {after}: over runs, with 95 % " + _BANDS.format(LEAST_SKEWED),
        "iqm": f"Interquartile mean of {label}, {after}: over runs, with 95 % "
        + _BANDS.format(LEAST_MIDDLE),
        "median": f"Median {label}, {after}: over runs, with quartiles (a file "
        f"shows the quartiles of the best {MOST_BANDS} methods only)",
        "found_optimum": f"Share of runs that have found the optimum, {after}",
    }[statistic]
    parts = [f"{what}.", "Runs that end early keep their last value."]
    if statistic != "found_optimum" and results.measure == REGRET:
        parts.append("On a logarithmic axis, what lies below its floor is drawn on it (≤).")
    if results.measure == REGRET:
        parts += judge_sentences(results.judges)
    parts += filter(None, [lengths_sentence(results.rows)])
    if len(paged.pages) > 1:
        chosen = "the best of each family and the best overall" if page == 0 else "the next"
        parts.append(f"In colour {chosen}; in grey the others.")
    return " ".join(parts)


def _profile(results: SearchResults, paged: SearchStyles) -> Exhibit:
    caption = (
        f"Share of targets reached over {counted(len(results.traces), 'task')} against full "
        "trainings: "
        "distances from the optimum on a logarithmic scale, from the typical first to the smallest "
        "that was left, and the optimum. Mean over runs, then over tasks."
    )
    data = profile(results).reset_index()
    figure = draw_profile(results, paged=paged)
    return Exhibit(f"{prefix(results)}-targets", caption, data, figure)


def _fronts(results: SearchResults, paged: SearchStyles) -> Iterator[Exhibit]:
    caption = (
        "Fronts attained by the median run of each method (by its final hypervolume), and the true "
        "front in black where it is known; larger is better on both axes: what was to be small is "
        "negated. Points far below the others are outside the axes. " + notes_of_fronts(results)
    ).strip()
    for suffix, part in _parts(results):
        tables = fronts_of(part)
        if tables:
            data = pd.concat(tables, names=["task"]).reset_index("task")
            figure = draw_fronts(part, paged=paged, width=_width(part))
            yield Exhibit(f"fronts{suffix}", caption, data, figure)
