"""The outcome of a pipeline as a table in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from surrobench.base.wording import counted
from surrobench.report.common.cells import mean_and_half
from surrobench.report.common.escaping import one_line
from surrobench.report.common.units import of_values
from surrobench.report.pipeline.judging import regret_text
from surrobench.report.pipeline.results import MEASURES, VALUES, PipelineResults
from surrobench.report.pipeline.smaller import smaller_text
from surrobench.report.pipeline.tables import noise_text, ranked_otherwise
from surrobench.report.prediction.terminal import LONGEST_NAME, MOST_REASONS, blank_table

_HEADS = {
    "regret": "regret",
    "best": "best",
    "picked": "mean",
    "kendall_tau": "τ",
    "kendall_tau_top_half": "τ top",
    "seconds": "choose s",
    "full_seconds": "train s",
}


@dataclass(frozen=True)
class PipelineRanking:
    """Something for rich to print: methods × what their picks are worth."""

    results: PipelineResults

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """A table a task, what the numbers mean, and what failed."""
        if self.results.rows.empty:
            yield Text("No cell has a result.", style="bold red")
        for task in dict.fromkeys(self.results.rows["task"]):
            unit = one_line(of_values(self.results.unit(task)), 24)
            title = f"{one_line(task)}: picks after full training"
            yield Text(title + (f" ({unit})" if unit else ""), style="bold")
            yield _table(self.results, task, options.max_width)
            counted = regret_text(self.results.judge(task), self.results.complete(task))
            text = f"Regret of the best pick {counted}; means over seeds; choose: short "
            text += f"trainings, fit and scoring. {_left_out(self.results, task)}"
            yield Text(text + noise_text(self.results, task), style="dim")
            if told := smaller_text(self.results, task):
                yield Text(told, style="dim")
        yield from _failures(self.results)


def pipeline_terminal_table(frame: pd.DataFrame | PipelineResults) -> PipelineRanking:
    """Methods by the regret of their best pick, one table a task.

    Args:
        frame: rows of a pipeline study.

    Raises:
        UserError: if the rows cannot be read.
    """
    return PipelineRanking(PipelineResults.of(frame))


def _left_out(results: PipelineResults, task: str) -> str:
    count = results.without_judge(task)
    told = counted(count, "architecture has", "architectures have")
    return f"{told} no second run to judge by. " if count else ""


def _table(results: PipelineResults, task: str, width: int) -> Table:
    own = results.summary[results.summary["task"] == task].set_index(["method", "measure"])
    shown = [m for m in MEASURES if own.xs(m, level="measure")["mean"].notna().any()]
    order = results.order(task)
    names = max(len(one_line(method, LONGEST_NAME)) for method in order)
    roomy = width - names >= 12 * len(shown)
    table = blank_table("predictor", [f"{_HEADS[measure]} " for measure in shown])
    for method in order:
        cells = []
        for measure in shown:
            rows = own.xs(measure, level="measure")
            column = rows["mean"].drop(ranked_otherwise(measure), errors="ignore")
            best = column.max() if MEASURES[measure] else column.min()
            marked = column.get(method) == best and "seconds" not in measure and len(order) > 1
            digits = results.decimals(task) if measure in VALUES else 2
            text = _text(rows[["mean", "low", "high"]].T[method], digits, roomy)
            cells.append(Text(text, style="bold green" if marked else ""))
        table.add_row(Text(one_line(method, LONGEST_NAME)), *cells)
    return table


def _text(row: pd.Series, digits: int, roomy: bool) -> str:
    if pd.isna(row["mean"]):
        return "– "
    mean, half = mean_and_half(row, digits)
    return f"{mean}±{half} " if half and roomy else f"{mean} "


def _failures(results: PipelineResults) -> Iterator[Text]:
    """Cells without a result by method and reason, the most frequent first."""
    lost = results.failures
    if lost.empty:
        return
    yield Text(f"{counted(len(lost), 'cell')} without a result:", style="bold yellow")
    kinds = lost[["method", "status", "reason"]].value_counts().reset_index()
    for method, status, reason, count in kinds.head(MOST_REASONS).itertuples(index=False):
        text = f"  {count} × {one_line(method, LONGEST_NAME)}: {one_line(status, 20)}"
        yield Text(text + (f" ({one_line(reason, 200)})" if reason else ""))
    if len(kinds) > MOST_REASONS:
        yield Text(f"  and {counted(len(kinds) - MOST_REASONS, 'more kind')} of failure")
