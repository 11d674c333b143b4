"""The results table of a pipeline study: one row per architecture that a cell looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from surrobench.studies.pipeline.plan import PIPELINE_IDENTITY
from surrobench.studies.run_folder.record import Record
from surrobench.studies.search.frame import unpacked

_OF_ROWS = (
    "arch",
    "pick",
    "reference",
    "predicted",
    "predicted_std",
    "brief_value",
    "value",
    "value_std",
    "runs",
    "judged",
    "params",
    "flops",
)
_OF_CELLS = (
    "unit",
    "data",
    "judge",
    "optimum",
    "pool",
    "without_judge",
    "ranked",
    "kendall_tau",
    "kendall_tau_top_half",
)
_SECONDS = (
    "train_seconds",
    "fit_seconds",
    "score_seconds",
    "cpu_seconds",
    "full_seconds",
)
_TEXTS = ("task", "predictor", "encoding", "acquisition", "unit", "data", "judge", "arch", "status")

_COLUMNS = [
    *PIPELINE_IDENTITY,
    "status",
    "reason",
    *_OF_ROWS,
    "row_seconds",
    *_OF_CELLS,
    *_SECONDS,
    "key",
    "version",
    "host",
]


def make_pipeline_frame(records: Iterable[Record], order: Sequence[str] = ()) -> pd.DataFrame:
    """One row per architecture, in the order of the keys of ``order``, others behind by name.

    A cell without a result has one row, whose ``status`` and ``reason`` say why.
    """
    rank = {key: position for position, key in enumerate(order)}
    ordered = sorted(
        records,
        key=lambda record: (
            rank.get(record.key, len(rank)),
            *(str(record.payload[name]) for name in PIPELINE_IDENTITY[:-1]),
            record.payload["seed"],
            record.key,
        ),
    )
    parts = [_rows(record) for record in ordered]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=_COLUMNS)
    numbers = [*_OF_ROWS[3:], *_OF_CELLS[3:], *_SECONDS, "row_seconds"]
    for name in numbers:
        frame[name] = pd.to_numeric(frame[name], errors="coerce").astype("float64")
    frame["pick"] = pd.to_numeric(frame["pick"], errors="coerce").fillna(0).astype("int32")
    frame["reference"] = frame["reference"].eq(True)
    for name in (*_TEXTS, "reason", "key", "version", "host"):
        frame[name] = frame[name].fillna("").astype(str).astype("category")
    return frame


def _rows(record: Record) -> pd.DataFrame:
    columns = record.payload.get("rows", {})
    found = {name: unpacked(columns[name]) for name in _OF_ROWS if name in columns}
    length = len(found["arch"]) if found else 1
    shared: dict[str, Any] = {name: record.payload[name] for name in PIPELINE_IDENTITY}
    shared |= {"status": record.status, "reason": record.payload.get("reason", "")}
    own = {name: found.get(name, [None] * length) for name in _OF_ROWS}
    seconds_of_rows: Any = record.timing.get("row_seconds", [None] * length)
    own["row_seconds"] = seconds_of_rows
    cell = {name: record.payload.get(name) for name in _OF_CELLS}
    seconds = {name: record.timing.get(name) for name in _SECONDS}
    last = {
        "key": record.key,
        "version": record.provenance.get("surrobench", ""),
        "host": record.provenance.get("host", ""),
    }
    frame = pd.DataFrame(own, dtype=object)
    for place, (name, value) in enumerate(shared.items()):
        frame.insert(place, name, [value] * length)
    rest = pd.DataFrame({name: [v] * length for name, v in {**cell, **seconds, **last}.items()})
    return pd.concat([frame, rest], axis=1)


def ends(frame: pd.DataFrame) -> pd.DataFrame:
    """How every cell ended."""
    cells = frame.drop_duplicates("key")[["key", "predictor", "status", "reason"]]
    return cells.astype(object)
