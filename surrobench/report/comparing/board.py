"""The board of a study: Elo, win rate, improvability, mean rank and seconds of every method.

The columns are those that readers know from TabArena (Erickson et al., "TabArena: a living
benchmark for machine learning on tabular data", NeurIPS 2025, arXiv:2506.16791):

* Elo: :mod:`surrobench.report.statistics.bradley_terry`, from wins over all blocks, a tie half for
  each.
* Win rate: the share of these comparisons that a method wins, a tie half.
* Improvability: by which share the error of a method would shrink if it were that of the best of
  the task, averaged: ``(error - least error) / error``, 0 for the best of every task. The error is
  how far a score is from a perfect one (``1 - τ``, the regret); scores without one have none.

Other than there the mean of the compared methods is 1000 and not the rating of a chosen one, tasks
of one table count once together where there are enough tables, and nothing is imputed: a method
that lacks a task is not compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from surrobench.arrays import FloatArray
from surrobench.report.common.measures import Measure
from surrobench.report.statistics.bootstrap import counts, limits, tail
from surrobench.report.statistics.bradley_terry import elo, pairwise_wins
from surrobench.report.statistics.clusters import table_of

LEAST_BLOCKS = 10
"""With fewer blocks an interval of Elo covers less than it says (``docs/concepts/tests.md``)."""
RESAMPLES = 1000
_TOGETHER = 100
COLUMNS = (
    "method",
    "elo",
    "elo_low",
    "elo_high",
    "win_rate",
    "improvability",
    "mean_rank",
    "seconds",
    "on_front",
    "tasks",
    "blocks",
)


@dataclass(frozen=True)
class Board:
    """Methods in the order of their Elo, and what they were compared over.

    Attributes:
        table: a row per method with :data:`COLUMNS`. ``elo_low`` and ``elo_high`` are 95 % limits
            for other blocks (NaN for fewer than :data:`LEAST_BLOCKS`); ``improvability`` and
            ``win_rate`` are shares; ``seconds`` NaN where unknown; ``on_front``: no other method
            is at least as good in Elo and seconds and better in one.
        what: the blocks are ("tables", "tasks", "seeds on …").
        left_out: methods that lack a block.
        measure: that decides who wins.
    """

    table: pd.DataFrame
    what: str
    left_out: tuple[str, ...]
    measure: Measure

    @property
    def has_intervals(self) -> bool:
        """Whether there are enough blocks for limits of Elo."""
        return bool(self.table["elo_low"].notna().any())


def board_of(
    means: pd.DataFrame,
    measure: Measure,
    *,
    seeds: pd.DataFrame | None = None,
    by_table: bool = False,
    seconds: pd.Series | None = None,
) -> Board:
    """Compare methods over tasks, or over the seeds of a single one.

    Args:
        means: mean scores, tasks × methods.
        measure: what they are.
        seeds: scores of a single task, seeds × methods: then the blocks are seeds.
        by_table: whether a table is a block, with the means over its tasks; else every task is one,
            and there are no intervals, for tasks of few tables are no independent draws.
        seconds: of methods.
    """
    means = means.sort_index()  # what is resampled does not depend on the order of the tasks
    blocks = means if seeds is None else seeds
    blocks = blocks.where(np.isfinite(blocks)).dropna(how="all")
    complete = blocks.dropna(axis=1)
    left_out = tuple(str(name) for name in blocks if name not in complete)
    if complete.empty:
        nothing = pd.DataFrame(columns=list(COLUMNS), dtype=float)
        return Board(nothing, "tables" if by_table else "tasks", left_out, measure)
    methods = [str(name) for name in complete]
    tables = [table_of(str(name)) if by_table else str(name) for name in blocks.index]
    wins = _averaged(pairwise_wins(complete.to_numpy(float), measure.larger_is_better), tables)
    ranks = _grouped(complete.rank(axis=1, ascending=not measure.larger_is_better), tables)
    gaps = improvability(means.reindex(columns=complete.columns), measure)
    groups = tables if seeds is None else [str(name) for name in gaps.index]
    drawn = seeds is not None or by_table
    low, high = _limits(wins) if drawn else _none(len(methods))
    table = pd.DataFrame(
        {
            "method": methods,
            "elo": elo(wins.sum(axis=0)) if methods else [],
            "elo_low": low,
            "elo_high": high,
            "win_rate": _win_rates(wins),
            "improvability": _grouped(gaps, groups).mean().to_numpy(),
            "mean_rank": ranks.mean().to_numpy(),
            "seconds": np.nan
            if seconds is None
            else seconds.reindex(complete.columns).to_numpy(float),
            "tasks": len(means),
            "blocks": len(wins),
        }
    )
    table["on_front"] = on_front(table["seconds"], table["elo"])
    what = f"seeds on {means.index[0]} alone" if seeds is not None else "tasks"
    ordered = table.sort_values(["elo", "mean_rank", "method"], ascending=[False, True, True])
    return Board(
        ordered.reset_index(drop=True)[list(COLUMNS)],
        "tables" if by_table else what,
        left_out,
        measure,
    )


def improvability(means: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """By which share of its error a method is behind the best of a task, tasks × methods.

    All NaN for a measure without a perfect score. A method without an error is 0 behind.
    """
    if measure.perfect is None:
        return means * np.nan
    error = (measure.perfect - means).abs()
    least = error.min(axis=1)
    share = error.sub(least, axis=0) / error
    return share.where(error != 0, 0.0)


def on_front(seconds: pd.Series, quality: pd.Series) -> pd.Series:
    """Which rows no other row is better than in one and at least as good in the other.

    Args:
        seconds: fewer are better; a row without a number is not on the front.
        quality: more is better.
    """
    known = (seconds.notna() & quality.notna()).to_numpy()
    cost, value = seconds.to_numpy(float), quality.to_numpy(float)
    better = (cost[:, None] <= cost) & (value[:, None] >= value)
    better &= (cost[:, None] < cost) | (value[:, None] > value)
    return pd.Series(known & ~better[known].any(axis=0), index=seconds.index)


def _averaged(wins: FloatArray, tables: list[str]) -> FloatArray:
    """Wins of each table: means over its tasks."""
    names = np.array(tables)
    groups = list(dict.fromkeys(tables))
    return np.stack([wins[names == name].mean(axis=0) for name in groups]) if groups else wins


def _grouped(frame: pd.DataFrame, tables: list[str]) -> pd.DataFrame:
    return frame.groupby(tables, sort=False).mean()


def _win_rates(wins: FloatArray) -> FloatArray:
    others = wins.shape[1] - 1
    if others < 1 or not len(wins):
        return np.full(wins.shape[1], np.nan)
    return np.asarray(wins.mean(axis=0).sum(axis=1) / others)


def _limits(wins: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Of the Elo of every method, by resampling blocks; NaN for too few."""
    blocks, methods = wins.shape[:2]
    if blocks < LEAST_BLOCKS or methods < 2:
        return _none(methods)
    drawn = counts(blocks)[:, :RESAMPLES]
    flat = wins.reshape(blocks, -1)
    found = [
        elo((drawn[:, start : start + _TOGETHER].T @ flat).reshape(-1, methods, methods))
        for start in range(0, RESAMPLES, _TOGETHER)
    ]
    return limits(np.concatenate(found), tail(blocks))


def _none(methods: int) -> tuple[FloatArray, FloatArray]:
    return np.full(methods, np.nan), np.full(methods, np.nan)
