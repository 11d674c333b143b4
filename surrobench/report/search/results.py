"""A search study, checked and grouped: what every table and figure of it starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from surrobench.base.page_facts import facts_html
from surrobench.report.common.measures import Measure
from surrobench.report.common.units import of_differences
from surrobench.report.results import at
from surrobench.report.search.fronts import Fronts
from surrobench.report.search.judging import MIXED, Judgement
from surrobench.report.search.records import HYPERVOLUME, PARTS, REGRET, VOLUMES, checked
from surrobench.report.search.summaries import curve, mean_along, pairwise, summary
from surrobench.report.search.traces import Traces
from surrobench.report.statistics import statistics


@dataclass(frozen=True)
class SearchResults:
    """Checked evaluations; :meth:`of` makes them from a data frame.

    A *method* is the label of a strategy and, where one label was run on one task with several
    predictors, encodings or acquisition functions, their names. Every task is judged by one
    measure: simple regret, or, where there are several objectives, the dominated hypervolume as a
    share of that of the true front. Regret is what the incumbent falls short of the best candidate
    in the eyes of the judge: training runs that the search was not shown where a table has them,
    else the run, or the published mean of several, that was searched (see :attr:`judges`).
    Tasks and methods are sorted by name, so that the order of the
    rows does not matter.

    Attributes:
        rows: evaluations with a ``score``.
        failures: one row for each run that broke off; these count for nothing else.
        measures: of each task.
        references: of each task, what its best possible score stands for.
        fronts: the true fronts, where known.
    """

    rows: pd.DataFrame
    failures: pd.DataFrame
    measures: dict[str, Measure]
    references: dict[str, str]
    fronts: Fronts
    _cache: dict[tuple[str, ...], pd.DataFrame] = field(
        default_factory=dict, repr=False, compare=False
    )

    @classmethod
    def of(
        cls, frame: pd.DataFrame | SearchResults, fronts: pd.DataFrame | None = None
    ) -> SearchResults:
        """Check evaluations with the columns ``task, strategy, seed, evaluation, best_value``.

        Args:
            frame: one row per evaluation. Where present, ``predictor``, ``encoding``,
                ``acquisition``, ``protocol``, ``unit``, ``simple_regret``, ``test_value``,
                ``spent``, ``simulated_seconds``, ``overhead_seconds``, ``status``, ``reason``,
                ``judge``, ``lengths``, ``useful_hypervolume`` (or ``hypervolume``) and
                ``front_found`` are used too.
            fronts: a row per architecture of a true front: ``task``, the objectives as the frame
                names them, and ``hypervolume`` of the whole front. Without it the hypervolume of
                the frame is taken for a share already, unless it exceeds 1.

        Raises:
            UserError: if there are no rows, a column is missing, or two rows of one evaluation
                disagree.
        """
        if isinstance(frame, SearchResults):
            return frame
        rows, failures = checked(frame)
        known = Fronts.of(rows, fronts)
        measures: dict[str, Measure] = {}
        references: dict[str, str] = {}
        scores = np.full(len(rows), np.nan)
        for name, places in sorted(rows.groupby("task").indices.items()):
            task, part = str(name), rows.iloc[places]
            score, measures[task], references[task] = _score(part, known.hypervolume(task))
            scores[places] = np.where(np.isfinite(score), score, np.nan)
        for task in failures["task"]:
            measures.setdefault(task, next(iter(measures.values()), REGRET))
            references.setdefault(task, "optimum")
        return cls(rows.assign(score=scores), failures, measures, references, known)

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
    def tasks(self) -> list[str]:
        """Tasks with a run, also a broken one, sorted."""
        return sorted({*self.rows["task"].unique(), *self.failures["task"].unique()})

    @cached_property
    def methods(self) -> list[str]:
        """Methods with a run, also a broken one, sorted."""
        return sorted({*self.rows["method"].unique(), *self.failures["method"].unique()})

    @cached_property
    def identities(self) -> pd.DataFrame:
        """``strategy``, ``predictor``, ``encoding`` and ``acquisition`` of each method.

        Empty where they change with the task.
        """
        columns = ["strategy", *PARTS]
        kinds = self.rows[["method", *columns]].drop_duplicates()
        groups = kinds.groupby("method")[columns]
        table = groups.first().where(groups.nunique().eq(1), "")
        return table.reindex(self.methods, fill_value="")

    @cached_property
    def failed_evaluations(self) -> int:
        """Evaluations without a value within runs that went on."""
        return int((~self.rows["status"].isin(["", "ok"])).sum())

    @property
    def measure(self) -> Measure:
        """What the (first) task is judged by."""
        return self.measures[self.tasks[0]]

    @cached_property
    def judges(self) -> dict[str, Judgement]:
        """Who judges the searches of each task that has a run."""
        return {str(task): Judgement.of(rows) for task, rows in self.rows.groupby("task")}

    def label(self, task: str) -> str:
        """What the scores of a task are called, with what they are judged by."""
        if self.measures[task] != REGRET or task not in self.judges:
            return self.measures[task].label
        return self.judges[task].label

    @property
    def common_label(self) -> str:
        """What the scores of all tasks are called."""
        labels = {self.label(task) for task in self.tasks if task in self.judges}
        if self.measure == REGRET and len(labels) > 1:
            return self.measure.label + MIXED
        return labels.pop() if len(labels) == 1 else self.measure.label

    def unit(self, task: str) -> str:
        """Of the scores of a task, which are differences or volumes, if the rows say it."""
        texts = self.rows.loc[self.rows["task"] == task, "unit"]
        return (
            ""
            if self.measures[task].unitless or texts.empty
            else of_differences(str(texts.iloc[0]))
        )

    def select(self, tasks: Sequence[str]) -> SearchResults:
        """The part that belongs to some tasks."""
        if set(tasks) == set(self.tasks):
            return self
        return replace(
            self,
            rows=self.rows[self.rows["task"].isin(list(tasks))],
            failures=self.failures[self.failures["task"].isin(list(tasks))],
            _cache={},
        )

    def by_measure(self) -> list[SearchResults]:
        """One part for each measure: their scores do not compare."""
        parts = [
            [task for task in self.tasks if self.measures[task] == measure]
            for measure in (REGRET, HYPERVOLUME)
        ]
        return [self.select(tasks) for tasks in parts if tasks]

    @cached_property
    def traces(self) -> dict[str, Traces]:
        """The runs of every task that has any."""
        return {
            str(task): Traces(
                rows.reset_index(drop=True),
                self.measures[str(task)].larger_is_better,
                1.0 if self.measures[str(task)].larger_is_better else 0.0,
            )
            for task, rows in self.rows.groupby("task")
        }

    @cached_property
    def ever_found(self) -> bool:
        """Whether any run found the optimum of its task."""
        return any(bool(np.isfinite(trace.found).any()) for trace in self.traces.values())

    @cached_property
    def budgets(self) -> list[int]:
        """Where tables look.

        A third, two thirds and all of the smallest budget of a task, and the largest budget.
        """
        budgets = [max(1, int(traces.budget)) for traces in self.traces.values()]
        if not budgets:
            return []
        least = min(budgets)
        return sorted({max(1, round(least / 3)), max(1, round(2 * least / 3)), least, max(budgets)})

    def budgets_of(self, task: str) -> list[int]:
        """Those of :attr:`budgets` that a task has."""
        return [b for b in self.budgets if b <= max(1, int(self.traces[task].budget))]

    def curves(self, task: str, axis: str = "spent") -> pd.DataFrame:
        """:func:`~surrobench.report.search.summaries.curve` of every method of a task."""
        key = ("curves", task, axis)
        if key not in self._cache:
            self._cache[key] = curve(self.traces[task], axis)
        return self._cache[key]

    def comparison(self, budget: int) -> pd.DataFrame:
        """Every method at a budget and against the best of its task, a row per (task, method).

        The columns of :func:`~surrobench.report.search.summaries.summary` and of
        :func:`~surrobench.report.statistics.statistics.versus_best`, and ``untested``
        (:func:`~surrobench.report.statistics.statistics.untested`, of all budgets together). Tasks
        with a smaller budget are left out.
        """
        tables = {b: self._compared(b) for b in {*self.budgets, budget}}
        if "untested" not in tables[budget]:
            open_rows = statistics.untested(pd.concat(tables, names=["budget"]))
            for one, table in tables.items():
                table["untested"] = open_rows.loc[one]
        return tables[budget]

    def _compared(self, budget: int) -> pd.DataFrame:
        key = ("comparison", str(budget))
        if key not in self._cache:
            tables = {
                task: summary(traces, budget, self._failed(task))
                for task, traces in self.traces.items()
                if max(1, int(traces.budget)) >= budget
            }
            self._cache[key] = pd.concat(tables, names=["task"])
        return self._cache[key]

    def _failed(self, task: str) -> pd.Series:
        return self.failures.loc[self.failures["task"] == task, "method"].value_counts()

    def pairs(self, task: str) -> pd.DataFrame:
        """:func:`~surrobench.report.search.summaries.pairwise` at the whole budget of a task."""
        key = ("pairs", task)
        if key not in self._cache:
            traces = self.traces[task]
            self._cache[key] = pairwise(traces, max(1, int(traces.budget)))
        return self._cache[key]

    def means(self, budget: int) -> pd.DataFrame:
        """Mean scores at a budget, methods × tasks, NaN where there is none."""
        wide = self.comparison(budget)["mean"].unstack("task")
        return wide.reindex(index=self.methods)

    def mean_ranks(self, budget: int) -> pd.Series:
        """Mean rank of each method over the tasks (1 is best); NaN if it lacks one."""
        return statistics.mean_ranks(self.means(budget), self.measure.larger_is_better)

    @cached_property
    def order(self) -> list[str]:
        """Methods with a run, best first by their mean relative rank over tasks at the end.

        Methods that are equal there follow the rank of their mean score all along the way.
        """
        ranks: dict[str, list[pd.Series]] = {"end": [], "way": []}
        for task, traces in self.traces.items():
            for name, means in (
                ("end", self.comparison_at_end(task)["mean"].round(12)),
                ("way", mean_along(traces).round(12)),
            ):
                ranks[name].append(means.rank(ascending=not traces.larger_is_better, pct=True))
        if not self.traces:
            return []
        table = pd.DataFrame({name: pd.concat(r, axis=1).mean(axis=1) for name, r in ranks.items()})
        return [str(name) for name in table.sort_index().sort_values(["end", "way"]).index]

    def comparison_at_end(self, task: str) -> pd.DataFrame:
        """:meth:`comparison` of one task at its own budget, a row per method."""
        return at(self.comparison(max(1, int(self.traces[task].budget))), "task", task)


def _score(rows: pd.DataFrame, whole: float | None) -> tuple[pd.Series, Measure, str]:
    """Scores of one task, what they measure, and what the best possible score stands for."""
    known_volumes = [rows[name] for name in VOLUMES if name in rows and rows[name].notna().any()]
    if known_volumes:
        volume = known_volumes[0]
        most = float(volume.max())
        known = whole or (1.0 if most <= 1 + 1e-9 else None)
        return volume / (known or most), HYPERVOLUME, "true front" if known else "best found"
    if rows["simple_regret"].notna().any():
        return rows["simple_regret"], REGRET, "optimum"
    return rows["best_value"].max() - rows["best_value"], REGRET, "best found"
