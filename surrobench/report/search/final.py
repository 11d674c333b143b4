"""The scores that the runs of a search end with, for the comparisons of methods."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from surrobench.base.wording import one_or_many
from surrobench.report.comparing.scores import Scores, geometric_mean
from surrobench.report.search.method_styles import SearchStyles
from surrobench.report.search.records import REGRET
from surrobench.report.search.results import SearchResults
from surrobench.report.search.summaries import scores_at


def final_scores(
    results: SearchResults, paged: SearchStyles | None = None
) -> tuple[Scores, pd.DataFrame]:
    """Scores of every task at the end of its budget, and all pairs of methods there."""
    paged = paged or SearchStyles.of(results)
    tables = {
        task: scores_at(traces, max(1, int(traces.budget)))
        for task, traces in results.traces.items()
    }
    pairs = pd.concat({task: results.pairs(task) for task in results.traces}, names=["task"])
    budgets = sorted({max(1, int(traces.budget)) for traces in results.traces.values()})
    after = " or ".join(f"{budget:,}" for budget in budgets)
    scores = Scores(
        tables,
        replace(results.measure, label=results.common_label),
        results.order,
        paged.styles,
        "regret" if results.measure == REGRET else "hypervolume",
        "",
        f"after {after} {one_or_many(budgets[-1], 'full training', 'full trainings')}",
        seconds=_own_seconds(results),
        seconds_of="own seconds of the strategy over a whole search",
    )
    return scores, pairs.reset_index("task").reset_index(drop=True)


def _own_seconds(results: SearchResults) -> pd.Series:
    """What a strategy itself took: means over runs, and their geometric mean over tasks."""
    spent = {task: results.comparison_at_end(task)["overhead_seconds"] for task in results.traces}
    return geometric_mean(pd.DataFrame(spent))
