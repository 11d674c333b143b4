"""What a predictor costs and what it achieves: the three axes of White et al.

White, Zela, Ru, Liu and Hutter, "How powerful are performance predictors in neural architecture
search?", NeurIPS 2021: initialisation time, query time, and the rank correlation with the truth.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from surrobench.report.common.measures import Measure
from surrobench.report.results import Results

QUERY = "query_seconds_per_arch"
_STEPS = 160


def costs(results: Results, measure: Measure) -> pd.DataFrame:
    """Means over seeds of every cell that has a score and both times; no predictors of constants.

    Returns:
        A row per (task, train_size, method): ``score``; ``initialisation``, the seconds of
        training the examples (where the task states them) and of fitting; ``query``, seconds for
        one architecture; and ``trained``, whether the seconds of training are in it.
    """
    needed = ("fit_seconds", QUERY, measure.column)
    if not results.has(*needed):
        return pd.DataFrame()
    keys = ["task", "train_size", "method"]
    rows = results.ok.assign(train_seconds=results.ok.get("train_seconds", np.nan))
    means = rows.groupby(keys, sort=False)[[*needed, "train_seconds"]].mean().reset_index()
    known = means["train_seconds"].notna().groupby(means["task"]).transform("all")
    training = means["train_seconds"].where(known, 0.0)
    table = means[keys].assign(
        score=means[measure.column],
        initialisation=training + means["fit_seconds"],
        query=means[QUERY],
        trained=known & (training > 0),
    )
    usable = np.isfinite(table["score"]) & (table["initialisation"] > 0) & (table["query"] > 0)
    usable &= ~table["method"].isin(results.constant_methods(always=True))
    return table[usable].reset_index(drop=True)


def winners(table: pd.DataFrame, larger_is_better: bool = True) -> pd.DataFrame:
    """Who has the best score within each pair of limits on initialisation and query time.

    Args:
        table: :func:`costs` of one task.
        larger_is_better: of the score.

    Returns:
        Limits on initialisation (index, ascending) × limits on query (columns, ascending); the
        name of a method, empty where nothing is affordable.
    """
    rows = table.sort_values("score", ascending=larger_is_better, kind="stable")
    first, second = _limits(table["initialisation"]), _limits(table["query"])
    grid = np.full((len(first), len(second)), "", dtype=object)
    for row in rows.itertuples():  # the best comes last and overwrites
        grid[np.ix_(first >= row.initialisation, second >= row.query)] = row.method
    return pd.DataFrame(grid, index=first, columns=second)


def _limits(values: pd.Series) -> np.ndarray:
    """Logarithmically spaced, a little beyond the values on either side."""
    low, high = np.log(values.min()), np.log(values.max())
    margin = 0.05 * max(high - low, 1.0)
    return np.exp(np.linspace(low - margin, high + margin, _STEPS))
