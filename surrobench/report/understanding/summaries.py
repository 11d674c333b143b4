"""Means over training sets of what was asked, with the standard deviation between these."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

KEYS = {
    "importance": ["feature", "block"],
    "contributions": ["feature", "block"],
    "effects": ["variable", "choice"],
    "relevance": ["block", "feature"],
    "residuals": ["by", "group"],
}
"""What tells the rows of each frame of an explanation apart, besides the seed."""


def over_seeds(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """A row per key in order of appearance: mean and standard deviation of every number.

    Importances pile up at zero and few training sets are drawn, so that no interval of their mean
    holds; the deviation says how much another training set would change.

    Columns: the keys, ``seeds``, and for each number ``x`` of the frame ``x`` and ``x_sd`` (NaN
    with one seed).
    """
    numbers = [str(name) for name in frame.select_dtypes("number") if name not in (*keys, "seed")]
    groups = frame.groupby(list(keys), sort=False, observed=True)
    means, deviations = groups[numbers].mean(), groups[numbers].std()
    table = groups["seed"].nunique().rename("seeds").to_frame()
    for name in numbers:
        table[name] = means[name]
        table[f"{name}_sd"] = deviations[name]
    return table.reset_index()


def most_telling(residuals: pd.DataFrame, count: int) -> pd.DataFrame:
    """Groups of the kinds whose biases differ most, at most ``count`` groups in all.

    All architectures together and the first kind (by true value) are always among them.
    """
    kinds = residuals.groupby("by", sort=False)["bias"]
    spread = (kinds.max() - kinds.min()).sort_values(ascending=False, kind="stable")
    first = list(residuals["by"].unique()[:2])
    chosen, used = first, int(residuals["by"].isin(first).sum())
    for kind in spread.index.difference(first, sort=False):
        size = int((residuals["by"] == kind).sum())
        if used + size <= count:
            chosen, used = [*chosen, kind], used + size
    return residuals[residuals["by"].isin(chosen)]


def in_order(residuals: pd.DataFrame) -> pd.DataFrame:
    """Groups of one kind together, those that are numbers by their size."""
    kinds = {kind: place for place, kind in enumerate(residuals["by"].unique())}
    sizes = pd.to_numeric(residuals["group"], errors="coerce").fillna(-1.0)
    ordered = residuals.assign(kind=residuals["by"].map(kinds), size=sizes)
    ordered = ordered.sort_values(["kind", "size"], kind="stable", ignore_index=True)
    return ordered.drop(columns=["kind", "size"])
