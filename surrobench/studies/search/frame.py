"""The results table of a search study: one row per evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

import numpy as np
import pandas as pd

from surrobench.studies.run_folder.record import Record
from surrobench.studies.search.plan import SEARCH_IDENTITY

_TEXTS = ("task", "strategy", "predictor", "encoding", "acquisition")
_NUMBERS = ("value", "best_value", "judged", "simple_regret", "test_value", "spent")
_SECONDS = ("simulated_seconds", "overhead_seconds")
_TIMES = ("evaluations", "initial", "batch")
_OF_FRONTS = ("hypervolume", "useful_hypervolume", "front_found")
"""The first one is that of earlier versions, whose reference point lay below the whole front."""
_FACTS = ("optimum", "judge_runs", "pool", "without_judge", "front_points")
_LAST_TEXTS = (
    "judge",
    "lengths",
    "useful",
    "objectives",
    "constraints",
    "protocol",
    "unit",
    "clock",
    "key",
    "version",
    "host",
)


def make_search_frame(records: Iterable[Record], order: Sequence[str] = ()) -> pd.DataFrame:
    """One row per evaluation, in the order of the keys of ``order``, others behind by name.

    A search that broke off has one more row behind its evaluations: ``evaluation`` is 0, and
    ``status`` and ``reason`` say how it ended.
    """
    ordered = _ordered(records, order)
    counts = [_length(record) for record in ordered]
    heads = [_head(record) for record in ordered]
    columns: dict[str, Any] = {
        name: _repeated([head[name] for head in heads], counts) for name in (*_TEXTS, "seed")
    }
    columns["evaluation"] = [n for record in ordered for n in _numbers(record)]
    columns["arch"] = _column(ordered, "arch", "")
    columns["epochs"] = pd.array(_column(ordered, "epochs", None), dtype="Int32")
    for name in (*_NUMBERS, *_others(ordered), *_SECONDS):
        columns[name] = np.array(_column(ordered, name, None), dtype=np.float64)
    if any("feasible" in record.payload.get("rows", {}) for record in ordered):
        columns["feasible"] = pd.array(_column(ordered, "feasible", None), dtype="boolean")
    columns["status"] = _column(ordered, "row_status", "ok", "status")
    columns["reason"] = _column(ordered, "row_reason", "", "reason")
    for name in (*_FACTS, *_TIMES, *_LAST_TEXTS):
        columns[name] = _repeated([head[name] for head in heads], counts)
    return _typed(pd.DataFrame(columns))


def ends(frame: pd.DataFrame) -> pd.DataFrame:
    """How every search ended: ``ok``, or what its last row says."""
    last = frame.drop_duplicates("key", keep="last")
    cells = last[["key", "strategy", "status", "reason"]].astype(object)
    cells.loc[last["evaluation"] > 0, ["status", "reason"]] = ["ok", ""]
    return cells


def _ordered(records: Iterable[Record], order: Sequence[str]) -> list[Record]:
    rank = {key: position for position, key in enumerate(order)}
    return sorted(
        records,
        key=lambda record: (
            rank.get(record.key, len(rank)),
            *(str(record.payload[name]) for name in SEARCH_IDENTITY[:-1]),
            record.payload["seed"],
            record.key,
        ),
    )


def _length(record: Record) -> int:
    return len(_numbers(record))


def _numbers(record: Record) -> list[int]:
    """Numbers of the evaluations, and 0 for what ended a search that broke off."""
    rows = record.payload.get("rows", {})
    finished = list(range(1, len(unpacked(rows["value"])) + 1)) if rows else []
    return finished if record.status == "ok" else [*finished, 0]


def _head(record: Record) -> dict[str, Any]:
    """What is the same in all rows of a search."""
    payload = record.payload
    protocol = [f"batch {payload['batch']}"] if payload["batch"] != 1 else []
    return {
        **{name: payload[name] for name in SEARCH_IDENTITY},
        **{name: payload.get(name, np.nan) for name in _FACTS},
        **{name: payload.get(name, "") for name in ("judge", "lengths", "useful", "unit", "clock")},
        "protocol": "; ".join([*protocol, *filter(None, [payload["constraints"]])]),
        "key": record.key,
        "version": record.provenance.get("surrobench", ""),
        "host": record.provenance.get("host", ""),
    }


def _repeated(values: Sequence[Any], counts: Sequence[int]) -> list[Any]:
    pairs = zip(values, counts, strict=True)
    return list(chain.from_iterable(repeat(value, count) for value, count in pairs))


def _others(records: Sequence[Record]) -> list[str]:
    """Objectives, each record's own first, and what of their front was attained."""
    named: dict[str, None] = {}
    for record in records:
        if record.payload["objectives"]:
            tasks = [record.payload["task"], *record.payload["objectives"].split(", ")]
            named.update(dict.fromkeys(f"objective:{task}" for task in tasks))
    known = {name for record in records for name in record.payload.get("rows", {})}
    return [*named, *(name for name in _OF_FRONTS if name in known)] if named else []


def _column(records: Iterable[Record], name: str, default: Any, ending: str = "") -> list[Any]:
    """One column of all searches; ``ending`` is what the last row of a broken one holds."""
    values: list[Any] = []
    for record in records:
        rows: Mapping[str, Any] = {**record.payload.get("rows", {}), **record.timing}
        finished = _length(record) - (record.status != "ok")
        own = unpacked(rows[name]) if finished and name in rows else [default] * finished
        values += own
        if record.status != "ok":
            values.append(record.payload[ending] if ending else default)
    return values


def unpacked(column: Sequence[Any]) -> list[Any]:
    """A column of a record, element by element; see ``packed`` in ``studies.search``."""
    if not column or not isinstance(column[0], list):
        return list(column)
    return list(chain.from_iterable(repeat(value, count) for value, count in column))


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    texts = [*_TEXTS, "arch", "status", "reason", *_LAST_TEXTS]
    whole = ["seed", "evaluation", *_TIMES]
    return frame.astype(
        {
            **dict.fromkeys(texts, "category"),
            **dict.fromkeys(whole, "int32"),
            **dict.fromkeys(_SECONDS, "float32"),
            **dict.fromkeys(_FACTS, "float64"),
        }
    )
