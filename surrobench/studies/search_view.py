"""The results table of searches: one row per evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from surrobench.studies.record import Record
from surrobench.studies.search_grid import SEARCH_IDENTITY

_NUMBERS = (
    "value",
    "best_value",
    "simple_regret",
    "test_value",
    "spent",
    "simulated_seconds",
    "overhead_seconds",
)
_TEXTS = (
    "task",
    "strategy",
    "predictor",
    "encoding",
    "acquisition",
    "objectives",
    "constraints",
    "unit",
    "arch",
    "status",
    "reason",
    "key",
    "version",
    "host",
)
_FIRST = (
    "task",
    "strategy",
    "predictor",
    "encoding",
    "acquisition",
    "seed",
    "evaluation",
    "arch",
    "epochs",
    *_NUMBERS,
    "status",
    "reason",
)
_LAST = (
    "optimum",
    "unit",
    "evaluations",
    "initial",
    "batch",
    "objectives",
    "constraints",
    "key",
    "version",
    "host",
)


def make_search_frame(records: Iterable[Record], order: Sequence[str] = ()) -> pd.DataFrame:
    """One row per evaluation, in the order of the keys of ``order``, others behind by name.

    A search without any evaluation has one row with ``evaluation`` 0 and its status and reason.
    """
    rank = {key: position for position, key in enumerate(order)}
    ordered = sorted(
        records,
        key=lambda record: (
            rank.get(record.key, len(rank)),
            *(str(record.payload[name]) for name in SEARCH_IDENTITY[:-1]),
            record.payload["seed"],
            record.key,
        ),
    )
    if not ordered:
        return pd.DataFrame(columns=[*_FIRST, *_LAST])
    frame = pd.concat([_rows(record) for record in ordered], ignore_index=True)
    others = sorted(set(frame.columns) - {*_FIRST, *_LAST})
    frame = frame.reindex(columns=[*_FIRST, *others, *_LAST])
    for name in _TEXTS:
        frame[name] = frame[name].fillna("").astype("category")
    for name in (*_NUMBERS, *others, "optimum"):
        frame[name] = pd.to_numeric(frame[name], errors="coerce").astype("float64")
    frame["epochs"] = frame["epochs"].astype("Int64")
    return frame


def _rows(record: Record) -> pd.DataFrame:
    payload = record.payload
    columns: dict[str, Any] = {name: payload[name] for name in SEARCH_IDENTITY}
    columns |= {"reason": payload["reason"], "key": record.key}
    columns |= {
        "optimum": payload.get("optimum", np.nan),
        "unit": payload.get("unit", ""),
        "host": record.provenance.get("host", ""),
        "version": record.provenance.get("surrobench", ""),
    }
    rows = dict(payload.get("rows", {}))
    if not rows:
        return pd.DataFrame([{**columns, "evaluation": 0, "status": payload["status"]}])
    statuses = rows.pop("row_status")
    overhead = record.timing.get("overhead_seconds", [np.nan] * len(statuses))
    for name, values in rows.items():
        texts = name in _TEXTS
        rows[name] = (
            values if texts else pd.array(values, dtype="Float64").to_numpy(float, na_value=np.nan)
        )
    rows["epochs"] = pd.array(payload["rows"]["epochs"], dtype="Int64")
    return pd.DataFrame(
        {
            **{name: value for name, value in columns.items()},
            "evaluation": np.arange(1, len(statuses) + 1),
            **rows,
            "overhead_seconds": overhead,
            "status": statuses,
        }
    )
