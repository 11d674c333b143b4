"""Everything that a results section needs, written into one folder."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from surrobench.base.wording import counted
from surrobench.report import figures
from surrobench.report.common.exhibit import Exhibit
from surrobench.report.common.folder import (
    DEFAULT_FORMATS,
    NOT_MADE,
    Saved,
    check_formats,
    write_folder,
)
from surrobench.report.common.latex import latex_pages
from surrobench.report.common.measures import MEASURES, Measure
from surrobench.report.common.provenance import Provenance
from surrobench.report.comparing.comparisons import comparisons
from surrobench.report.comparing.equivalence import missing_library
from surrobench.report.comparing.scores import Scores
from surrobench.report.costs import costs
from surrobench.report.facts import prediction_facts
from surrobench.report.figures import panels
from surrobench.report.figures.panels import ROW
from surrobench.report.page.views import view_of
from surrobench.report.prediction.index import index_page
from surrobench.report.prediction.page import prediction_page
from surrobench.report.results import Results
from surrobench.report.statistics.intervals import METHOD
from surrobench.report.tables import comparison_table, identified, summary_frame, summary_table

CALIBRATION = ("coverage_50", "coverage_90", "coverage_95", "calibration_error", "sharpness")
PAGE_HEIGHT = 9.0
"""Inches; a figure of more panels than fit is continued in further files."""
MOST_SIZES = 12
"""With more train sizes than this only the most telling ones get a table of their own."""
MOST_RANKED_TASKS = 8
"""With more tasks than this the heat map alone shows all methods on all tasks."""
MOST_DRAWN_TASKS = 60
"""With more tasks than this no figure has a panel for each of them."""


def write_report(
    frame: pd.DataFrame | Results,
    folder: Path,
    formats: Collection[str] = DEFAULT_FORMATS,
    measure: str | None = None,
    provenance: Provenance | None = None,
    extras: Iterable[Exhibit] = (),
    omitted: Sequence[str] = (),
    complete: bool = True,
) -> list[Path]:
    """Write every exhibit that the records support, and ``report.md``, which lists them.

    Args:
        frame: records, one row per task, predictor, encoding, train size and seed.
        folder: made if it does not exist; files of the same names are replaced.
        formats: any of ``csv`` (always written), ``md``, ``tex``, ``html``, ``pdf``, ``png``,
            ``svg``.
        measure: the column to rank by; Kendall τ, or else the first that was recorded.
        provenance: what is known of the runs, for the appendix and the citations.
        extras: further exhibits, which come last.
        omitted: sentences that say what is not shown and why.
        complete: with everything; otherwise the essentials, tables of the means and the figure
            that one looks at first.

    Returns:
        The files written, ``report.md`` first.

    Raises:
        UserError: for records that cannot be read, an unknown format or measure, or a folder that
            cannot be written to.
    """
    check_formats(formats)
    results, origin = Results.of(frame), provenance or Provenance()
    made = exhibits if complete else essentials
    shown = chain(made(results, results.primary(measure)), extras)
    missing = [*omitted, *(missing_library() if complete else [NOT_MADE]), *_undrawn(results)]

    def overview(saved: Sequence[Saved]) -> str:
        return index_page(results, saved, missing)

    def page(saved: Sequence[Saved]) -> str:
        return prediction_page(results, results.primary(measure), saved, origin, missing)

    pages = [
        ("report.md", overview),
        ("report.html", page),
        *latex_pages(origin, lambda: prediction_facts(results)),
    ]

    return write_folder(shown, Path(folder), formats, pages, view_of)


def mean_tables(results: Results, measure: Measure | None) -> Iterator[Exhibit]:
    """The means over seeds, and how they compare; only counts if nothing succeeded."""
    if measure is None:
        data = summary_frame(results)
        yield Exhibit("summary", "Planned and failed cells; none has a result.", data)
        return
    yield summary_table(results, measure)
    few = len(results.sizes) <= MOST_SIZES
    for size in results.sizes if few else results.focus_sizes(measure):
        if results.order(measure, size):
            yield comparison_table(results, measure, size)


def essentials(results: Results, measure: Measure | None) -> Iterator[Exhibit]:
    """The means, and the score against the training size, or of one size the ranking."""
    yield from mean_tables(results, measure)
    if measure is None:
        return
    if len(results.sizes) > 1:
        yield from _curves(results, measure)
    else:
        yield from _rankings(results, measure, results.sizes[0])


def exhibits(results: Results, measure: Measure | None) -> Iterator[Exhibit]:
    """All exhibits that the records support, one at a time; only counts if nothing succeeded."""
    yield from mean_tables(results, measure)
    if measure is None:
        return
    focus = results.focus_sizes(measure)
    if len(results.sizes) > 1:
        yield from _curves(results, measure)
    for size in focus:
        if len(results.tasks) <= MOST_RANKED_TASKS:
            yield from _rankings(results, measure, size)
        if len(results.tasks) > 1 and np.isfinite(results.means(measure, size)).any(axis=None):
            yield _heat_map(results, measure, size)
    if len(costs(results, measure)):
        yield from _three_axes(results, measure)
    if results.has(*CALIBRATION):
        yield from _calibration(results)
    for size in focus:
        yield from comparisons(Scores.of(results, measure, size))


def _pages(results: Results, per_page: int) -> Iterator[tuple[str, Results]]:
    """Parts of at most so many tasks, each with a suffix for its name (none if there is one).

    No parts of more tasks than anybody looks at.
    """
    tasks = results.tasks if len(results.tasks) <= MOST_DRAWN_TASKS else []
    parts = [tasks[i : i + per_page] for i in range(0, len(tasks), per_page)]
    for place, part in enumerate(parts, start=1):
        yield ("" if len(parts) == 1 else f"-{place}"), results.select(part)


def _undrawn(results: Results) -> Iterator[str]:
    if len(results.tasks) > MOST_DRAWN_TASKS:
        yield (
            f"Figures with a panel for each task: there are {len(results.tasks):,}, and up to "
            f"{MOST_DRAWN_TASKS} are drawn; surrobench plot RUN --kind KIND --task TASK draws any."
        )


def _rows_per_page(methods: int) -> int:
    """How many rows of panels that list all methods fit on a page."""
    return max(1, int(PAGE_HEIGHT / (0.8 + ROW * methods)))


def _summary_rows(results: Results, measure: Measure, size: int | None = None) -> pd.DataFrame:
    rows = identified(results, results.summary(measure).reset_index())
    return rows if size is None else rows[rows["train_size"] == size]


def _curves(results: Results, measure: Measure) -> Iterator[Exhibit]:
    chosen = figures.highlights(results, measure)
    several = bool((results.summary(measure)["seeds"] > 1).any())
    caption = f"{measure.label} against the number of training examples: mean over seeds"
    caption += (
        f" with 95 % intervals for other seeds on the task ({METHOD[measure.skewed]})."
        if several
        else " (one seed: no intervals)."
    )
    if len(chosen) < len(results.methods):
        caption += " In colour the best of each family and the best overall; in grey the others."
        caption += " A predictor of constants may lie below the axis."
    for suffix, part in _pages(results, 12):
        figure = figures.against_train_size(
            part, measure.column, highlight=chosen, width=_width(part)
        )
        data = _summary_rows(part, measure)
        yield Exhibit(f"{measure.column}-curves{suffix}", caption, data, figure)


def _rankings(results: Results, measure: Measure, size: int) -> Iterator[Exhibit]:
    caption = (
        f"{measure.label} of all methods with {counted(size, 'training example')}: mean over seeds "
        "with 95 % intervals for other seeds on the task where they hold "
        f"({METHOD[measure.skewed]}); the vertical line marks the best. A predictor of constants "
        "that lies far from the others is a number at the edge."
    )
    caption += _left_out(results, measure, size)
    methods = len(results.order(measure, size))
    for suffix, part in _pages(results, 4 * _rows_per_page(methods)):
        if part.order(measure, size):
            figure = figures.ranking(part, size, measure.column, width=_width(part))
            data = _summary_rows(part, measure, size)
            yield Exhibit(f"{measure.column}-ranking-n{size}{suffix}", caption, data, figure)


def _left_out(results: Results, measure: Measure, size: int) -> str:
    """What a caption says of tasks that have no panel."""
    count = len(results.tasks) - len(panels.with_scores(results.means(measure, size)))
    tasks = counted(count, "task without a result", "tasks without results")
    return f" Left out: {tasks} at this size." if count else ""


def _heat_map(results: Results, measure: Measure, size: int) -> Exhibit:
    caption = (
        f"Mean {measure.label} over seeds with {counted(size, 'training example')}; bold: best of "
        "the task; "
        "empty: no result. Methods are ordered by their mean relative rank over the tasks."
    )
    data = results.means(measure, size).loc[results.order(measure, size)]
    data.insert(0, "mean_rank", results.mean_ranks(measure, size).reindex(data.index))
    figure = figures.heat_map(results, size, measure.column)
    return Exhibit(f"{measure.column}-heat-map-n{size}", caption, data.reset_index(), figure)


def _three_axes(results: Results, measure: Measure) -> Iterator[Exhibit]:
    caption = (
        f"{measure.label} against the seconds of initialisation (training the examples, where the "
        "task states it, and fitting) and of one query, and the best method within limits on both "
        "(White et al., NeurIPS 2021); means over seeds, a line joins the training sizes. Hatched "
        "are methods with hollow markers; dots stand for dashed lines."
    )
    for suffix, part in _pages(results, 4):
        data = costs(part, measure)
        if len(data):
            figure = figures.three_axes(part, measure.column)
            yield Exhibit(f"{measure.column}-three-axes{suffix}", caption, data, figure)


def _calibration(results: Results) -> Iterator[Exhibit]:
    measure = MEASURES["calibration_error"]
    sizes = results.focus_sizes(measure)
    for size in sizes[:1] if len(results.tasks) > MOST_RANKED_TASKS else sizes:
        caption = (
            "Observed coverage of central predictive intervals with "
            f"{counted(size, 'training example')} "
            "(each marker belongs on the line of its level; to the left of it the method is "
            "overconfident) and mean predictive standard deviation. Means over seeds, methods in "
            "the order of their calibration error."
        )
        caption += _left_out(results, measure, size)
        methods = len(results.order(measure, size))
        for suffix, part in _pages(results, 3 * _rows_per_page(methods)):
            if part.order(measure, size):
                figure = figures.coverage(part, size, width=_width(part))
                data = _calibration_rows(part, size)
                yield Exhibit(f"calibration-n{size}{suffix}", caption, data, figure)

        yield from _reliability(results, size)


def _reliability(results: Results, size: int) -> Iterator[Exhibit]:
    caption = (
        f"Observed against nominal coverage of central predictive intervals with {size:,} training "
        "examples, means over seeds: below the diagonal a method is overconfident. The best "
        "calibrated of each family and the best overall, without predictors of constants."
    )
    caption += _left_out(results, MEASURES["calibration_error"], size)
    for suffix, part in _pages(results, 12):
        if part.has(*CALIBRATION) and part.order(MEASURES["calibration_error"], size):
            figure = figures.reliability(part, size, width=_width(part))
            data = _calibration_rows(part, size)
            yield Exhibit(f"reliability-n{size}{suffix}", caption, data, figure)


def _calibration_rows(results: Results, size: int) -> pd.DataFrame:
    rows = summary_frame(results)
    columns = [column for column in rows if str(column).startswith(CALIBRATION)]
    known: Sequence[str] = ["task", "method", "predictor", "transform", "encoding", "train_size"]
    return rows.loc[rows["train_size"] == size, [*known, "seeds", *columns]]


def _width(results: Results) -> float:
    return figures.ONE_COLUMN if len(results.tasks) == 1 else figures.TWO_COLUMNS
