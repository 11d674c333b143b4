"""Paired scores of any kind of study: what comparisons of methods start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from surrobench.report import bootstrap
from surrobench.report.figures import panels
from surrobench.report.measures import Measure
from surrobench.report.pairs import COLUMNS, compare_pairs
from surrobench.report.rank_tests import RankTest, rank_test
from surrobench.report.results import Results
from surrobench.report.style import Look

LEAST_TASKS = 5
"""With fewer tasks the blocks of a rank test are pairs of task and seed."""


@dataclass(frozen=True)
class Scores:
    """Scores at one train size or budget.

    Attributes:
        tables: of each task, seeds × methods; NaN where a method has no score.
        measure: what they are.
        order: the methods, best first.
        looks: of the methods.
        stem: what the names of files begin with.
        suffix: what they end with.
        where: when the scores were taken, as the end of a sentence.
    """

    tables: Mapping[str, pd.DataFrame]
    measure: Measure
    order: Sequence[str]
    looks: Mapping[str, Look]
    stem: str
    suffix: str
    where: str

    @classmethod
    def of(cls, results: Results, measure: Measure, size: int) -> Scores:
        """Scores of a prediction study at one train size, without predictors of constants."""
        constant = results.constant_methods(always=True)
        found = {task: results.scores(measure, task, size) for task in results.tasks}
        found = {t: table.drop(columns=constant, errors="ignore") for t, table in found.items()}
        tables = {task: table for task, table in found.items() if table.size}
        return cls(
            tables,
            measure,
            [m for m in results.order(measure, size) if m not in constant],
            panels.looks(results),
            measure.column,
            f"-n{size}",
            f"with {size:,} training examples",
        )

    @property
    def known(self) -> Scores:
        """The tasks on which some method has a score."""
        known = {t: table for t, table in self.tables.items() if table.notna().any(axis=None)}
        return replace(self, tables=known)

    @cached_property
    def blocks(self) -> tuple[pd.DataFrame, str]:
        """Blocks × methods for a test of ranks, and what a block is.

        Tasks where there are at least :data:`LEAST_TASKS`, else pairs of task and seed, whose
        ranks speak of other seeds and not of other tasks. Seeds count that all methods of the
        task have.
        """
        if len(self.tables) >= LEAST_TASKS:
            means = {task: table.mean() for task, table in self.tables.items()}
            return pd.DataFrame(means).T.reindex(columns=list(self.order)), "tasks"
        what = "pairs of task and seed" if len(self.tables) > 1 else "seeds"
        if not self.tables:
            return pd.DataFrame(), what
        parts = [
            table.reindex(columns=list(self.order)).dropna(axis=1, how="all").dropna()
            for table in self.tables.values()
        ]
        return pd.concat(parts, ignore_index=True), what

    @cached_property
    def ranks(self) -> RankTest:
        """Friedman's and Nemenyi's test over the blocks."""
        return rank_test(self.blocks[0], self.measure.larger_is_better)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """:func:`~surrobench.report.pairs.compare_pairs` of every task, with its name first."""
        found = [
            compare_pairs(table, self.measure.larger_is_better).assign(task=task)
            for task, table in self.tables.items()
        ]
        if not found:
            return pd.DataFrame(columns=["task", *COLUMNS])
        return pd.concat(found, ignore_index=True)[["task", *COLUMNS]]

    def aggregates(self) -> pd.DataFrame:
        """Mean and interquartile mean over all tasks and seeds, with stratified intervals.

        A row per method that every task has, best interquartile mean first: ``mean``, ``iqm``,
        each with ``_low`` and ``_high``, and ``runs``. Only for measures without a unit.
        """
        rows = []
        for method in self.order:
            if not all(method in table for table in self.tables.values()):
                continue
            strata = [table[method].dropna().to_numpy(float) for table in self.tables.values()]
            values = np.concatenate(strata)
            row: dict[str, object] = {"method": method, "runs": values.size}
            statistics = {"mean": _mean, "iqm": bootstrap.interquartile_mean}
            for name, statistic in statistics.items():
                row[name] = float(statistic(values))
                low, high = bootstrap.stratified_interval(strata, statistic)
                row[f"{name}_low"], row[f"{name}_high"] = low, high
            rows.append(row)
        table = pd.DataFrame(rows)
        if table.empty:
            return table
        return table.sort_values(
            "iqm", ascending=not self.measure.larger_is_better, kind="stable", ignore_index=True
        )


def _mean(values: bootstrap.FloatArray) -> bootstrap.FloatArray:
    return np.asarray(values.mean(axis=0))
