"""Rows of a search study checked before anything is computed from them.

A row is one evaluation of one run; a run is one (task, method, seed). A run that broke off has a
status that no evaluation can have (``timeout``, for example) or a row without an evaluation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from surrobench.base.wording import counted
from surrobench.errors import UserError
from surrobench.report.common.measures import Measure

REQUIRED = ("task", "strategy", "seed", "evaluation", "best_value")
TEXT = (
    "task",
    "strategy",
    "predictor",
    "encoding",
    "acquisition",
    "objectives",
    "protocol",
    "unit",
    "status",
    "reason",
    "judge",
    "lengths",
    "useful",
)
VOLUMES = ("useful_hypervolume", "hypervolume")
"""Of useful networks; and, in results of earlier versions, of all down to those at chance."""
NUMBERS = (
    "best_value",
    "simple_regret",
    "test_value",
    "spent",
    "simulated_seconds",
    "overhead_seconds",
    "judge_runs",
    "pool",
    "without_judge",
    "front_points",
    "front_found",
    *VOLUMES,
)
RUN = ["task", "method", "seed"]
PARTS = ("predictor", "encoding", "acquisition")
OF_EVALUATIONS = ("", "ok", "diverged", "failed")
"""What may have happened to one architecture without ending the run."""

REGRET = Measure(
    "simple_regret",
    "simple regret",
    larger_is_better=False,
    unitless=False,
    skewed=True,
    perfect=0.0,
)
HYPERVOLUME = Measure("hypervolume", "relative hypervolume", skewed=True, perfect=1.0)


class Checked(NamedTuple):
    """Rows of complete runs in the order of their evaluations, and one row for each broken run."""

    rows: pd.DataFrame
    failures: pd.DataFrame


def checked(frame: pd.DataFrame) -> Checked:
    """Rows with a ``method``, sorted by task, method, seed and evaluation.

    Raises:
        UserError: if there are no rows, a column is missing, two rows of one evaluation disagree
            or a run spends less than nothing.
    """
    missing = [column for column in REQUIRED if column not in frame.columns]
    if missing:
        raise UserError(
            f"the results lack the column(s) {', '.join(missing)}; a report of a search needs "
            f"{', '.join(REQUIRED)}, and simple_regret where the optimum is known."
        )
    if frame.empty:
        raise UserError("the results hold no evaluations: run the study first.")
    rows = _named(_typed(frame))
    rows, failures = _without_broken_runs(rows)
    rows = _distinct(rows.sort_values([*RUN, "evaluation"], kind="stable", ignore_index=True))
    _check_spending(rows)
    return Checked(rows, failures)


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy with text as text and numbers as numbers; the rest is passed on as it is."""
    rows = frame.reset_index(drop=True)
    for column in TEXT:
        rows[column] = _text(rows[column]) if column in rows else ""
    for column in NUMBERS:
        if column in rows:
            rows[column] = pd.to_numeric(rows[column], errors="coerce").astype(float)
        elif column not in VOLUMES:
            rows[column] = np.nan
    seeds = pd.to_numeric(rows["seed"], errors="coerce")
    if seeds.isna().any():
        raise UserError("the column seed of the results holds values that are no integers.")
    rows["seed"] = seeds.astype(int)
    rows["evaluation"] = pd.to_numeric(rows["evaluation"], errors="coerce").astype(float)
    rows["spent"] = rows["spent"].fillna(rows["evaluation"])
    return rows


def _text(values: pd.Series) -> pd.Series:
    """Each distinct value turned into text once; missing ones are empty."""
    codes, distinct = pd.factorize(values)
    names = np.array([*map(str, distinct), ""], dtype=object)
    return pd.Series(names[codes], index=values.index)


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    """Add ``method``: the label, and the parts by which one label differs within a task.

    Searches with different objectives or protocols do not compare: they count as other tasks.
    """
    kinds = rows[["task", "strategy", *PARTS]].drop_duplicates()
    name = kinds["strategy"]
    for part in PARTS:
        here = kinds.groupby(["strategy", "task"])[part].transform("nunique")
        several = here.groupby(kinds["strategy"]).transform("max") > 1
        name = name + (" · " + kinds[part]).where(several & (kinds[part] != ""), "")
    rows = rows.merge(kinds.assign(method=name), on=["task", "strategy", *PARTS], how="left")
    for column in ("objectives", "protocol"):
        if rows[column].nunique() > 1:
            tags = (" [" + rows[column] + "]").where(rows[column] != "", "")
            rows["task"] = rows["task"] + tags
    return rows


def _without_broken_runs(rows: pd.DataFrame) -> Checked:
    """Take out the runs that broke off: their last value would pass for a finished search."""
    broken = ~rows["status"].isin(OF_EVALUATIONS) | ~(rows["evaluation"] >= 1)
    columns = [*RUN, "status", "reason"]
    failures = rows.loc[broken, columns].sort_values(columns).drop_duplicates(RUN)
    if failures.empty:
        return Checked(rows, failures.reset_index(drop=True))
    lost = pd.MultiIndex.from_frame(failures[RUN])
    keep = ~pd.MultiIndex.from_frame(rows[RUN]).isin(lost)
    return Checked(rows[keep], failures.reset_index(drop=True))


def _distinct(rows: pd.DataFrame) -> pd.DataFrame:
    """Drop repeated rows of one evaluation.

    Raises:
        UserError: if they have different numbers (the seconds of ours may differ).
    """
    key = [*RUN, "evaluation"]
    if not rows.duplicated(key).any():
        return rows
    same = [*key, "spent", "best_value", "simple_regret"]
    unique = rows.drop_duplicates(same)
    clash = unique.duplicated(key)
    if clash.any():
        first = unique[clash].iloc[0]
        raise UserError(
            f"{counted(int(clash.sum()), 'evaluation occurs', 'evaluations occur')} more than once "
            "in the results with different "
            f"numbers (first: task {first['task']!r}, method {first['method']!r}, seed "
            f"{first['seed']}, evaluation {first['evaluation']:.0f}); report such runs one by one."
        )
    return unique.reset_index(drop=True)


def _check_spending(rows: pd.DataFrame) -> None:
    run = rows[RUN].ne(rows[RUN].shift()).any(axis=1).to_numpy()
    spent = rows["spent"].to_numpy()
    back = (np.diff(spent, prepend=0.0) < -1e-9) & ~run
    wrong = np.flatnonzero(back | ~(np.isfinite(spent) & (spent >= 0)))
    if wrong.size:
        first = rows.iloc[int(wrong[0])]
        raise UserError(
            f"what a run has spent must be finite and never fall, but it does in task "
            f"{first['task']!r}, method {first['method']!r}, seed {first['seed']}, evaluation "
            f"{first['evaluation']:.0f} (spent = {first['spent']})."
        )
