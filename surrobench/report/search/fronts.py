"""Fronts of several objectives: the true ones, and those that runs attained. Larger is better."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from surrobench.arrays import FloatArray
from surrobench.report.search.traces import Traces

_PREFIX = re.compile(r"objectives?[_:.]")


@dataclass(frozen=True)
class Fronts:
    """The columns that hold objectives, and the true fronts.

    Attributes:
        objectives: names of the columns, in the order of the frame.
        true: ``task``, the objectives and perhaps ``hypervolume``; may be empty.
    """

    objectives: tuple[str, ...]
    true: pd.DataFrame

    @classmethod
    def of(cls, rows: pd.DataFrame, fronts: pd.DataFrame | None) -> Fronts:
        """Find the objectives of evaluations.

        They are the columns whose names begin with ``objective_`` or ``objective:``, or those that
        a text column ``objectives`` names.
        """
        named: list[str] = []
        if "objectives" in rows:
            texts = map(str, rows["objectives"].dropna().unique())
            named = [part for text in texts for part in re.split(r"[\s,;+|]+", text)]
        numeric = rows.select_dtypes("number").columns
        chosen = [str(c) for c in numeric if _PREFIX.match(str(c)) or str(c) in named]
        return cls(tuple(chosen), pd.DataFrame() if fronts is None else fronts)

    def hypervolume(self, task: str) -> float | None:
        """Of the true front of a task, if it is known."""
        table = self._of_task(task)
        if "hypervolume" not in table:
            return None
        value = float(pd.to_numeric(table["hypervolume"], errors="coerce").max())
        return value if value > 0 else None

    def _of_task(self, task: str) -> pd.DataFrame:
        if "task" not in self.true:
            return pd.DataFrame()
        names = self.true["task"].astype(str)
        exact = self.true[names == task]
        return exact if len(exact) else self.true[names == task.rpartition(" [")[0]]

    def pair(self, rows: pd.DataFrame) -> tuple[str, str] | None:
        """The first two objectives that these evaluations have."""
        present = [name for name in self.objectives if rows[name].notna().any()]
        return (present[0], present[1]) if len(present) >= 2 else None

    def points(self, task: str, pair: tuple[str, str]) -> FloatArray:
        """The true front in two objectives (``points × 2``, by the first), perhaps without any."""
        table = self._of_task(task)
        if not set(pair) <= set(table.columns):
            return np.empty((0, 2))
        return non_dominated(table[list(pair)].to_numpy(dtype=np.float64))


def non_dominated(points: npt.ArrayLike) -> FloatArray:
    """Those of ``points × 2`` that no other exceeds in both objectives, by the first; no NaN."""
    array = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    array = np.unique(array[np.isfinite(array).all(axis=1)], axis=0)[::-1]
    best = np.maximum.accumulate(array[:, 1])
    keep = np.append(np.ones(min(1, len(array)), dtype=bool), array[1:, 1] > best[:-1])
    return array[keep][::-1]


def attained(traces: Traces, pair: tuple[str, str]) -> pd.DataFrame:
    """The front of the median run of every method, and the score (hypervolume) of that run.

    Columns: ``method``, ``seed``, two objectives, ``score``.

    The median run is the one whose final score is the (lower) median; the smaller seed of equals.
    Only full trainings within the budget count that keep the constraints.
    """
    final = traces.scores(traces.before([traces.budget]))[0][:, 0]
    runs = traces.runs.assign(score=final).sort_values(["method", "score", "seed"])
    rows = traces.rows[traces.rows["spent"] <= traces.budget * (1 + 1e-9)]
    if "epochs" in rows:
        epochs = pd.to_numeric(rows["epochs"], errors="coerce")
        rows = rows[epochs.isna() | (epochs == epochs.max())]
    if "feasible" in rows:
        rows = rows[~rows["feasible"].eq(False).fillna(False).astype(bool)]
    tables = []
    for method, part in runs.groupby("method"):
        median = part.iloc[(len(part) - 1) // 2]
        seed = int(median["seed"])
        own = rows[(rows["method"] == method) & (rows["seed"] == seed)]
        front = pd.DataFrame(non_dominated(own[list(pair)]), columns=list(pair))
        front.insert(0, "method", method)
        front.insert(1, "seed", seed)
        front["score"] = float(median["score"])
        tables.append(front)
    return pd.concat(tables, ignore_index=True)
