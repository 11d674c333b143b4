"""The results table of a prediction study: one row per cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import pandas as pd

from surrobench.studies.run_folder.record import IDENTITY, Record

_FIRST = ("task", "predictor", "transform", "encoding", "train_size", "seed", "status", "reason")
_SCORES = (
    "kendall_tau",
    "spearman",
    "pearson",
    "mae",
    "rmse",
    "precision_at_10",
    "precision_at_50",
    "ndcg_at_50",
    "best_of_top_1",
    "best_of_top_10",
    "regret_at_1",
    "regret_at_10",
    "best_rank_at_10",
    "kendall_tau_top_half",
    "nll",
    "crps",
    "coverage_50",
    "coverage_90",
    "coverage_95",
    "calibration_error",
    "sharpness",
)
_LAST = (
    "constant",
    "fit_seconds",
    "query_seconds_per_arch",
    "cpu_seconds",
    "train_seconds",
    "protocol",
    "n_test",
    "key",
    "version",
    "host",
)
_BLOCK = 20_000
"""Records that are held at once while a table is made."""
_SECONDS = ("fit_seconds", "query_seconds_per_arch", "cpu_seconds", "train_seconds")


def make_frame(records: Iterable[Record], order: Sequence[str] = ()) -> pd.DataFrame:
    """One row per record; in the order of the keys of ``order``, others behind, by name."""
    rank = {key: position for position, key in enumerate(order)}
    places: list[tuple[Any, ...]] = []

    def row(record: Record) -> dict[str, Any]:
        at = rank.get(record.key)
        named = (record.payload[name] for name in IDENTITY)
        places.append((len(rank), *named, record.key) if at is None else (at,))
        return record.row()

    rows = map(row, records)
    blocks = [pd.DataFrame(block) for block in iter(lambda: list(islice(rows, _BLOCK)), [])]
    frame = pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame()
    wanted = sorted(range(len(places)), key=places.__getitem__)
    if wanted != list(range(len(places))):
        frame = frame.iloc[wanted].reset_index(drop=True)
    others = sorted(set(frame.columns) - {*_FIRST, *_SCORES, *_LAST})
    frame = frame.reindex(columns=[*_FIRST, *_SCORES, *others, *_LAST])
    for name in (*_SCORES, *others, *_SECONDS):
        frame[name] = pd.to_numeric(frame[name], errors="coerce").astype("float64")
    frame["constant"] = frame["constant"].eq(True)  # False where there is no prediction
    return frame.astype({"n_test": "Int64"})


def ends(frame: pd.DataFrame) -> pd.DataFrame:
    """How every cell ended."""
    return frame[["key", "predictor", "status", "reason"]]
