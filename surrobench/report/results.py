"""The records of a study, checked and grouped: what every table and figure starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from surrobench.base.page_facts import facts_html
from surrobench.errors import UserError
from surrobench.report.common.measures import MEASURES, Measure, find_measure
from surrobench.report.common.records import CELL, checked
from surrobench.report.statistics import statistics
from surrobench.report.statistics.intervals import mean_intervals


def at(frame: pd.DataFrame, level: str, value: object) -> pd.DataFrame:
    """The rows at one value of an index level, which is dropped; perhaps none."""
    return frame[frame.index.get_level_values(level) == value].droplevel(level)


@dataclass(frozen=True)
class Results:
    """Checked records, one a row; :meth:`of` makes them from a data frame.

    A *method* is a predictor with its target transform (written ``name+transform`` unless it is
    the default, ``standardise``) and, where one predictor was used with several encodings on one
    task, its encoding. Records of different protocols count as different tasks.
    """

    records: pd.DataFrame

    @classmethod
    def of(cls, frame: pd.DataFrame | Results, usual_encodings: bool = False) -> Results:
        """Check records with the columns ``task, predictor, train_size, seed, status``.

        Any measures, and ``transform``, ``encoding``, ``protocol``, ``reason`` and ``constant``,
        are used where present.

        Args:
            frame: records.
            usual_encodings: only other encodings than the one that most predictors have on a task
                are part of a method's name.

        Raises:
            UserError: if there are no records, a column is missing, or two records of the same
                cell disagree.
        """
        if isinstance(frame, Results):
            return frame
        return cls(checked(frame, usual_encodings))

    def _repr_html_(self) -> str:
        return facts_html(
            "Results",
            [
                ("tasks", ", ".join(self.tasks)),
                ("methods", ", ".join(self.methods)),
                ("without a result", len(self.failures)),
            ],
        )

    @cached_property
    def ok(self) -> pd.DataFrame:
        """The records that have numbers."""
        return self.records[self.records["status"] == "ok"]

    @cached_property
    def failures(self) -> pd.DataFrame:
        """The records that have none, with their reasons."""
        return self.records[self.records["status"] != "ok"]

    @cached_property
    def tasks(self) -> list[str]:
        """Tasks in order of appearance."""
        return [str(task) for task in self.records["task"].unique()]

    @cached_property
    def methods(self) -> list[str]:
        """Methods in order of appearance."""
        return [str(method) for method in self.records["method"].unique()]

    @cached_property
    def sizes(self) -> list[int]:
        """Train sizes, ascending."""
        return sorted(int(size) for size in self.records["train_size"].unique())

    @cached_property
    def identities(self) -> pd.DataFrame:
        """``predictor``, ``transform`` and ``encoding`` of each method (the index)."""
        columns = ["predictor", "transform", "encoding"]
        return self.records.drop_duplicates("method").set_index("method")[columns]

    @cached_property
    def alike(self) -> dict[str, list[str]]:
        """Tasks that rank all architectures as an earlier one does, by that one."""
        if "ranking" not in self.records:
            return {}
        first = self.records.drop_duplicates("task").dropna(subset="ranking")
        found = {
            str(tasks.iloc[0]): tasks.iloc[1:].astype(str).tolist()
            for _, tasks in first.groupby(["ranking", "protocol"], sort=False)["task"]
        }
        return {task: others for task, others in found.items() if others}

    @cached_property
    def repeated(self) -> list[str]:
        """Tasks whose ranking an earlier one has; statements over tasks leave them out."""
        return [task for others in self.alike.values() for task in others]

    def select(self, tasks: Sequence[str]) -> Results:
        """The part that belongs to some tasks; methods keep their names."""
        if set(tasks) == set(self.tasks):
            return self
        return Results(self.records[self.records["task"].isin(list(tasks))])

    def has(self, *columns: str) -> bool:
        """Whether every one of these measures was recorded at least once."""
        return all(c in self.ok.columns and bool(self.ok[c].notna().any()) for c in columns)

    def primary(self, column: str | None = None) -> Measure | None:
        """The measure to rank by: the named one, else the first recorded; None without any.

        Raises:
            UserError: if the named one does not exist or was not recorded.
        """
        recorded = [measure for name, measure in MEASURES.items() if self.has(name)]
        if column is None or not recorded:
            return recorded[0] if recorded else None
        measure = find_measure(column)
        if measure not in recorded:
            names = ", ".join(item.column for item in recorded)
            raise UserError(f"the results have no numbers for {column!r}, only for {names}.")
        return measure

    def constant_methods(self, *, always: bool = False) -> list[str]:
        """Methods that predicted one value for everything, at least once or ``always``."""
        if "constant" not in self.ok:
            return []
        flags = self.ok["constant"].eq(True).groupby(self.ok["method"], sort=False)
        flagged = flags.all() if always else flags.any()
        return [str(name) for name in flagged.index[flagged]]

    def focus_sizes(self, measure: Measure) -> list[int]:
        """The largest train size with numbers, and before it the largest that most methods have.

        Slow predictors may stop early; a picture of the largest size alone would hide them.
        """
        if not self.has(measure.column):
            return []
        scored = self.ok[self.ok[measure.column].notna()]
        counts = scored.groupby("train_size")["method"].nunique()
        fullest = int(counts[counts == counts.max()].index.max())
        return sorted({fullest, int(counts.index.max())})

    def summary(self, measure: Measure) -> pd.DataFrame:
        """Mean over seeds of one measure, a row per (task, train_size, method).

        Columns: ``mean``, ``se`` (standard error), ``low`` and ``high`` (95 % limits of
        :func:`~surrobench.report.statistics.intervals.mean_intervals`; NaN where none holds),
        ``seeds`` (records with a number), ``planned`` (records with any status), ``failed`` and
        ``incomplete`` (fewer seeds than were planned for this task and size).
        """
        if measure.column not in self._summaries:
            self._summaries[measure.column] = self._summarise(measure.column)
        return self._summaries[measure.column]

    @cached_property
    def _summaries(self) -> dict[str, pd.DataFrame]:
        return {}

    @cached_property
    def _moments(self) -> dict[str, pd.DataFrame]:
        """Mean, standard error and number of values of all measures of every cell at once."""
        measures = [column for column in self.records if column in MEASURES]
        valid = self.records[measures].where(self.records["status"] == "ok")
        groups = valid.groupby([self.records[column] for column in CELL], sort=False)
        return {"mean": groups.mean(), "se": groups.sem(), "seeds": groups.count()}

    @cached_property
    def _counts(self) -> pd.DataFrame:
        """Planned and failed records of every cell, and the seeds of its task and size."""
        marked = self.records.assign(failed=(self.records["status"] != "ok").astype(int))
        groups = marked.groupby(CELL, sort=False)
        counts = pd.DataFrame({"planned": groups.size(), "failed": groups["failed"].sum()})
        seeds = marked.groupby(CELL[:2])["seed"].nunique().rename("all_seeds")
        return counts.join(seeds, on=CELL[:2])

    def _summarise(self, column: str) -> pd.DataFrame:
        counts = self._counts
        table = pd.DataFrame(
            {name: values.get(column, np.nan) for name, values in self._moments.items()},
            index=counts.index,
        ).fillna({"seeds": 0})
        table["low"], table["high"] = self._limits(column)
        table["planned"], table["failed"] = counts["planned"], counts["failed"]
        table["incomplete"] = (table["seeds"] < counts["all_seeds"]) & (table["seeds"] > 0)
        return table.astype({"seeds": int})

    def _limits(self, column: str) -> tuple[pd.Series, pd.Series]:
        """Of the mean of every cell; NaN where no interval would hold."""
        scored = self.ok[[*CELL, *self.ok.columns.intersection([column])]]
        if column not in scored or not scored[column].notna().any():
            missing = pd.Series(np.nan, index=self._counts.index)
            return missing, missing
        scored = scored.assign(run=scored.groupby(CELL).cumcount())
        wide = scored.pivot(index="run", columns=CELL, values=column)
        low, high = mean_intervals(wide.to_numpy(dtype=float), MEASURES[column].skewed)
        index = self._counts.index
        lower, upper = (pd.Series(ends, index=wide.columns).reindex(index) for ends in (low, high))
        return lower, upper

    def means(self, measure: Measure, size: int) -> pd.DataFrame:
        """Mean scores at one train size, methods × tasks, NaN where there is none."""
        wide = at(self.summary(measure), "train_size", size)["mean"].unstack("task")
        return wide.reindex(index=self.methods, columns=self.tasks)

    def scores(self, measure: Measure, task: str, size: int) -> pd.DataFrame:
        """Scores at one task and train size, seeds × methods, only methods with any."""
        here = self.ok[(self.ok["task"] == task) & (self.ok["train_size"] == size)]
        wide = here.pivot(index="seed", columns="method", values=measure.column)
        return wide.dropna(axis=1, how="all")

    def mean_ranks(self, measure: Measure, size: int) -> pd.Series:
        """Mean rank of each method over the tasks that have this train size (1 is best).

        NaN for a method that lacks one of these tasks.
        """
        means = self.means(measure, size).dropna(axis=1, how="all")
        return statistics.mean_ranks(means, measure.larger_is_better)

    def comparison(self, measure: Measure, size: int) -> pd.DataFrame:
        """Every method against the best of its task at one train size.

        A row per (task, method): the columns of :meth:`summary` and of
        :func:`~surrobench.report.statistics.statistics.versus_best`, and ``untested``
        (:func:`~surrobench.report.statistics.statistics.untested`, of all sizes together).
        """
        sizes = {size: self._compared(measure, size) for size in {*self.sizes, size}}
        if "untested" not in sizes[size]:
            together = pd.concat(sizes, names=["train_size"])
            open_rows = statistics.untested(together)
            for one, table in sizes.items():
                table["untested"] = open_rows.loc[one]
        return sizes[size]

    def _compared(self, measure: Measure, size: int) -> pd.DataFrame:
        key = f"{measure.column} {size}"
        if key not in self._comparisons:
            tests = {
                task: statistics.versus_best(
                    self.scores(measure, task, size),
                    measure.larger_is_better,
                    marked=measure.marked,
                )
                for task in self.tasks
            }
            tested = pd.concat(tests, names=["task", "method"])
            summary = at(self.summary(measure), "train_size", size)
            table = summary.join(tested)
            for column in ("best", "second", "not_worse"):
                table[column] = table[column].eq(True)
            self._comparisons[key] = table
        return self._comparisons[key]

    @cached_property
    def _comparisons(self) -> dict[str, pd.DataFrame]:
        return {}

    def order(self, measure: Measure, size: int) -> list[str]:
        """Methods with a score at one size, best first by their mean relative rank over tasks.

        The relative rank (rank over number of methods on the task) also orders methods that
        lack some tasks; where no task is missing it is the order of the mean rank.
        """
        means = self.means(measure, size).dropna(how="all")
        relative = means.rank(ascending=not measure.larger_is_better, pct=True).mean(axis=1)
        return [str(name) for name in relative.sort_values(kind="stable").index]
