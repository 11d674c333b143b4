"""Paired scores of any kind of study: what comparisons of methods start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from surrobench.arrays import FloatArray
from surrobench.base.wording import counted
from surrobench.report.common.measures import Measure
from surrobench.report.common.style import MethodStyle
from surrobench.report.comparing.board import Board, board_of
from surrobench.report.costs import QUERY
from surrobench.report.figures import panels
from surrobench.report.results import Results
from surrobench.report.statistics import bootstrap
from surrobench.report.statistics.clusters import LEAST_TABLES, by_table, number_of_tables
from surrobench.report.statistics.intervals import (
    mean_interval,
    stratified_mean_interval,
    trimmed_mean_interval,
)
from surrobench.report.statistics.pairs import COLUMNS, compare_pairs
from surrobench.report.statistics.rank_tests import RankTest, mean_rank_test, rank_test

QUERIES = 1000
"""Architectures that the seconds of a method are counted for."""


@dataclass(frozen=True)
class Scores:
    """Scores at one train size or budget.

    Attributes:
        tables: of each task, seeds × methods; NaN where a method has no score.
        measure: what they are.
        order: the methods, best first.
        styles: of the methods.
        stem: what the names of files begin with.
        suffix: what they end with.
        where: when the scores were taken, as the end of a sentence.
        repeated: tasks that statements over tasks leave out: another one ranks alike.
        constant: methods that are left out since they answer one value for everything.
        seconds: of every method, where they are known.
        seconds_of: what these are, for an axis.
    """

    tables: Mapping[str, pd.DataFrame]
    measure: Measure
    order: Sequence[str]
    styles: Mapping[str, MethodStyle]
    stem: str
    suffix: str
    where: str
    repeated: Sequence[str] = ()
    constant: Sequence[str] = ()
    seconds: pd.Series | None = None
    seconds_of: str = "seconds"

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
            panels.styles(results),
            measure.column,
            f"-n{size}",
            f"with {counted(size, 'training example')}",
            results.repeated,
            constant,
            seconds_of_methods(results, size),
            f"seconds to fit and to rank {QUERIES:,} architectures",
        )

    @property
    def known(self) -> Scores:
        """The tasks on which some method has a score."""
        known = {t: table for t, table in self.tables.items() if table.notna().any(axis=None)}
        return replace(self, tables=known)

    @cached_property
    def over_tables(self) -> bool:
        """Whether there are enough tables for a statement about tasks of other tables."""
        return number_of_tables(self.tables) >= LEAST_TABLES

    @cached_property
    def blocks(self) -> tuple[pd.DataFrame, str]:
        """Blocks × methods for a test, and what a block is; none where nothing is independent.

        Tables where there are at least :data:`~surrobench.report.statistics.clusters.LEAST_TABLES`,
        or the seeds of a single task. Few tasks give no blocks: their seeds put together would take
        what is peculiar to these tasks for a difference of methods.
        """
        if self.over_tables:
            return by_table(self._distinct), "tables"
        if len(self.tables) == 1:
            (task,) = self.tables
            table = self.tables[task].reindex(columns=list(self.order))
            blocks = table.dropna(axis=1, how="all").dropna().reset_index(drop=True)
            return blocks, f"seeds on {task} alone"
        return pd.DataFrame(), ""

    @cached_property
    def means(self) -> pd.DataFrame:
        """Over seeds, tasks × methods."""
        means = {task: table.mean() for task, table in self.tables.items()}
        return pd.DataFrame(means).T.reindex(columns=list(self.order))

    @property
    def _distinct(self) -> pd.DataFrame:
        """:attr:`means` of tasks that ask different questions."""
        return self.means.drop(index=list(self.repeated), errors="ignore")

    @cached_property
    def ranks(self) -> RankTest:
        """Friedman's and Nemenyi's test over the blocks; ranks are those within a task."""
        if not self.over_tables:
            return rank_test(self.blocks[0], self.measure.larger_is_better)
        complete = self._distinct.dropna(axis=1)
        ranks = complete.rank(axis=1, ascending=not self.measure.larger_is_better)
        return mean_rank_test(by_table(ranks))

    @cached_property
    def board(self) -> Board:
        """Elo, win rate, improvability and seconds over tables, tasks, or the seeds of one task."""
        scored = [m for m in self.order if any(m in table for table in self.tables.values())]
        one = len(self.tables) == 1
        return board_of(
            self._distinct[scored],
            self.measure,
            seeds=self.blocks[0].reindex(columns=scored) if one else None,
            by_table=self.over_tables,
            seconds=self.seconds,
        )

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Pairs of every task, its name first (:mod:`surrobench.report.statistics.pairs`)."""
        found = [
            compare_pairs(
                table,
                self.measure.larger_is_better,
                skewed=self.measure.skewed,
                marked=self.measure.marked,
            ).assign(task=task)
            for task, table in self.tables.items()
        ]
        if not found:
            return pd.DataFrame(columns=["task", *COLUMNS])
        return pd.concat(found, ignore_index=True)[["task", *COLUMNS]]

    def aggregates(self) -> pd.DataFrame:
        """Mean and interquartile mean over all tasks and seeds with intervals.

        With enough tables (:attr:`over_tables`) a table counts once, with the mean of its tasks,
        and the intervals speak of other tables; else all runs count alike and the intervals speak
        of other seeds on these tasks.

        A row per method that every task has, best interquartile mean first: ``mean``, ``iqm``,
        each with ``_low`` and ``_high`` (NaN where no interval holds), ``runs``, and ``over``,
        ``tables`` or ``seeds``. Only for measures without a unit.
        """
        summed = _over_tables if self.over_tables else _over_seeds
        rows = []
        for method in self.order:
            if all(method in table for table in self.tables.values()):
                strata = {
                    task: table[method].dropna().to_numpy(float)
                    for task, table in self.tables.items()
                    if task not in self.repeated
                }
                runs = sum(len(stratum) for stratum in strata.values())
                rows.append({"method": method, "runs": runs, **summed(strata, self.measure.skewed)})
        table = pd.DataFrame(rows)
        if table.empty:
            return table
        table["over"] = "tables" if self.over_tables else "seeds"
        return table.sort_values(
            "iqm", ascending=not self.measure.larger_is_better, kind="stable", ignore_index=True
        )


