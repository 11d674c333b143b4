"""The runs of one task as step functions: where every run stood after a given expense.

A run keeps its last value after its end. Until it has an incumbent (a fully trained architecture
that keeps the constraints) it counts as the worst score that any run of the task ever had.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from surrobench.arrays import FloatArray, IntArray
from surrobench.report.search.records import RUN

TOLERANCE = 1e-9
"""Relative difference from the optimum that still counts as the optimum."""
_MOST_POSITIONS = 200
_TIMES = 120
_FEW = 30


@dataclass(frozen=True)
class Traces:
    """All runs of one task.

    Attributes:
        rows: their evaluations, sorted by method, seed and evaluation, with a ``score``.
        larger_is_better: of the score.
        optimum: the best possible score.
    """

    rows: pd.DataFrame
    larger_is_better: bool
    optimum: float

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row a run: ``method``, ``seed``, and ``end``, what it spent in all."""
        first = self._starts
        last = np.append(first[1:], len(self.rows)) - 1
        runs = self.rows.iloc[first][["method", "seed"]].reset_index(drop=True)
        runs["end"] = self.rows["spent"].to_numpy()[last]
        spent = self.rows["spent"].to_numpy()
        broken = pd.Series(spent != np.round(spent)).groupby(self._run_of_row).any()
        runs["single_fidelity"] = ~broken.to_numpy(dtype=bool)
        return runs

    @cached_property
    def _starts(self) -> IntArray:
        keys = self.rows[RUN]
        return np.flatnonzero(keys.ne(keys.shift()).any(axis=1).to_numpy())

    @cached_property
    def _run_of_row(self) -> IntArray:
        marks = np.zeros(len(self.rows), dtype=np.int64)
        marks[self._starts] = 1
        return np.cumsum(marks) - 1

    @cached_property
    def methods(self) -> list[str]:
        """Methods with a run, sorted."""
        return sorted(self.runs["method"].unique())

    def of(self, method: str) -> npt.NDArray[np.bool_]:
        """Which runs are a method's."""
        return (self.runs["method"] == method).to_numpy()

    @cached_property
    def budget(self) -> float:
        """Full trainings that curves and tables end at, as a whole number where that is one.

        The most that a run without shorter trainings spent, else the most that any spent: a run of
        many fidelities may overshoot a budget by less than one training.
        """
        plain = self.runs.loc[self.runs["single_fidelity"], "end"]
        most = float((plain if len(plain) else self.runs["end"]).max())
        return float(np.floor(most + TOLERANCE)) if most >= 1 else most

    @cached_property
    def early(self) -> npt.NDArray[np.bool_]:
        """Which runs ended a full training or more before the budget."""
        return self.runs["end"].to_numpy() <= self.budget - 1 + TOLERANCE

    @cached_property
    def positions(self) -> FloatArray:
        """Expenses to draw curves at, in full trainings; whole numbers where there are many."""
        if self.budget < _FEW and not self.runs["single_fidelity"].all():
            return np.linspace(0, self.budget, 121)[1:]
        whole = np.linspace(1, max(self.budget, 1), min(int(self.budget), _MOST_POSITIONS))
        return np.unique(np.round(whole))

    def before(self, positions: npt.ArrayLike, axis: str = "spent") -> IntArray:
        """Row of the last evaluation that each run finished at or before each position.

        Args:
            positions: on the axis, ascending.
            axis: a column that never falls within a run.

        Returns:
            ``runs × positions``; -1 before the first evaluation.
        """
        places = np.asarray(positions, dtype=np.float64)
        values = self.rows[axis].to_numpy()
        stop = np.append(self._starts[1:], len(self.rows))
        found = np.empty((len(self._starts), places.size), dtype=np.int64)
        slack = TOLERANCE * np.maximum(1.0, places)
        for run, (start, end) in enumerate(zip(self._starts, stop, strict=True)):
            found[run] = start + np.searchsorted(values[start:end], places + slack, "right") - 1
        return np.where(found < self._starts[:, None], -1, found)

    def read(self, column: str, rows: IntArray) -> FloatArray:
        """Values of a column at the rows that :meth:`before` gave; NaN where there is none."""
        values = self.rows[column].to_numpy(dtype=np.float64)
        return np.where(rows >= 0, values[rows], np.nan)

    @cached_property
    def worst(self) -> float:
        """The worst score that any run had."""
        scores = self.rows["score"]
        return float(scores.min() if self.larger_is_better else scores.max())

    def scores(self, rows: IntArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """Scores at rows, and which runs had an incumbent there."""
        scores = self.read("score", rows)
        known = np.isfinite(scores)
        return np.where(known, scores, self.worst), known

    def gap(self, scores: npt.ArrayLike) -> FloatArray:
        """How far scores are from the best possible one; smaller is better."""
        array = np.asarray(scores, dtype=np.float64)
        return self.optimum - array if self.larger_is_better else array - self.optimum

    @cached_property
    def found(self) -> FloatArray:
        """What each run had spent when the optimum first was its incumbent; infinite if never.

        Where evaluations are noisy, the incumbent may later be another architecture.
        """
        scale = np.abs(self.rows["best_value"]).max()
        limit = TOLERANCE * max(1.0, 0.0 if self.larger_is_better else float(scale))
        hit = self.gap(self.rows["score"]) <= limit
        spent = np.where(hit, self.rows["spent"].to_numpy(), np.inf)
        return np.minimum.reduceat(spent, self._starts)

    @cached_property
    def seconds_known(self) -> bool:
        """Whether every evaluation has a cost in seconds of training."""
        seconds = self.rows["simulated_seconds"]
        return bool(len(seconds) and seconds.notna().all() and seconds.max() > 0)

    @cached_property
    def seconds(self) -> FloatArray:
        """Seconds of training to draw curves at."""
        return np.linspace(0, float(self.rows["simulated_seconds"].max()), _TIMES + 1)[1:]

    @cached_property
    def last_seconds(self) -> pd.Series:
        """Up to when every run of a method that reached the budget was still going."""
        ends = np.append(self._starts[1:], len(self.rows)) - 1
        total = pd.Series(self.rows["simulated_seconds"].to_numpy()[ends]).where(~self.early)
        return total.groupby(self.runs["method"]).min()
