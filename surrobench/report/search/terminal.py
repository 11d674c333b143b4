"""The outcome of a search as a table in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from surrobench.base.wording import counted
from surrobench.report.common.cells import legend
from surrobench.report.common.escaping import one_line
from surrobench.report.prediction.terminal import (
    LONGEST_NAME,
    MOST_REASONS,
    MOST_TASKS,
    blank_table,
    cell_style,
    cell_text,
)
from surrobench.report.search.results import SearchResults
from surrobench.report.search.tables import notes


@dataclass(frozen=True)
class SearchRanking:
    """Something for rich to print: methods × budgets, as wide as the console allows."""

    results: SearchResults
    most_tasks: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Tables, what their marks mean, and what failed."""
        if not self.results.traces:
            yield Text("No run came to its end.", style="bold red")
        for part in self.results.by_measure():
            if part.traces:
                yield from self._part(part, options)
        yield from _failures(self.results)

    def _part(self, part: SearchResults, options: ConsoleOptions) -> Iterator[Table | Text]:
        names = max(len(one_line(method, LONGEST_NAME)) for method in part.order)
        left = options.max_width - names
        if len(part.traces) > self.most_tasks:
            title = f"{part.common_label}: mean rank over {counted(len(part.traces), 'task')}"
            yield Text(title, style="bold")
            yield _rank_table(part)
            return
        cells = len(part.budgets)
        for task in part.traces:
            yield Text(_title(part, task), style="bold")
            needed = _width(part, task)
            yield _task_table(part, task, left >= needed + 18, left >= 9 * cells + 18)
        rows = pd.concat([part.comparison(budget) for budget in part.budgets])
        text = legend(rows, best="* and bold", second="", skewed=part.measure.skewed)
        yield Text(f"{text} {notes(part, rows)}".strip(), style="dim")


def search_terminal_table(
    frame: pd.DataFrame | SearchResults, *, most_tasks: int = MOST_TASKS
) -> SearchRanking:
    """Methods × budgets, best first, one table a task; runs that broke off are counted below.

    Args:
        frame: evaluations of a search, one a row.
        most_tasks: with more tasks there is one table of mean ranks over the tasks.

    Raises:
        UserError: if the evaluations cannot be read.
    """
    return SearchRanking(SearchResults.of(frame), most_tasks)


def _title(results: SearchResults, task: str) -> str:
    unit = one_line(results.unit(task), 16)
    return f"{one_line(task)}: {results.label(task)}" + (f" ({unit})" if unit else "")


def _width(results: SearchResults, task: str) -> int:
    """How many characters the means of a task take with their half-widths."""
    columns = [results.comparison(b).loc[task] for b in results.budgets_of(task)]
    cells = [[len(cell_text(row, True)) for _, row in rows.iterrows()] for rows in columns]
    return sum(1 + max(7, *lengths) for lengths in cells)


def _task_table(results: SearchResults, task: str, roomy: bool, success: bool) -> Table:
    """Mean (± half-width) at each budget; at the last the share of runs at the optimum and when."""
    budgets = results.budgets_of(task)
    names = [f"n = {b:,} " if b == budgets[0] else f"{b:,} " for b in budgets]
    found = ["optimum", " median n"] if results.ever_found and success else []
    table = blank_table("method", [*names, *found])
    compared = [results.comparison(budget).loc[task] for budget in budgets]
    last = compared[-1]
    ascending = not results.measures[task].larger_is_better
    ranked = last["mean"].reindex([m for m in results.order if m in last.index])
    for method in ranked.sort_values(ascending=ascending, kind="stable").index:
        rows = [rows.loc[method] for rows in compared]
        cells = [Text(cell_text(row, roomy), style=cell_style(row)) for row in rows]
        after = rows[-1]["to_optimum"]
        when = f"{after:.0f}" if after <= budgets[-1] else f">{budgets[-1]}"
        ends = [f"{100 * rows[-1]['found_optimum']:.0f} %", when] if found else []
        table.add_row(Text(one_line(method, LONGEST_NAME)), *cells, *ends)
    return table


def _rank_table(results: SearchResults) -> Table:
    """Mean rank over tasks of each method at each budget."""
    names = [f"n = {b:,} " if b == results.budgets[0] else f"{b:,} " for b in results.budgets]
    table = blank_table("method", names)
    ranks = [results.mean_ranks(budget) for budget in results.budgets]
    for method in results.order:
        cells = []
        for rank in ranks:
            text = "– " if pd.isna(rank[method]) else f"{rank[method]:.1f} "
            cells.append(Text(text, style="bold green" if rank[method] == rank.min() else ""))
        table.add_row(Text(one_line(method, LONGEST_NAME)), *cells)
    return table


def _failures(results: SearchResults) -> Iterator[Text]:
    """Runs that broke off by status and reason, the most frequent first; failed evaluations."""
    lost = results.failures
    if len(lost):
        yield Text(
            f"{counted(len(lost), 'run broke off and counts', 'runs broke off and count')} for "
            "nothing:",
            style="bold yellow",
        )
        kinds = lost[["method", "status", "reason"]].value_counts().reset_index()
        kinds = kinds.sort_values(["count", "method"], ascending=[False, True])
        for method, status, reason, count in kinds.head(MOST_REASONS).itertuples(index=False):
            text = f"  {count} × {one_line(method, LONGEST_NAME)}: {one_line(status, 20)}"
            yield Text(text + (f" ({one_line(reason, 200)})" if reason else ""))
        if len(kinds) > MOST_REASONS:
            yield Text(f"  and {counted(len(kinds) - MOST_REASONS, 'more kind')} of failure")
    if results.failed_evaluations:
        text = f"{counted(results.failed_evaluations, 'evaluation')} failed within their runs."
        yield Text(text, style="dim")