def seconds_of_methods(results: Results, size: int) -> pd.Series | None:
    """What a method takes at one train size to fit and to answer :data:`QUERIES` queries.

    Means over seeds, and their geometric mean over tasks, for seconds differ by orders.
    """
    if not results.has("fit_seconds", QUERY):
        return None
    rows = results.ok[results.ok["train_size"] == size]
    spent = rows["fit_seconds"] + QUERIES * rows[QUERY]
    return geometric_mean(spent.groupby([rows["task"], rows["method"]]).mean().unstack("task"))


def geometric_mean(seconds: pd.DataFrame) -> pd.Series:
    """Over tasks (columns), of what is above zero."""
    known = seconds.where(seconds > 0)
    return pd.Series(np.exp(np.log(known).mean(axis=1)), index=seconds.index)


def _over_tables(strata: Mapping[str, FloatArray], skewed: bool) -> dict[str, float]:
    """Tables are independent draws; the scores of their tasks are means over seeds."""
    means = pd.DataFrame({"score": {task: float(np.mean(s)) for task, s in strata.items()}})
    values = by_table(means)["score"].dropna().to_numpy(float)
    found = mean_interval(values, skewed)
    low, high = trimmed_mean_interval(values)
    return {
        **{"mean": found.mean, "mean_low": found.low, "mean_high": found.high},
        **{"iqm": float(bootstrap.interquartile_mean(values)), "iqm_low": low, "iqm_high": high},
    }


def _over_seeds(strata: Mapping[str, FloatArray], skewed: bool) -> dict[str, float]:
    """The tasks are given; runs are draws."""
    parts = list(strata.values())
    values = np.concatenate(parts)
    low, high = (np.nan, np.nan) if skewed else stratified_mean_interval(parts)
    middle = bootstrap.stratified_interval(parts) if not skewed else (np.nan, np.nan)
    return {
        **{"mean": float(values.mean()), "mean_low": low, "mean_high": high},
        "iqm": float(bootstrap.interquartile_mean(values)),
        **{"iqm_low": middle[0], "iqm_high": middle[1]},
    }
