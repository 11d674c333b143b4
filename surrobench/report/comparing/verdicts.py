"""What a comparison says in plain words: who leads, who cannot be told from it, who is behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from surrobench.base.wording import counted
from surrobench.report.common.escaping import one_line
from surrobench.report.common.measures import Measure
from surrobench.report.comparing.scores import Scores
from surrobench.report.results import Results, at
from surrobench.report.statistics.clusters import LEAST_TABLES, number_of_tables
from surrobench.report.statistics.sign_flips import WHY_OPEN

MOST_NAMES = 8
MOST_TASKS = 6
"""With more tasks than this only the statement over all of them is made."""


def verdict(results: Results, measure: Measure, size: int) -> str:
    """Sentences about every task, and about all of them together, at one train size.

    The tests are those of the marks in a report (:meth:`Results.comparison`): where none can tell,
    that is said, and nothing is called equal.
    """
    compared = results.comparison(measure, size)
    tasks = [task for task in results.tasks if task in compared.index.get_level_values("task")]
    sentences = []
    if len(tasks) <= MOST_TASKS:
        sentences = [of_task(task, at(compared, "task", task), measure, size) for task in tasks]
    if len(tasks) > 1:
        sentences.append(over_tasks(Scores.of(results, measure, size)))
    return "\n".join(filter(None, sentences))


def of_task(task: str, rows: pd.DataFrame, measure: Measure, size: int) -> str:
    """One task: the best mean, and what the test says of the others."""
    known = rows[rows["seeds"] > 0]
    seeds = counted(int(known["seeds"].max()) if len(known) else 0, "seed")
    where = f"{one_line(task)}, {measure.label} with {counted(size, 'training example')}, {seeds}: "
    if known.empty:
        return where + "no method has a result."
    order = known.sort_values("mean", ascending=not measure.larger_is_better, kind="stable")
    if len(known) == 1:
        return where + f"{_mean(order.iloc[0])}; there is nothing to compare it with."
    if not known["best"].any():
        return where + "all means are equal: none leads."
    end = "highest" if measure.larger_is_better else "lowest"
    leader = order[order["best"]].iloc[0]
    rest = order[~order["best"]]
    behind = rest[rest["p"] < 0.05]
    alike = rest[rest["not_worse"] & ~(rest["p"] < 0.05)]
    open_rows = rest.drop(index=[*behind.index, *alike.index])
    parts = [f"{_mean(leader)} has the {end} mean"]
    if len(alike):
        parts.append(f"not significantly different: {_names(alike.index)}")
    if len(open_rows):
        why = "" if len(behind) or len(alike) else f", {_why_open(measure)}"
        parts.append(f"no test can tell{why}: {_names(open_rows.index)}")
    if len(behind):
        parts.append(f"significantly behind: {_names(behind.index)}")
    return where + "; ".join(parts) + "."


def _why_open(measure: Measure) -> str:
    if not measure.marked:
        return "because no test of such scores keeps its level"
    return f"because of {WHY_OPEN}"


def over_tasks(scores: Scores) -> str:
    """All tasks together by mean ranks, if there are enough tables for a test."""
    tables = number_of_tables(scores.tables)
    board = scores.board.table.set_index("method")["mean_rank"].sort_values(kind="stable")
    if board.empty:
        return ""
    lead = f"Over {counted(len(scores.tables), 'task')} of {counted(tables, 'table')}: "
    lead += f"{one_line(board.index[0])} has the lowest mean rank, {board.iloc[0]:.1f}"
    test = scores.ranks
    if not np.isfinite(test.critical_difference):
        return (
            f"{lead}; no test can tell whether it leads on tables of the kind: "
            f"that takes {LEAST_TABLES} tables and three methods."
        )
    behind = test.ranks - test.ranks.min()
    near = [str(m) for m in behind.index[1:] if behind[m] < test.critical_difference]
    far = [str(m) for m in behind.index[1:] if behind[m] >= test.critical_difference]
    parts = [lead]
    if near:
        parts.append(f"not told apart from it: {_names(near)}")
    if far:
        parts.append(f"significantly behind: {_names(far)}")
    return "; ".join(parts) + "."


def _mean(row: pd.Series) -> str:
    return f"{one_line(row.name)} ({row['mean']:.3g})"


def _names(names: Sequence[object] | pd.Index) -> str:
    return ", ".join(_shown([one_line(name) for name in names]))


def _shown(names: list[str]) -> Iterator[str]:
    yield from names[:MOST_NAMES]
    if len(names) > MOST_NAMES:
        yield f"and {counted(len(names) - MOST_NAMES, 'more method')}"
