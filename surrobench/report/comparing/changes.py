"""How the scores of one run differ from those of another, cell by cell and method by method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from surrobench.arrays import FloatArray
from surrobench.report.common.measures import Measure
from surrobench.report.statistics.clusters import LEAST_TABLES, table_of
from surrobench.report.statistics.intervals import mean_intervals
from surrobench.report.statistics.sign_flips import compare_pairs

ALPHA = 0.05
CELL = ("task", "method", "at", "seed")
GROUP = ["task", "method", "at"]
BETTER, WORSE, SAME_BITS = "better", "worse", "same bits"
ALIKE, UNKNOWN = "no difference found", "no test can tell"
OUTCOMES = (BETTER, WORSE, ALIKE, UNKNOWN, SAME_BITS)
_EQUAL = 1e-12


@dataclass(frozen=True)
class Changes:
    """Two runs, paired.

    Attributes:
        cells: one row per cell of both with a number in both: :data:`CELL`, ``before``, ``after``
            and ``same_bits``.
        groups: one row per task, method and size (or budget): ``seeds``, means ``before`` and
            ``after``, ``change`` (positive is better, with its 95 % limits ``low`` and ``high``
            where they hold), ``p_adjusted`` over all groups, ``outcome`` (:data:`OUTCOMES`).
        methods: the same for methods over tasks: ``tasks``, how many of them are ``better`` and
            ``worse`` by their means, ``change`` (of unitless scores), ``p_adjusted``, ``outcome``.
    """

    cells: pd.DataFrame
    groups: pd.DataFrame
    methods: pd.DataFrame


def changes(cells: pd.DataFrame, measure: Measure) -> Changes:
    """Test what changed between two runs.

    Seeds are the blocks of the tests: under one seed both runs met the same data, and signs are
    flipped for all cells of a seed at once (:mod:`surrobench.report.statistics.sign_flips`). Over
    tasks the blocks are tables, of which it takes
    :data:`~surrobench.report.statistics.clusters.LEAST_TABLES`.

    Args:
        cells: as in :class:`Changes`.
        measure: that the scores are of.
    """
    sign = 1.0 if measure.larger_is_better else -1.0
    known = cells.assign(change=sign * _without_noise(cells["after"] - cells["before"], cells))
    return Changes(cells, _groups(known, measure), _over_tasks(known, measure))


def _without_noise(difference: pd.Series, cells: pd.DataFrame) -> pd.Series:
    size = np.maximum(cells["before"].abs(), cells["after"].abs())
    return difference.where(difference.abs() > _EQUAL * size, 0.0)


def _groups(cells: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    grouped = cells.groupby(GROUP, sort=False)
    table = grouped[["before", "after", "change"]].mean()
    table.insert(0, "seeds", grouped.size())
    table["same_bits"] = grouped["same_bits"].all()
    wide = cells.pivot(index="seed", columns=GROUP, values="change")[list(table.index)]
    low, high = mean_intervals(wide.to_numpy(float), measure.skewed)
    table["low"], table["high"] = (np.nan, np.nan) if measure.skewed else (low, high)
    return _tested(table, wide.to_numpy(float), measure).reset_index()


def _over_tasks(cells: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    means = cells.groupby(GROUP, sort=False).agg(
        change=("change", "mean"), same_bits=("same_bits", "all")
    )
    means = means.reset_index()
    if not measure.unitless:  # in units of the task's own spread between methods
        spread = cells.groupby("task")["before"].std()
        means["scaled"] = means["change"] / means["task"].map(spread.where(spread > 0))
    else:
        means["scaled"] = means["change"]
    grouped = means.groupby(["method", "at"], sort=False)
    table = pd.DataFrame(
        {
            "tasks": grouped.size(),
            "better": grouped["change"].agg(lambda values: int((values > 0).sum())),
            "worse": grouped["change"].agg(lambda values: int((values < 0).sum())),
            "change": grouped["change"].mean() if measure.unitless else np.nan,
            "same_bits": grouped["same_bits"].all(),
        }
    )
    tables = means.assign(table=means["task"].map(table_of))
    wide = tables.pivot_table(
        index="table", columns=["method", "at"], values="scaled", dropna=False
    )
    wide = wide.reindex(columns=table.index)
    values = wide.to_numpy(float)
    few = np.isfinite(values).sum(axis=0) < LEAST_TABLES
    return _tested(table, np.where(few, np.nan, values), measure).reset_index()


def _tested(table: pd.DataFrame, differences: FloatArray, measure: Measure) -> pd.DataFrame:
    """Add adjusted p-values and outcomes of differences (blocks × rows of the table)."""
    open_rows = ~table["same_bits"].to_numpy(bool)  # of the others there is nothing to ask
    p, outcome = np.full(len(table), np.nan), np.full(len(table), SAME_BITS, dtype=object)
    if open_rows.any():
        asked = differences[:, open_rows]
        found = compare_pairs(asked, ALPHA)
        better = np.where(np.nansum(asked, axis=0) > 0, BETTER, WORSE)
        unclear = np.where(found.conclusive, ALIKE, UNKNOWN)
        told = np.where(found.adjusted < ALPHA, better, unclear)
        p[open_rows] = found.adjusted if measure.marked else np.nan
        outcome[open_rows] = told if measure.marked else UNKNOWN
    return table.assign(change=table["change"] + 0.0, p_adjusted=p, outcome=outcome)
