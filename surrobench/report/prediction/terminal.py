"""The ranking as a table in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from surrobench.base.wording import counted
from surrobench.report.common.cells import legend, mean_and_half
from surrobench.report.common.escaping import one_line
from surrobench.report.common.measures import Measure
from surrobench.report.results import Results

LONGEST_NAME = 40
MOST_REASONS = 8
MOST_TASKS = 6
"""With more tasks than this the terminal shows mean ranks over tasks instead of every task."""


@dataclass(frozen=True)
class Ranking:
    """Something for rich to print: methods × train sizes, as wide as the console allows."""

    results: Results
    measure: Measure | None
    most_tasks: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Tables, what their marks mean, and what failed."""
        results, measure = self.results, self.measure
        if measure is None:
            yield Text("No cell has a result.", style="bold red")
        elif len(results.tasks) > self.most_tasks:
            roomy = self._fits(12, options)
            yield Text(_rank_title(results, measure, roomy), style="bold")
            yield _rank_table(results, measure, roomy)
        else:
            roomy = self._fits(10, options)
            for task in results.tasks:
                yield Text(f"{one_line(task)}: {measure.label}", style="bold")
                yield _task_table(results, measure, task, roomy)
            rows = pd.concat([results.comparison(measure, size) for size in results.sizes])
            yield Text(
                legend(rows, best="* and bold", second="", skewed=measure.skewed), style="dim"
            )
        yield from _failures(results)

    def _fits(self, cell_width: int, options: ConsoleOptions) -> bool:
        """Whether the table fits into the console with cells of that width."""
        names = max(len(one_line(method, LONGEST_NAME)) for method in self.results.methods)
        return names + cell_width * len(self.results.sizes) <= options.max_width


def terminal_table(
    frame: pd.DataFrame | Results, measure: str | None = None, *, most_tasks: int = MOST_TASKS
) -> Ranking:
    """Methods × train sizes, best first, one table a task; failures are counted below.

    Args:
        frame: records of a study.
        measure: the column to rank by; Kendall τ, or else the first that was recorded.
        most_tasks: with more tasks there is one table of mean ranks over the tasks.

    Raises:
        UserError: if the records cannot be read or lack the measure.
    """
    results = Results.of(frame)
    return Ranking(results, results.primary(measure), most_tasks)


def blank_table(what: str, columns: Sequence[str]) -> Table:
    """A table without rows; the first column is called ``what``.

    Titles are printed before their tables: one that belongs to the table is broken at its width.
    """
    table = Table(box=box.SIMPLE_HEAD)
    table.padding, table.show_edge = (0, 0), False
    table.add_column(what, no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _table(sizes: Sequence[int]) -> Table:
    names = [f"n = {size:,} " if size == sizes[0] else f"{size:,} " for size in sizes]
    return blank_table("predictor", names)


def _task_table(results: Results, score: Measure, task: str, roomy: bool) -> Table:
    """Mean (± half-width) of each method at each size, the best of each size in green."""
    table = _table(results.sizes)
    compared = {size: results.comparison(score, size) for size in results.sizes}
    for method in _by_largest_size(results.select([task]), score):
        cells = []
        for size in results.sizes:
            row = compared[size].reindex([(task, method)]).iloc[0]
            text = "" if pd.isna(row["planned"]) else cell_text(row, roomy)
            cells.append(Text(text, style=cell_style(row)))
        table.add_row(Text(one_line(method, LONGEST_NAME)), *cells)
    return table


def cell_text(row: pd.Series, roomy: bool) -> str:
    """Mean and half-width, then one character for a mark."""
    if not row["seeds"] > 0:
        return "– "
    mean, half = mean_and_half(row, 2)
    mark = "*" if row["best"] else "≈" if row["not_worse"] else " "
    mark = "?" if row["untested"] == 1 else mark
    mark = "†" if row["incomplete"] else mark
    return mean + (f"±{half.removeprefix('0')}" if half and roomy else "") + mark


def cell_style(row: pd.Series) -> str:
    """Green for the best and for what is not worse."""
    if row["best"] == 1:
        return "bold green"
    return "green" if row["not_worse"] == 1 else ""


def _rank_title(results: Results, score: Measure, roomy: bool) -> str:
    title = f"{score.label}: mean rank over {counted(len(results.tasks), 'task')}"
    return title + (f" (mean {score.label})" if roomy else "")


def _rank_table(results: Results, score: Measure, roomy: bool) -> Table:
    """Mean rank over tasks of each method at each size, with the mean score if it fits."""
    table = _table(results.sizes)
    ranks = {size: results.mean_ranks(score, size) for size in results.sizes}
    means = {size: results.means(score, size).mean(axis=1) for size in results.sizes}
    for method in _by_largest_size(results, score):
        cells = []
        for size in results.sizes:
            rank, mean = ranks[size][method], means[size][method]
            text = "– " if pd.isna(rank) else f"{rank:.1f} "
            text += f"({mean:.2f}) " if roomy and text != "– " else ""
            cells.append(Text(text, style="bold green" if rank == ranks[size].min() else ""))
        table.add_row(Text(one_line(method, LONGEST_NAME)), *cells)
    return table


def _by_largest_size(results: Results, score: Measure) -> list[str]:
    """Methods best first at the largest size that each of them has."""
    order: list[str] = []
    for size in reversed(results.sizes):
        order += [method for method in results.order(score, size) if method not in order]
    return order + [method for method in results.methods if method not in order]


def _failures(results: Results) -> Iterator[Text]:
    """Failed cells by status and reason, the most frequent first, and constant predictions."""
    if len(results.failures):
        total = (
            f"{len(results.failures)} of {counted(len(results.records), 'cell')} without a result:"
        )
        yield Text(total, style="bold yellow")
        kinds = results.failures[["method", "status", "reason"]].value_counts().reset_index()
        for method, status, reason, count in kinds.head(MOST_REASONS).itertuples(index=False):
            text = f"  {count} × {one_line(method, LONGEST_NAME)}: {status}"
            yield Text(text + (f" ({one_line(reason, 200)})" if reason else ""))
        if len(kinds) > MOST_REASONS:
            yield Text(f"  and {counted(len(kinds) - MOST_REASONS, 'more kind')} of failure")
    constant = results.constant_methods()
    if constant:
        names = ", ".join(one_line(method, LONGEST_NAME) for method in constant)
        yield Text(f"Constant predictions (correlations count as 0): {names}", style="dim")
