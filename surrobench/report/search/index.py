"""``report.md`` of a search: what it holds, how many seeds stand behind it and what failed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from surrobench.base.wording import counted, one_or_many
from surrobench.report.common.escaping import markdown, one_line
from surrobench.report.common.exhibit import Exhibit
from surrobench.report.prediction.index import MOST_REASONS, page
from surrobench.report.search.judging import front_sentences, judge_sentences, lengths_sentence
from surrobench.report.search.records import REGRET
from surrobench.report.search.results import SearchResults
from surrobench.report.tables import markdown_table


def index_page(
    results: SearchResults,
    exhibits: Sequence[tuple[Exhibit, Sequence[Path]]],
    omitted: Sequence[str] = (),
) -> str:
    """The page in Markdown: overview, runs that broke off, exhibits with captions and files."""
    return page(["# Report", _overview(results), *_failures(results)], exhibits, omitted)


def _overview(results: SearchResults) -> str:
    tasks = ", ".join(markdown(task) for task in results.tasks)
    lines = [f"- Tasks: {tasks}", f"- Methods: {len(results.methods)}"]
    if results.traces:
        budgets = sorted({trace.budget for trace in results.traces.values()})
        lines.append(f"- Budget in full trainings: {', '.join(f'{b:,.4g}' for b in budgets)}")
        runs = sum(len(trace.runs) for trace in results.traces.values())
        lines.append(f"- Runs: {runs:,}, with {counted(len(results.rows), 'evaluation')}")
        lines.append(_seeds(results))
    if any(measure == REGRET for measure in results.measures.values()):
        lines += [f"- {markdown(told)}" for told in judge_sentences(results.judges)]
    else:
        lines += [f"- {markdown(told)}" for told in front_sentences(results.judges)]
    if told := lengths_sentence(results.rows):
        lines.append(f"- Lengths of training: {markdown(told)}")
    if results.failed_evaluations:
        lines.append(f"- Evaluations that failed within runs: {results.failed_evaluations:,}")
    early = {task: int(trace.early.sum()) for task, trace in results.traces.items()}
    for task, count in early.items():
        if count:
            lines.append(
                f"- On {markdown(task)}, "
                f"{counted(count, 'run')} ended before the budget; "
                f"{one_or_many(count, 'it keeps its', 'they keep their')} last value."
            )
    return "\n".join(lines)


def _seeds(results: SearchResults) -> str:
    counts = pd.concat([t.runs.groupby("method").size() for t in results.traces.values()])
    groups: dict[int, list[str]] = {}
    for method, part in counts.groupby(level=0):
        groups.setdefault(int(part.max()), []).append(str(method))
    if len(groups) == 1:
        only = next(iter(groups))
        text = f"- Seeds behind each mean: {only}"
        return text + ("; one says nothing about chance." if only == 1 else "")
    parts = []
    for seeds, methods in sorted(groups.items(), reverse=True):
        names = (
            ", ".join(map(markdown, methods)) if len(methods) <= 6 else f"{len(methods)} methods"
        )
        parts.append(f"{seeds} ({names})")
    return "- Seeds behind each mean: " + "; ".join(parts) + ". Tests use common seeds."


def _failures(results: SearchResults) -> list[str]:
    """Runs that broke off, by method, task and reason."""
    lost = results.failures
    if lost.empty:
        return []
    table = lost.groupby(["method", "task", "status", "reason"]).size().rename("runs").reset_index()
    table = table.sort_values("runs", ascending=False, kind="stable")
    more = len(table) - MOST_REASONS
    table = table.head(MOST_REASONS)
    text = pd.DataFrame(
        {
            "task": table["task"].map(markdown),
            "runs": table["runs"].astype(str),
            "status": table["status"].map(markdown),
            "reason": table["reason"].map(lambda reason: markdown(one_line(reason, 300))),
        }
    ).set_index(pd.Index(table["method"].map(markdown), name="method"))
    ending = f"\nand {counted(more, 'more kind')} of failure.\n" if more > 0 else ""
    heading = f"## Runs that broke off: {len(lost):,}"
    return [heading, "They are left out of everything.", markdown_table(text, ":--") + ending]
